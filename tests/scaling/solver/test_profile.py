"""Profile intervals: against scipy one by one, closed forms where there are some, and their coverage."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from chemscale.base.seeds import stream
from chemscale.scaling.laws import find_law
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import Design, covariance, make_design, move_matrix, solve

N_DRAWS = 1000  # the Monte Carlo error of 95 % is 0.7 %


def draws(truth: Any, noise: float, n_draws: int = 400, seed: int = 0) -> np.ndarray:
    return np.log(truth.loss) + noise * stream(seed, "profile").standard_normal((n_draws, len(truth.loss)))


def intervals_of(design: Design, log_loss: np.ndarray, start: np.ndarray, level: float = 0.95) -> np.ndarray:
    """[n_fits, n_parameters, 2] in the law's own coordinates."""
    found = solve(design, log_loss, start[None])
    n = len(design.law.parameters)
    freedom = len(design.x) - n
    t = np.full((len(log_loss), n), stats.t.ppf(0.5 + level / 2, freedom))
    return profile_intervals(design, log_loss, found.theta, found.squares, found.squares / freedom, t)


def coverage(law: str, values: list[float], sizes: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """How often every interval has the truth [n_parameters], and lies below and above it [2, n_parameters]."""
    chosen = find_law(law, 1)
    design, theta = make_design(chosen, np.log(sizes)[:, None]), chosen.coordinates(np.array(values))
    start = chosen.move(theta, -design.centre)
    clean = chosen.evaluate(start[None], design.x[None])[0]
    noisy = clean + noise * stream(0, "coverage", len(sizes)).standard_normal((N_DRAWS, len(sizes)))
    low, high = np.moveaxis(intervals_of(design, noisy, start), -1, 0)
    return ((low <= theta) & (theta <= high)).mean(axis=0), np.stack([(high < theta), (theta < low)]).mean(axis=1)


@pytest.mark.parametrize("noise", [0.005, 0.02])
@pytest.mark.parametrize("n", [4, 5, 6, 8, 16])
def test_power_law_intervals_cover(n: int, noise: float) -> None:
    """Misses are as many below as above: 2.5 % each."""
    covered, missed = coverage("power", [30.0, 0.17], np.logspace(4, 8, n), noise)
    assert ((covered >= 0.925) & (covered <= 0.975)).all(), covered
    assert (missed <= 0.04).all(), missed


@pytest.mark.parametrize("noise", [0.005, 0.02])
@pytest.mark.parametrize("n", [5, 6, 8, 16])
def test_saturating_intervals_cover(n: int, noise: float) -> None:
    covered, missed = coverage("saturating", [0.5, 8.0, 0.25], np.logspace(3, 8, n), noise)
    assert ((covered >= 0.925) & (covered <= 0.975)).all(), covered
    assert (missed <= 0.04).all(), missed


def test_additive_intervals_cover(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    design = make_design(truth.law, truth.logs)
    low, high = np.moveaxis(
        intervals_of(design, draws(truth, 0.01), truth.law.move(truth.theta, -design.centre)), -1, 0
    )
    covered = ((low <= truth.theta) & (truth.theta <= high)).mean(axis=0)
    assert ((covered >= 0.925) & (covered <= 0.975)).all(), covered


def test_leaving_out_the_floor_covers_never() -> None:
    """The negative control: a power law fitted to a saturating one is sure, and wrong."""
    sizes, law = np.logspace(3, 8, 8), find_law("power", 1)
    clean = np.log(0.5 + 8.0 * sizes**-0.25)
    noisy = clean + 0.005 * stream(0, "no floor").standard_normal((100, 8))
    ends = intervals_of(make_design(law, np.log(sizes)[:, None]), noisy, np.array([1.0, 0.2]))[:, 1]
    assert (ends[:, 1] < 0.25).all()


def test_a_straight_law_has_student_t_intervals(true_laws: dict[str, Any]) -> None:
    truth = true_laws["power"]
    design, log_loss = make_design(truth.law, truth.logs), draws(truth, 0.02, 20)
    found = intervals_of(design, log_loss, np.array([0.0, 0.2]), level=0.9)
    for ends, losses in zip(found, log_loss, strict=True):
        line = stats.linregress(truth.logs[:, 0], losses)
        half = stats.t.ppf(0.95, 4) * np.array([line.intercept_stderr, line.stderr])
        expected = np.array([line.intercept, -line.slope])[:, None] + np.outer(half, [-1, 1])
        np.testing.assert_allclose(ends, expected, rtol=1e-3)


@pytest.mark.parametrize("case", ["saturating", "additive, no grid"])
def test_ends_are_where_the_fit_is_worse_by_the_quantile(case: str, true_laws: dict[str, Any]) -> None:
    """At each end scipy fits the other parameters anew."""
    truth = true_laws[case]
    design, log_loss = make_design(truth.law, truth.logs), draws(truth, 0.01, 2)
    found = solve(design, log_loss, truth.law.move(truth.theta, -design.centre)[None])
    n, freedom = len(truth.theta), len(truth.loss) - len(truth.theta)
    t = np.full((2, n), 2.2)
    ends = profile_intervals(design, log_loss, found.theta, found.squares, found.squares / freedom, t)
    for fit, parameter, side in [(fit, p, side) for fit in range(2) for p in range(n) for side in range(2)]:
        value = ends[fit, parameter, side]
        if value == design.low[parameter]:
            continue
        squares = _fitted_without(truth, design, log_loss[fit], found.theta[fit], parameter, value)
        root = np.sqrt((squares - found.squares[fit]) / (found.squares[fit] / freedom))
        assert root == pytest.approx(2.2, rel=2e-3), (fit, truth.law.names[parameter], side)


def _fitted_without(
    truth: Any, design: Design, log_loss: np.ndarray, theta: np.ndarray, parameter: int, value: float
) -> float:
    law, others = truth.law, [index for index in range(len(theta)) if index != parameter]
    moves_with = law.parameters[parameter].moves_with
    shift = np.zeros(len(design.centre))
    if moves_with is not None:
        shift[moves_with] = design.centre[moves_with]
    start, x = law.move(theta, shift), design.x + shift
    # Along the profile the others move together: start where the first order says they are.
    spread = move_matrix(law, shift) @ covariance(design, theta) @ move_matrix(law, shift).T
    start = start + spread[:, parameter] / spread[parameter, parameter] * (value - start[parameter])

    def full(rest: np.ndarray) -> np.ndarray:
        return np.insert(rest, parameter, value)

    fit = optimize.least_squares(
        lambda rest: law.evaluate(full(rest)[None], x[None])[0][0] - log_loss,
        np.clip(start[others], design.low[others] + 1e-9, design.high[others] - 1e-9),
        lambda rest: law.evaluate(full(rest)[None], x[None])[1][0][:, others],
        bounds=(design.low[others], design.high[others]),
        x_scale="jac",
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
        max_nfev=2000,
    )
    return 2 * float(fit.cost)


def test_an_end_on_the_floor_is_zero_and_one_the_data_do_not_set_is_open() -> None:
    """Half a decade with noise: any floor below the losses will do, with an exponent as steep as it takes."""
    law, sizes = find_law("saturating", 1), np.logspace(4, 4.5, 6)
    noisy = np.log(30 * sizes**-0.17) + 0.03 * stream(0, "open").standard_normal((1, 6))
    design = make_design(law, np.log(sizes)[:, None])
    found = solve(design, noisy)
    ends = profile_intervals(design, noisy, found.theta, found.squares, found.squares / 3, np.full((1, 3), 3.18))[0]
    assert ends[0, 0] == 0.0
    assert ends[0, 1] < np.exp(noisy.max())
    assert np.isposinf(ends[2, 1])


def test_intervals_of_a_batch_are_those_of_each_fit(true_laws: dict[str, Any]) -> None:
    truth = true_laws["saturating"]
    design, log_loss = make_design(truth.law, truth.logs), draws(truth, 0.02, 30)
    start = truth.law.move(truth.theta, -design.centre)
    together = intervals_of(design, log_loss, start)
    alone = np.concatenate([intervals_of(design, one[None], start) for one in log_loss])
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-6)


def test_units_of_the_inputs_move_coefficients_alone(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, no grid"]
    log_loss, units = draws(truth, 0.01, 1), np.log([1e6, 1e-3])
    design, other = make_design(truth.law, truth.logs), make_design(truth.law, truth.logs + units)
    start = truth.law.move(truth.theta, -design.centre)
    one, two = intervals_of(design, log_loss, start)[0], intervals_of(other, log_loss, start)[0]
    np.testing.assert_allclose(one[[0, 3, 4]], two[[0, 3, 4]], rtol=1e-3)
    # ln A's interval is another one at another origin; its value there is what the law's shift says.
    assert two[1].mean() > one[1].mean() and two[2].mean() < one[2].mean()
