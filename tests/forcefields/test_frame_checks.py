import re
from dataclasses import replace

import numpy as np
import pytest

from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frame_checks import fault_of

WATER = Frame(
    np.array([8, 1, 1]),
    np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]),
    energy=-14.0,
    forces=np.zeros((3, 3)),
)
CELL = np.diag([4.0, 5.0, 6.0])


def test_a_good_frame_has_no_fault() -> None:
    assert fault_of(WATER) is None
    assert fault_of(replace(WATER, cell=CELL, periodic=(True, True, False))) is None
    assert fault_of(Frame(np.array([1]), np.zeros((1, 3)), energy=-13.6)) is None
    assert fault_of(replace(WATER, forces=None)) is None
    assert fault_of(replace(WATER, energy=float("nan"))) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"atomic_numbers": np.zeros(0, int), "positions": np.zeros((0, 3)), "forces": None}, "no atoms"),
        ({"positions": np.zeros((2, 3))}, r"positions of shape \(2, 3\) for 3 atoms"),
        ({"forces": np.zeros((2, 3))}, r"forces of shape \(2, 3\) for 3 atoms"),
        ({"positions": np.full((3, 3), np.nan)}, "a position is not a number"),
        ({"positions": np.diag([1.0, 2.0, np.inf])}, "a position is not a number"),
        ({"atomic_numbers": np.array([8, 1, 119])}, "unknown element: atomic number 119"),
        ({"atomic_numbers": np.array([8, 1, 0])}, "unknown element: atomic number 0"),
        ({"positions": np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 0.1]])}, r"same place \(0.100 angstrom apart\)"),
        ({"unpaired": -1}, "-1 unpaired electrons"),
        ({"cell": np.diag([4.0, 5.0, 0.0]), "periodic": (True, True, True)}, "the cell is flat"),
        ({"cell": np.full((3, 3), np.nan), "periodic": (True, True, True)}, "the cell is not a number"),
        ({"energy": float("nan"), "forces": np.full((3, 3), np.nan)}, "no energy and no force"),
        ({"energy": float("inf"), "forces": None}, "no energy and no force"),
    ],
)
def test_a_fault_is_named(changes: dict, reason: str) -> None:
    found = fault_of(replace(WATER, **changes))
    assert found is not None
    assert re.search(reason, found), found


def test_atoms_meet_across_the_cell_boundary() -> None:
    pair = Frame(np.array([1, 1]), np.array([[0.1, 0, 0], [3.95, 0, 0]]), energy=0.0)
    assert fault_of(pair) is None
    found = fault_of(replace(pair, cell=CELL, periodic=(True, False, False)))
    assert found is not None
    assert "0.150 angstrom" in found
    assert fault_of(replace(pair, cell=CELL, periodic=(False, True, False))) is None


@pytest.mark.parametrize("n_atoms", [2, 400, 700])
def test_the_closest_pair_is_found_in_small_and_large_molecules(n_atoms: int) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(9.0)] * 3), axis=-1).reshape(-1, 3)[:n_atoms]
    numbers = np.ones(n_atoms, int)
    assert fault_of(Frame(numbers, grid, energy=0.0)) is None
    grid[-1] = grid[0] + [0.0, 0.2, 0.0]
    assert "0.200" in str(fault_of(Frame(numbers, grid, energy=0.0)))
