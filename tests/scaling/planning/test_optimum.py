"""The best split of a budget, against closed forms and another optimiser."""

import numpy as np
import pytest
from scipy import optimize

from chemscale.base.errors import FitError
from chemscale.scaling.laws import find_law
from chemscale.scaling.planning.cost import MeasuredCost, SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.optimum import best_split, cheapest_split, numeric_split
from chemscale.scaling.planning.surface import Surface, five_points

E, A, B, ALPHA, BETA = 1.8172, 477.8, 2143.0, 0.3473, 0.3672
THETA = np.array([[E, np.log(A), np.log(B), ALPHA, BETA]])
BUDGETS = np.log(np.array([[1e15, 1e18, 1e21, 1e25]]))
CENTRE = np.array([16.0, 20.0])


def additive() -> tuple[Surface, np.ndarray]:
    """The additive law around a centre, as a fit gives it."""
    law = find_law("additive", 2)
    return Surface(law, CENTRE), law.move(THETA, -CENTRE)


def measured(k: float, a: float, b: float) -> MeasuredCost:
    """A cost that lies exactly on a power law."""
    parameters, data = (part.ravel() for part in np.meshgrid([1e4, 1e6, 1e8], [1e3, 1e6]))
    return fit_cost(parameters, data, k * parameters**a * data**b)


def test_closed_form_is_the_published_one() -> None:
    surface, theta = additive()
    size, data = (np.exp(part[0]) for part in best_split(surface, theta, SixND(), BUDGETS))
    flops = np.exp(BUDGETS[0]) / 6
    factor = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    assert size == pytest.approx(factor * flops ** (BETA / (ALPHA + BETA)), rel=1e-12)
    assert data == pytest.approx(flops ** (ALPHA / (ALPHA + BETA)) / factor, rel=1e-12)


@pytest.mark.parametrize("cost", [SixND(), SixND(200.0), measured(1e-6, 0.7, 1.1), measured(3.0, 1.3, 0.9)])
def test_numeric_optimum_is_the_closed_form(cost: SixND | MeasuredCost) -> None:
    surface, theta = additive()
    several = theta + np.outer([0.0, 1.0], [0.1, 0.2, -0.1, 0.05, -0.03])
    budgets = BUDGETS + np.array([[0.0], [1.0]])
    closed = best_split(surface, several, cost, budgets)
    numeric = numeric_split(surface, several, cost, budgets)
    for one, other in zip(closed, numeric, strict=True):
        assert np.exp(other - one) == pytest.approx(1, abs=1e-8)


def test_kaplan_agrees_with_a_search_along_the_line() -> None:
    law = find_law("kaplan", 2)
    surface, theta = Surface(law, CENTRE), law.move(np.array([[np.log(8.8e13), np.log(5.4e13), 0.076, 0.095]]), -CENTRE)
    size, _ = best_split(surface, theta, SixND(), BUDGETS)
    for index, budget in enumerate(np.exp(BUDGETS[0])):

        def loss(size: float, budget: float = budget) -> float:
            return ((8.8e13 / np.exp(size)) ** (0.076 / 0.095) + 5.4e13 / (budget / 6 / np.exp(size))) ** 0.095

        found = optimize.minimize_scalar(loss, bounds=(0, 60), method="bounded", options={"xatol": 1e-10})
        assert size[0, index] == pytest.approx(found.x, abs=1e-5)


def test_log_quadratic_is_a_parabola_along_the_line() -> None:
    law = find_law("log-quadratic", 2)
    theta = np.array([[1.0, -0.1, -0.08, 0.004, 0.001, 0.003]])
    surface = Surface(law, CENTRE)
    size, data = best_split(surface, theta, SixND(), np.array([[np.log(6.0) + 36.0]]))
    # n + d = 0 around the centre: c_N n - c_D n + (c_NN - c_ND + c_DD) n^2 is least at
    least = (0.1 - 0.08) / (2 * (0.004 - 0.001 + 0.003))
    assert size[0, 0] == pytest.approx(16 + least, abs=1e-9) and data[0, 0] == pytest.approx(20 - least, abs=1e-9)


def test_a_law_that_falls_all_along_the_line_is_refused() -> None:
    law = find_law("log-quadratic", 2)
    with pytest.raises(FitError, match="no best split"):
        best_split(Surface(law, CENTRE), np.array([[1.0, -0.2, -0.1, 0, 0, 0]]), SixND(), BUDGETS)
    with pytest.raises(FitError, match="no best split"):
        best_split(Surface(law, CENTRE), np.array([[1.0, -0.1, -0.1, -0.01, 0, -0.01]]), SixND(), BUDGETS)


def test_limited_data_are_repeated_where_that_pays() -> None:
    law = find_law("repeated", 3)
    centre, unique = np.array([16.0, 20.0, 0.0]), np.log(1e9)
    theta = law.move(np.append(THETA[0], np.log(15.0))[None], -centre)
    free, limited = Surface(law, centre), Surface(law, centre, unique)
    budgets = np.log(np.array([[1e17, 1e21]]))
    plain = best_split(*additive(), SixND(), budgets)
    never = best_split(free, theta, SixND(), budgets)
    size, seen = best_split(limited, theta, SixND(), budgets)
    assert np.allclose(never, plain, atol=1e-8)
    assert (size[0, 0], seen[0, 0]) == pytest.approx((plain[0][0, 0], plain[1][0, 0]), abs=1e-8) and seen[0, 0] < unique

    def loss(size: float) -> float:
        epochs = 1e21 / 6 / np.exp(size) / 1e9
        effective = 1e9 * (1 + 15 * (1 - np.exp(-(epochs - 1) / 15)))
        return E + A * np.exp(-ALPHA * size) + B * effective**-BETA

    found = optimize.minimize_scalar(loss, bounds=(20, 25), method="bounded", options={"xatol": 1e-10})
    assert size[0, 1] == pytest.approx(found.x, abs=1e-5)
    assert size[0, 1] > plain[0][0, 1] and unique < seen[0, 1] < plain[1][0, 1]


def test_cheapest_split_is_the_closed_form() -> None:
    surface, theta = additive()
    for target, start in ((2.5, 30.0), (1.9, 90.0), (8.0, 50.0)):
        spent, size, data = cheapest_split(surface, theta, SixND(), np.log([target]), start)
        # At the optimum the model term is beta/(alpha + beta) of the reducible loss.
        model = (target - E) * BETA / (ALPHA + BETA)
        assert np.exp(size[0]) == pytest.approx((A / model) ** (1 / ALPHA), rel=1e-8)
        assert np.exp(data[0]) == pytest.approx((B / (target - E - model)) ** (1 / BETA), rel=1e-8)
        assert spent[0] == pytest.approx(np.log(6) + size[0] + data[0], abs=1e-8)


def test_a_loss_at_the_floor_has_no_cheapest_split() -> None:
    surface, theta = additive()
    with pytest.raises(FitError, match="no budget reaches"):
        cheapest_split(surface, theta, SixND(), np.log([E]), 50.0)


def test_five_points_are_exact_to_fourth_order() -> None:
    assert five_points(lambda step: np.array([3 * step - 5 * step**2 + 7 * step**4])) == pytest.approx(3, abs=1e-11)
    assert five_points(lambda step: np.exp(np.array([2 * step]))) == pytest.approx(2, abs=1e-9)
