"""The coverage that a design really gets: simulate runs at its own cells, fit them, and count.

An interval that is said to hold in 95 % of all cases does so under assumptions: noise that is normal and alike in every
cell, and enough cells for the law. Here the fitted law is taken as the truth, losses are drawn at the same cells with
the noise that was found (errors shared by data subsets as well), and every draw is fitted in the same way. That the law
has the right form is still assumed: the test tells what the design can show, not whether the law is true.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.cells import shared_sizes
from chemscale.scaling.fitting import STRAIGHT
from chemscale.scaling.law_fit import LawFit, noise_words
from chemscale.scaling.laws import LAWS
from chemscale.scaling.power_law import PowerLaw, fit_power_law
from chemscale.scaling.solver.clusters import Clustered, fit_clustered
from chemscale.scaling.solver.least_squares import Minimum
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import Design, covariance, move_matrix, solve

EXACT = 1e-12  # relative noise below which there is nothing to simulate
CLUSTERED_DRAWS = 200  # fits with shared errors are solved one by one
MOST_SIMULATED = 500_000  # cells in all draws together
UNSURE = 3.0  # Monte Carlo errors by which a coverage must differ from its level to be called different


@dataclass(frozen=True)
class ParameterTest:
    """What the intervals of one parameter do.

    Attributes:
        truth: the value that was simulated.
        coverage: share of the draws whose interval has the truth.
        monte_carlo_error: one standard error of `coverage`.
        too_high: share of the draws whose interval lies above the truth.
        too_low: share of the draws whose interval lies below it.
        median_width: of the interval; infinite where more than half are open.
        bias: median of the estimates minus the truth.
    """

    truth: float
    coverage: float
    monte_carlo_error: float
    too_high: float
    too_low: float
    median_width: float
    bias: float


@dataclass(frozen=True)
class SelfTest:
    """Coverage of every parameter's interval at a design, by simulation.

    Attributes:
        law: name of the law.
        level: that the intervals claim.
        n_draws: so many simulated studies.
        n_points: cells of each.
        noise: standard deviation of a cell about the law.
        shared_noise: the part of it that data subsets share.
        parameters: {name: what its intervals do}.
        warnings: parameters whose intervals miss more often than they say, or say too little.
    """

    law: str
    level: float
    n_draws: int
    n_points: int
    noise: float
    shared_noise: float
    parameters: dict[str, ParameterTest]
    warnings: tuple[str, ...]

    @property
    def coverage(self) -> dict[str, float]:
        """The coverage of every parameter's interval."""
        return {name: test.coverage for name, test in self.parameters.items()}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; an infinite width is None."""
        tests = {
            name: {key: value if np.isfinite(value) else None for key, value in vars(test).items()}
            for name, test in self.parameters.items()
        }
        return {**vars(self), "parameters": tests, "warnings": list(self.warnings)}

    def __str__(self) -> str:
        absolute = any(law.name == self.law and law.residual == "absolute" for law in LAWS)
        own = float(np.sqrt(max(self.noise**2 - self.shared_noise**2, 0.0)))
        parts = (own, self.shared_noise, "subsets of data") if self.shared_noise else None
        lines = [
            f"{self.n_draws} simulated studies of {self.n_points} cells under the law {self.law!r}, "
            + noise_words(self.noise, absolute, parts),
            f"{100 * self.level:g} % intervals hold the truth in:",
        ]
        for name, test in self.parameters.items():
            width = f"{test.median_width:.3g}" if np.isfinite(test.median_width) else "open"
            lines.append(
                f"{name:8s} {100 * test.coverage:5.1f} % (+-{100 * test.monte_carlo_error:.1f}, one standard error), "
                f"truth {test.truth:.4g}, median width {width}, bias {test.bias:+.2g}"
            )
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def selftest(fit: LawFit | PowerLaw, n_draws: int = 400, seed: int = 0) -> SelfTest:
    """Find the coverage that the intervals of a fit really have at its own cells.

    A plain power law with an automatic range is fitted with one again, to the points that it used. Where data subsets
    share errors at most 200 draws are made.

    Args:
        fit: the fit whose cells, parameters and noise are simulated.
        n_draws: simulated studies.
        seed: of the noise.

    Raises:
        FitError: a number of draws below 20, or a fit without noise or without a minimum.
    """
    if not isinstance(n_draws, int) or n_draws < 20:
        raise FitError(f"n_draws: expected a whole number, 20 or more, got {n_draws!r}")
    n_draws = min(n_draws, max(20, MOST_SIMULATED // fit.n_points))
    noise = fit.line.noise if isinstance(fit, PowerLaw) else fit.relative_noise
    if not noise > EXACT:
        raise FitError("the points lie exactly on the law: there is no noise to simulate, and intervals are empty")
    if isinstance(fit, PowerLaw):
        return _test_power_law(fit, n_draws, seed)
    if fit.status == "not converged":
        raise FitError(f"the fit of the law {fit.name!r} did not converge: there is nothing to simulate from")
    if fit.shared_noise is None:
        return _test_independent(fit, n_draws, seed)
    return _test_clustered(fit, min(n_draws, CLUSTERED_DRAWS), seed)


def _test_power_law(fit: PowerLaw, n_draws: int, seed: int) -> SelfTest:
    sizes = np.array([point.resource for point in fit.points])
    chosen = fit.verdict in ("all", "given", "as published")
    draws = stream(seed, "selftest").standard_normal((n_draws, len(sizes)))
    clean = np.log(fit.predict(sizes))
    found = [
        fit_power_law(
            sizes, np.exp(clean + fit.line.noise * draw), level=fit.level, fit_range="all" if chosen else "auto"
        )
        for draw in draws
    ]
    ends = np.array([[law.intervals[name] for name in ("alpha", "beta")] for law in found])
    values = np.array([[law.alpha, law.beta] for law in found])
    truth = {"alpha": fit.alpha, "beta": fit.beta}
    return _summary("power", fit.level, len(sizes), fit.line.noise, 0.0, truth, values, ends)


def _test_independent(fit: LawFit, n_draws: int, seed: int) -> SelfTest:
    clean = _clean(fit)
    losses = _log_losses(fit, clean, fit.noise * stream(seed, "selftest").standard_normal((n_draws, len(clean))))
    design = fit.design
    found = solve(design, losses, fit.theta[None])
    values, ends = _values(fit, design, found.theta), _profiles(fit, design, losses, found)
    return _summary(fit.name, fit.level, len(clean), fit.noise, 0.0, fit.parameters, values, ends)


def _test_clustered(fit: LawFit, n_draws: int, seed: int) -> SelfTest:
    """As `fit_law` does: errors are shared only in those draws that show them."""
    noise, clean = fit.shared_noise, _clean(fit)
    assert noise is not None
    labels = shared_sizes(fit.cells.values[:, fit.cells.inputs.index(noise.by)])
    draw = stream(seed, "selftest")
    own = noise.own * draw.standard_normal((n_draws, len(clean)))
    losses = _log_losses(fit, clean, own + noise.shared * draw.standard_normal((n_draws, noise.n_subsets))[:, labels])
    plain = Design(fit.law, fit.design.x, fit.design.centre)
    minima = solve(plain, losses, fit.theta[None])
    values, ends = _values(fit, plain, minima.theta), _profiles(fit, plain, losses, minima)
    for row in range(n_draws):
        one = slice(row, row + 1)
        minimum = Minimum(minima.theta[one], minima.squares[one], minima.converged[one], minima.at_bound[one])
        clustered = fit_clustered(plain, losses[row], minimum, labels)
        if clustered is not None:
            values[one] = _values(fit, clustered.design, clustered.minimum.theta)
            ends[one] = _profiles(fit, clustered.design, losses[one], clustered.minimum, clustered)
    return _summary(fit.name, fit.level, len(clean), fit.noise, noise.shared, fit.parameters, values, ends)


def _clean(fit: LawFit) -> np.ndarray:
    """What the law says at every cell: ln L, or the score of a law with absolute residuals [n_cells]."""
    value = fit.law.evaluate(fit.theta[None], fit.design.x[None])[0][0]
    clean: np.ndarray = np.exp(value) if fit.law.residual == "absolute" else value
    return clean


def _log_losses(fit: LawFit, clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    if fit.law.residual == "relative":
        return clean + errors
    return np.log(np.maximum(clean + errors, 1e-9 * clean))


def _values(fit: LawFit, design: Design, theta: np.ndarray) -> np.ndarray:
    return fit.law.values(design.natural(theta))


def _profiles(
    fit: LawFit, design: Design, losses: np.ndarray, found: Minimum, clustered: Clustered | None = None
) -> np.ndarray:
    """Interval ends as values of the parameters [n_fits, n_parameters, 2]; Student's t where the law is straight."""
    rest = len(design.x) - len(fit.law.parameters)
    freedom = np.full(found.theta.shape, float(rest))
    if clustered is not None:
        free = (found.theta[0] > design.low) & (found.theta[0] < design.high)
        freedom[0, free] = clustered.freedom
    quantile = special.stdtrit(freedom, 0.5 + fit.level / 2)
    variance = found.squares / rest if clustered is None else np.array([clustered.variance])
    if fit.law.name in STRAIGHT:
        matrix = move_matrix(fit.law, design.centre)
        unit = np.sqrt(np.diag(matrix @ covariance(design, fit.theta) @ matrix.T))
        half = quantile * unit * np.sqrt(variance)[:, None]
        ends = design.natural(found.theta)[..., None] + np.stack([-half, half], axis=-1)
    else:
        ends = profile_intervals(design, losses, found.theta, found.squares, variance, quantile)
    return np.moveaxis(fit.law.values(np.moveaxis(ends, -1, -2)), -1, -2)


def _summary(
    law: str,
    level: float,
    n_points: int,
    noise: float,
    shared_noise: float,
    truth: dict[str, float],
    values: np.ndarray,
    ends: np.ndarray,
) -> SelfTest:
    tests, n_draws = {}, len(values)
    for index, (name, true) in enumerate(truth.items()):
        low, high = ends[:, index, 0], ends[:, index, 1]
        hits = int(((low <= true) & (true <= high)).sum())
        # Also where every draw hits the share is not known exactly.
        share = (hits + 0.5) / (n_draws + 1)
        tests[name] = ParameterTest(
            truth=true,
            coverage=hits / n_draws,
            monte_carlo_error=float(np.sqrt(share * (1 - share) / n_draws)),
            too_high=float((low > true).mean()),
            too_low=float((high < true).mean()),
            median_width=float(np.median(high - low)),
            bias=float(np.median(values[:, index]) - true),
        )
    return SelfTest(law, level, n_draws, n_points, noise, shared_noise, tests, _warnings(tests, level))


def _warnings(tests: dict[str, ParameterTest], level: float) -> tuple[str, ...]:
    missing = [name for name, test in tests.items() if level - test.coverage > UNSURE * test.monte_carlo_error]
    open_ended = [name for name, test in tests.items() if not np.isfinite(test.median_width)]
    found = []
    if missing:
        found.append(f"intervals of {', '.join(missing)} miss the truth more often than they say")
    if open_ended:
        found.append(
            f"more than half of the intervals of {', '.join(open_ended)} have an open end: too few cells for it"
        )
    return tuple(found)
