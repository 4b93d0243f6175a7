"""Cells: seeds merged, rounding forgiven, and designs refused that cannot tell the parameters apart."""

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.cells import cells_of_points, check_design, input_matrix, merge_cells, shared_sizes
from chemscale.scaling.power_law import fit_power_law

SIZES = np.array([1e6, 1e7, 1e8])


def test_seeds_of_one_cell_become_their_geometric_mean() -> None:
    cells = merge_cells({"parameters": [1e6, 1e7, 1e6, 1e6], "data": [1e8, 1e8, 1e8, 1e9]}, [2.0, 3.0, 8.0, 5.0])
    assert len(cells) == 3 and cells.inputs == ("parameters", "data")
    np.testing.assert_allclose(cells.values, [[1e6, 1e8], [1e6, 1e9], [1e7, 1e8]])
    np.testing.assert_allclose(cells.loss, [4.0, 5.0, 3.0])
    assert cells.n_seeds.tolist() == [2, 1, 1]
    assert cells.log_spread[0] == pytest.approx(np.log(4) / np.sqrt(2))
    assert np.isnan(cells.log_spread[1:]).all()
    assert cells.rows.tolist() == [0, 2, 0, 1]
    np.testing.assert_allclose(np.exp(cells.logs), cells.values)


def test_points_of_a_power_law_become_cells_with_their_seeds() -> None:
    sizes, loss = np.repeat(SIZES, [1, 3, 2]), np.array([5.0, 4.0, 4.2, 3.9, 3.0, 3.1])
    expected, found = merge_cells({"resource": sizes}, loss), cells_of_points(fit_power_law(sizes, loss).points)
    assert found.inputs == expected.inputs and found.n_seeds.tolist() == [1, 3, 2]
    for name in ("values", "log_loss", "log_spread"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_noise_between_seeds_has_the_unit_asked_for() -> None:
    cells = merge_cells({"r": [1.0, 1.0, 2.0, 2.0]}, [100.0, 101.0, 50.0, 50.5])
    spread = np.log(1.01) / np.sqrt(2)
    assert cells.seed_noise().variance == pytest.approx(spread**2)
    assert cells.seed_noise(absolute=True).variance == pytest.approx(spread**2 * (101 * 100 + 50.5 * 50) / 2)


def test_sizes_that_differ_by_rounding_are_one() -> None:
    cells = merge_cells({"r": [1e6, 1e6 * (1 + 1e-12), 2e6]}, [1.0, 1.0, 0.5])
    assert len(cells) == 2
    assert shared_sizes(np.array([3.0, 1.0, 3.0 * (1 + 1e-13), 2.0])).tolist() == [2, 0, 2, 1]


def test_a_subset_of_cells_keeps_its_rows_in_step() -> None:
    cells = merge_cells({"r": [3.0, 1.0, 2.0, 1.0, 3.0]}, [1.0, 4.0, 2.0, 4.0, 1.0])
    part = cells.subset(np.array([True, False, True]))
    assert part.values[:, 0].tolist() == [1.0, 3.0]
    assert part.rows.tolist() == [1, 0, 0, 1]
    assert part.n_seeds.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("inputs", "loss", "message"),
    [
        ({"r": [1, 2, 3]}, [1, 2], "r has 3 values and loss has 2"),
        ({"r": [1, 2]}, [1, float("nan")], "loss: value 2 of 2 is nan"),
        ({"r": [1, 2]}, [1, 0], "loss: value 2 of 2 is 0"),
        ({"r": [1, -2]}, [1, 1], "r: value 2 of 2 is -2"),
        ({"r": [1, float("inf")]}, [1, 1], "r: value 2 of 2 is inf"),
        ({"r": ["one", 2]}, [1, 1], "r: expected numbers"),
        ({"r": [[1, 2]]}, [1, 1], "r: expected a list"),
        ({"r": []}, [], "no runs"),
    ],
)
def test_bad_values_are_named(inputs: dict[str, list[object]], loss: list[float], message: str) -> None:
    with pytest.raises(FitError, match=message):
        merge_cells(inputs, loss)  # type: ignore[arg-type]


def grid(*axes: np.ndarray) -> dict[str, np.ndarray]:
    names = ("parameters", "data", "epochs")
    return dict(zip(names, (part.ravel() for part in np.meshgrid(*axes, indexing="ij")), strict=False))


def test_a_design_that_tells_all_apart_passes() -> None:
    inputs = grid(SIZES, SIZES)
    check_design(merge_cells(inputs, np.ones(9)), 5, "additive")
    # Epochs may have two values: the other inputs must have three.
    check_design(merge_cells(grid(SIZES, SIZES, np.array([1.0, 4.0])), np.ones(18)), 6, "repeated")


def test_epochs_that_never_repeat_anything_are_refused() -> None:
    with pytest.raises(FitError, match="no run repeats its data"):
        check_design(merge_cells(grid(SIZES, SIZES, np.array([1.0])), np.ones(9)), 6, "repeated")
    with pytest.raises(FitError, match="once or more"):
        check_design(merge_cells(grid(SIZES, SIZES, np.array([0.5, 2.0])), np.ones(18)), 6, "repeated")


@pytest.mark.parametrize(
    ("inputs", "n_parameters", "message"),
    [
        ({"data": [1e6, 1e6, 1e7]}, 2, "data: 2 different values"),
        (grid(SIZES, SIZES[:1]), 2, "data: 1 different value, "),
        (grid(SIZES[:2], SIZES), 5, "parameters: 2 different values"),
        (grid(SIZES, SIZES), 9, "has 9 parameters and there are 9 different points; it needs at least 10"),
        ({"parameters": np.repeat(SIZES, 5)}, 3, "there are 3 different points.*Seeds at one point count once"),
        ({"parameters": np.logspace(5, 9, 9), "data": 20 * np.logspace(5, 9, 9)}, 5, "change together in every run"),
        ({"parameters": np.logspace(5, 9, 9), "data": 1e20 / np.logspace(5, 9, 9)}, 5, "one is a power of the other"),
    ],
)
def test_a_design_that_cannot_is_refused(inputs: dict[str, np.ndarray], n_parameters: int, message: str) -> None:
    cells = merge_cells(inputs, np.ones(len(next(iter(inputs.values())))))
    with pytest.raises(FitError, match=message):
        check_design(cells, n_parameters, "additive")


def test_inputs_of_a_prediction_are_broadcast() -> None:
    logs = input_matrix([[1e6, 1e7], 1e9], ("parameters", "data"))
    np.testing.assert_allclose(np.exp(logs), [[1e6, 1e9], [1e7, 1e9]])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([[1e6]], "take parameters, data: 2 arrays, got 1"),
        ([[1e6], [0.0]], "data: value 1 of 1 is 0"),
        ([[1e6, np.nan], 1e9], "parameters: value 2 of 2 is nan"),
    ],
)
def test_a_prediction_elsewhere_is_refused(inputs: list[object], message: str) -> None:
    with pytest.raises(FitError, match=message):
        input_matrix(inputs, ("parameters", "data"))  # type: ignore[arg-type]
