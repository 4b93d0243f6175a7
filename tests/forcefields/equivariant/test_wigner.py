from itertools import product

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from chemscale.forcefields.equivariant.spherical_harmonics import spherical_harmonics
from chemscale.forcefields.equivariant.wigner import wigner_3j

ORDERS = [
    triple for triple in product(range(3), repeat=3) if abs(triple[0] - triple[1]) <= triple[2] <= sum(triple[:2])
]


def rotation_of(order: int, rotation: Rotation) -> np.ndarray:
    """The matrix that turns Y_order, fitted to the spherical harmonics of turned directions."""
    directions = np.random.default_rng(1).normal(size=(40, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    place = slice(order**2, (order + 1) ** 2)
    before = spherical_harmonics(torch.from_numpy(directions), 2)[:, place].numpy()
    after = spherical_harmonics(torch.from_numpy(rotation.apply(directions)), 2)[:, place].numpy()
    return np.linalg.lstsq(before, after, rcond=None)[0].T


@pytest.mark.parametrize("orders", ORDERS)
def test_the_form_is_invariant_under_rotation_and_has_norm_one(orders: tuple[int, int, int]) -> None:
    rotation = Rotation.from_rotvec([0.4, -1.1, 0.7])
    first, second, third = (rotation_of(order, rotation) for order in orders)
    form = wigner_3j(*orders)
    np.testing.assert_allclose(np.einsum("ijk,ia,jb,kc->abc", form, first, second, third), form, atol=1e-12)
    assert np.linalg.norm(form) == pytest.approx(1.0)


@pytest.mark.parametrize("orders", ORDERS)
def test_each_output_component_has_the_same_weight(orders: tuple[int, int, int]) -> None:
    form = wigner_3j(*orders).reshape(-1, 2 * orders[2] + 1)
    np.testing.assert_allclose(form.T @ form, np.eye(2 * orders[2] + 1) / (2 * orders[2] + 1), atol=1e-12)


def test_components_have_the_order_and_sign_of_e3nn() -> None:
    # single components as e3nn 0.6.0 prints them (o3.wigner_3j)
    known = {
        (1, 1, 0): ((0, 0, 0), 0.57735),
        (1, 1, 1): ((0, 1, 2), 0.40825),
        (1, 1, 2): ((0, 0, 4), -0.31623),
        (1, 2, 2): ((1, 0, 4), -0.36515),
        (2, 1, 2): ((0, 1, 4), 0.36515),
        (2, 2, 1): ((0, 4, 1), -0.36515),
        (2, 2, 0): ((3, 3, 0), 0.44721),
        (2, 2, 2): ((2, 2, 2), 0.23905),
    }
    for orders, (place, value) in known.items():
        assert wigner_3j(*orders)[place] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("orders", [(0, 0, 1), (1, 1, 3), (3, 1, 2), (0, 2, 1)])
def test_orders_that_do_not_couple_are_refused(orders: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"can be coupled"):
        wigner_3j(*orders)
