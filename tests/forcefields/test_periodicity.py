import numpy as np
import pytest

from chemscale.forcefields.periodicity import complete_cell, repeating_directions


@pytest.mark.parametrize(
    "periodic", [(True, True, False), (True, False, False), (False, False, False), (False, True, True)]
)
def test_free_directions_become_orthogonal_unit_vectors(periodic: tuple[bool, bool, bool]) -> None:
    cell = np.array([[3.0, 0.5, 0], [0.2, 4, 1], [0, 0.3, 5]]) * np.array(periodic)[:, None]
    full = complete_cell(cell, periodic)
    free = ~np.array(periodic)
    assert np.array_equal(full[~free], cell[~free])
    assert np.allclose(full[free] @ full[free].T, np.eye(free.sum()))
    assert np.allclose(full[free] @ cell[~free].T, 0)
    assert abs(np.linalg.det(full)) > 0.5


def test_a_box_that_is_only_vacuum_does_not_repeat() -> None:
    molecule = np.array([[0.0, 0, 0], [3, 0, 0], [0, 1, 1]])
    assert repeating_directions(molecule, np.diag([100.0, 100, 100]), (True, True, True)) == (False, False, False)
    assert repeating_directions(molecule, np.diag([22.0, 22, 30]), (True, True, True)) == (True, False, False)
    assert repeating_directions(molecule, np.diag([22.0, 22, 30]), (False, True, True)) == (False, False, False)


def test_gaps_are_measured_across_planes_in_a_slanted_cell() -> None:
    # the second vector is 100 angstrom long, its planes are 10 apart
    cell = np.array([[100.0, 0, 0], [np.sqrt(100**2 - 10**2), 10, 0], [0, 0, 100]])
    assert repeating_directions(np.zeros((1, 3)), cell, (True, True, True)) == (True, True, False)
