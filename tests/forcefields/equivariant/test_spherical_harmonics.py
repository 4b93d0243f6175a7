import math

import numpy as np
import pytest
import torch
from scipy.integrate import lebedev_rule

from chemscale.forcefields.equivariant.spherical_harmonics import spherical_harmonics


def test_known_values_along_the_axes() -> None:
    values = spherical_harmonics(torch.eye(3, dtype=torch.float64), 2)
    root3, root5, root15 = math.sqrt(3), math.sqrt(5), math.sqrt(15)
    expected = [
        [1, root3, 0, 0, 0, 0, -root5 / 2, 0, -root15 / 2],
        [1, 0, root3, 0, 0, 0, root5, 0, 0],
        [1, 0, 0, root3, 0, 0, -root5 / 2, 0, root15 / 2],
    ]
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))


def test_they_are_orthonormal_over_the_sphere() -> None:
    directions, weights = lebedev_rule(7)
    values = spherical_harmonics(torch.from_numpy(directions.T.copy()), 2).numpy()
    np.testing.assert_allclose((values.T * weights) @ values / weights.sum(), np.eye(9), atol=1e-12)


@pytest.mark.parametrize("l_max", [1, 2])
def test_odd_orders_change_sign_with_the_direction(l_max: int) -> None:
    directions = torch.nn.functional.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    there, back = spherical_harmonics(directions, l_max), spherical_harmonics(-directions, l_max)
    signs = torch.tensor([1.0, -1, -1, -1, 1, 1, 1, 1, 1])[: (l_max + 1) ** 2]
    torch.testing.assert_close(back, there * signs)
    torch.testing.assert_close(there[:, 1:4].square().sum(-1), torch.full((5,), 3.0))
