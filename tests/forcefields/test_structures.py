"""What is read of an `ase.Atoms`: electrons as the readers of frames count them, positions that keep their digits."""

from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.families import build_model
from chemscale.forcefields.structures import centred, dtype_of, electrons_of, frozen_copy


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, (0, 1)),  # nine electrons: one is alone
        ({"charge": 1}, (1, 0)),
        ({"charge": np.int64(-1), "spin": 1}, (-1, 0)),
        ({"multiplicity": 4}, (0, 3)),
        ({"unpaired": 3.0}, (0, 3)),
        ({"total_charge": 2, "charge": 0}, (2, 1)),
    ],
)
def test_electrons_of_hydroxyl(info: dict[str, Any], expected: tuple[int, int]) -> None:
    hydroxyl = molecule("OH")
    hydroxyl.info = info
    assert electrons_of(hydroxyl) == expected


@pytest.mark.parametrize("value", [0.5, "one", None, float("nan"), float("inf"), [1, 2]])
def test_a_charge_that_is_no_integer(value: object) -> None:
    hydroxyl = molecule("OH")
    hydroxyl.info = {"charge": value}
    with pytest.raises(DataError, match=r"info\['charge'\] is .*; expected an integer"):
        electrons_of(hydroxyl)


def test_distances_keep_their_digits_far_from_the_origin() -> None:
    positions = np.array([[1e5, 0, 0], [1e5 + 1.2345678, 0, 0]])
    near = centred(positions, torch.float32)
    assert float(near[1, 0] - near[0, 0]) == pytest.approx(1.2345678, abs=2e-7)


def test_a_frozen_copy_keeps_the_reference_energies_in_double_precision() -> None:
    model = build_model("schnet", width=8, depth=1, species=[1, 8])
    references = torch.zeros_like(model.references)
    references[8] = -2041.123456789
    model.set_units(1.0, references)
    frozen = frozen_copy(model, torch.device("cpu"), torch.float32)
    assert float(frozen.references[8]) == -2041.123456789
    assert not any(weight.requires_grad for weight in frozen.parameters())


def test_precisions_have_names() -> None:
    assert dtype_of("float64") is torch.float64
    with pytest.raises(ConfigError, match="dtype: 'float16' is not allowed"):
        dtype_of("float16")
