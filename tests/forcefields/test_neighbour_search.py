"""Pairs against ASE's neighbour list, and against sums over explicit images."""

import itertools
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from chemscale.base.errors import DataError
from chemscale.forcefields import neighbour_search
from chemscale.forcefields.neighbour_search import molecule_pairs, periodic_pairs

SLANTED = np.array([[4.0, 0.3, 0.0], [-1.0, 5.0, 0.5], [0.7, 0.2, 6.0]])
PERIODIC = [(True, True, True), (True, True, False), (False, True, False), (True, False, True)]


def pairs_by_ase(
    positions: npt.NDArray[np.float64], cell: npt.NDArray[np.float64], periodic: tuple[bool, ...], cutoff: float
) -> Counter[tuple[int, ...]]:
    """Both directions of every pair, with the shift."""
    atoms = Atoms("H" * len(positions), positions=positions, cell=cell, pbc=periodic)
    first, second, shifts = neighbor_list("ijS", atoms, cutoff)
    return Counter(map(tuple, np.column_stack([first, second, shifts]).tolist()))


@pytest.mark.parametrize("n_atoms", [1, 2, 13, 90, 400])
def test_pairs_of_a_molecule_are_those_of_ase(n_atoms: int) -> None:
    positions = np.random.default_rng(n_atoms).random((n_atoms, 3)) * (12 * n_atoms) ** (1 / 3)
    first, second = molecule_pairs(positions, 3.0)
    expected = pairs_by_ase(positions, np.zeros((3, 3)), (False,) * 3, 3.0)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert found == sorted((i, j) for i, j, *_ in expected if i < j)


def test_the_grid_gives_what_brute_force_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.random.default_rng(0).random((60, 3)) * 9 - 30
    brute = molecule_pairs(positions, 4.0)
    monkeypatch.setattr(neighbour_search, "MOST_ATOMS_BRUTE_FORCE", 0)
    grid = molecule_pairs(positions, 4.0)
    assert all(np.array_equal(*both) for both in zip(brute, grid, strict=True))


@pytest.mark.parametrize("periodic", PERIODIC)
@pytest.mark.parametrize("n_atoms", [1, 2, 9])
@pytest.mark.parametrize("cutoff", [3.5, 7.0])
def test_periodic_pairs_are_half_of_those_of_ase(periodic: tuple[bool, ...], n_atoms: int, cutoff: float) -> None:
    random = np.random.default_rng(n_atoms)
    positions = random.random((n_atoms, 3)) @ SLANTED + random.integers(-2, 3, (n_atoms, 3)) @ SLANTED
    cell = SLANTED * np.array(periodic)[:, None]
    first, second, shifts = periodic_pairs(positions, cell, periodic, cutoff)
    assert (first <= second).all()
    half = [tuple(row) for row in np.column_stack([first, second, shifts]).tolist()]
    both = half + [(j, i, -a, -b, -c) for i, j, a, b, c in half]
    assert Counter(both) == pairs_by_ase(positions, SLANTED, periodic, cutoff)
    assert [row[:2] for row in half] == sorted(row[:2] for row in half)


def test_own_images_count_once() -> None:
    first, second, shifts = periodic_pairs(np.zeros((1, 3)), np.eye(3), (True,) * 3, 1.1)
    assert first.tolist() == second.tolist() == [0, 0, 0]
    assert sorted(map(tuple, shifts.tolist())) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]


def test_the_energy_of_a_crystal_is_that_of_a_sum_over_images() -> None:
    positions = np.random.default_rng(5).random((4, 3)) @ SLANTED
    first, second, shifts = periodic_pairs(positions, SLANTED, (True,) * 3, 6.0)
    distances = np.linalg.norm(positions[second] + shifts @ SLANTED - positions[first], axis=1)
    expected = 0.0
    for image in itertools.product(range(-4, 5), repeat=3):
        apart = np.linalg.norm(positions[None] + np.array(image) @ SLANTED - positions[:, None], axis=2)
        expected += 0.5 * np.exp(-apart[(apart > 0) & (apart < 6.0)]).sum()
    assert np.exp(-distances).sum() == pytest.approx(expected, rel=1e-12)


def test_an_atom_very_far_from_its_cell_is_said() -> None:
    positions = np.array([[0.0, 0, 0], [1000.0, 0, 0]])
    with pytest.raises(DataError, match="127 cells away"):
        periodic_pairs(positions, np.eye(3) * 3, (True,) * 3, 4.0)
