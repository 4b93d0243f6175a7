"""Which run to make next, against simulated refits and against the whole information matrix."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.laws import find_law
from chemscale.scaling.planning.candidates import grid_candidates
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.frontier import frontier
from chemscale.scaling.planning.next_run import NextRuns, next_run
from chemscale.scaling.planning.optimum import best_split
from chemscale.scaling.planning.surface import Surface
from chemscale.scaling.solver.solve import covariance, make_design, solve

E, A, B, ALPHA, BETA = 1.8172, 477.8, 2143.0, 0.3473, 0.3672
PARAMETERS, DATA = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 6), np.geomspace(1e8, 1e10, 5)))
NOISE, BUDGET = 0.005, 1e20
PLACES = [(2e9, 1e10), (3e8, 1e11), (1e7, 1e9)]


def mean_log_loss(parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
    """ln of the additive law."""
    return np.log(E + A / parameters**ALPHA + B / data**BETA)


def noisy_fit(shared: float = 0.0, seed: int = 0) -> LawFit:
    """A grid of 30 runs; all runs on one data subset share an error of so much."""
    rng = np.random.default_rng(seed)
    subset = shared * rng.standard_normal(5)[np.searchsorted(np.unique(DATA), DATA)]
    loss = np.exp(mean_log_loss(PARAMETERS, DATA) + NOISE * rng.standard_normal(30) + subset)
    return fit_law("additive", {"parameters": PARAMETERS, "data": DATA}, loss, shared="auto" if shared else None)


@pytest.fixture(scope="module")
def fit() -> LawFit:
    return noisy_fit()


def shrinkages(found: NextRuns, freedom: float, gained: float) -> dict[tuple[float, float], float]:
    """Predicted standard error with the run over that without, by place."""
    t = special.stdtrit(freedom + gained, 0.975) / special.stdtrit(freedom, 0.975)
    return {(run.parameters, run.data): (1 - run.shrinkage) / t for run in found.runs}


def simulated_spread(logs: np.ndarray, noise: np.ndarray, n_draws: int = 1500) -> float:
    """Standard deviation of ln N* over fits to new errors of the given size [n_points]."""
    law = find_law("additive", 2)
    design = make_design(law, logs)
    truth = law.move(np.array([[E, np.log(A), np.log(B), ALPHA, BETA]]), -design.centre)
    # One stream per point: the same errors with and without the added run.
    errors = np.random.default_rng(7).standard_normal((len(logs), n_draws)).T
    losses = mean_log_loss(*np.exp(logs).T) + noise * errors
    found = solve(design, losses, truth)
    return float(best_split(Surface(law, design.centre), found.theta, SixND(), np.array([[np.log(BUDGET)]]))[0].std())


def test_added_runs_shrink_the_error_as_simulated_refits_say(fit: LawFit) -> None:
    predicted = shrinkages(next_run(fit, SixND(), BUDGET, PLACES), 25, 1)
    logs = np.log(np.column_stack([PARAMETERS, DATA]))
    before = simulated_spread(logs, np.full(30, NOISE))
    seen = [simulated_spread(np.vstack([logs, np.log(place)]), np.full(31, NOISE)) / before for place in PLACES]
    assert [predicted[place] for place in PLACES] == pytest.approx(seen, abs=0.015)
    assert np.argsort(seen).tolist() == np.argsort([predicted[place] for place in PLACES]).tolist()
    assert min(seen) < 0.9 and max(seen) > 0.95


def test_another_seed_shrinks_the_error_as_simulated_refits_say(fit: LawFit) -> None:
    seeds = [run for run in next_run(fit, SixND(), BUDGET).runs if run.kind == "another seed"]
    best = sorted(seeds, key=lambda run: run.shrinkage)[-3:]
    predicted = shrinkages(next_run(fit, SixND(), BUDGET, [(run.parameters, run.data) for run in best]), 25, 0)
    logs = np.log(np.column_stack([PARAMETERS, DATA]))
    before = simulated_spread(logs, np.full(30, NOISE))
    for place, factor in predicted.items():
        cell = np.abs(logs - np.log(place)).sum(axis=1).argmin()
        noise = np.where(np.arange(30) == cell, NOISE / np.sqrt(2), NOISE)
        assert factor == pytest.approx(simulated_spread(logs, noise) / before, abs=0.01)
    assert min(predicted.values()) < 0.99


def test_rank_one_update_is_the_whole_information_matrix_without_shared_errors(fit: LawFit) -> None:
    found = next_run(fit, SixND(), "beta", PLACES)
    for place, factor in shrinkages(found, 25, 1).items():
        logs = np.vstack([fit.cells.logs, np.log(place)])
        design = type(fit.design)(fit.law, logs - fit.design.centre, fit.design.centre)
        after = covariance(design, fit.theta) * fit.noise**2
        assert factor == pytest.approx(np.sqrt(after[4, 4] / fit.spread[4, 4]), rel=1e-7)


def test_rank_one_update_is_the_whole_information_matrix_with_shared_errors() -> None:
    fit = noisy_fit(shared=0.01)
    assert fit.shared_noise is not None
    old, new = (1e7, 1e9), (1e7, 1.1e9)
    found = next_run(fit, SixND(), "beta", [old, new])
    assert {(run.parameters, run.data): run.kind for run in found.runs} == {old: "new cell", new: "new data size"}
    freedom = fit.freedom.min()
    for place, gained in ((old, 0.0), (new, 1.0)):
        factor = shrinkages(found, freedom, gained)[place]
        values = np.vstack([fit.cells.values, place])
        same = np.isclose(values[:, None, 1], values[None, :, 1], rtol=1e-9)
        noise = fit.shared_noise.own**2 * np.eye(31) + fit.shared_noise.shared**2 * same
        slope = fit.law.evaluate(fit.theta[None], (np.log(values) - fit.design.centre)[None])[1][0]
        after = np.linalg.inv(slope.T @ np.linalg.inv(noise) @ slope)
        assert factor == pytest.approx(np.sqrt(after[4, 4] / fit.spread[4, 4]), rel=1e-5)
    worth = {run.kind: run.shrinkage for run in found.runs}
    assert worth["new data size"] > 3 * worth["new cell"] and "share an error" in found.warnings[0]


def test_measured_spread_between_seeds_bounds_what_another_seed_gains() -> None:
    rng = np.random.default_rng(1)
    inputs = {"parameters": np.repeat(PARAMETERS, 2), "data": np.repeat(DATA, 2)}
    cell_error = np.repeat(0.01 * rng.standard_normal(30), 2)
    loss = np.exp(mean_log_loss(inputs["parameters"], inputs["data"]) + cell_error + 1e-4 * rng.standard_normal(60))
    found = next_run(fit_law("additive", inputs, loss, shared=None), SixND(), "beta")
    seeds = [run.shrinkage for run in found.runs if run.kind == "another seed"]
    assert len(seeds) == 30 and max(seeds) < 1e-4 and not any("two seeds" in text for text in found.warnings)


def test_grid_is_the_fitted_one_with_a_step_above_it(fit: LawFit) -> None:
    runs = grid_candidates(fit, SixND(), 1e30)
    assert len(runs.cost) == 7 * 6 and (runs.cell >= 0).sum() == 30
    assert len(np.unique(runs.values.round(-3), axis=0)) == 42
    step = 300 ** (1 / 5)
    assert runs.values[:, 0].min() == pytest.approx(1e6) and runs.values[:, 0].max() == pytest.approx(3e8 * step)
    assert runs.values[:, 1].min() == pytest.approx(1e8)
    assert np.allclose(runs.cost, 6 * runs.values.prod(axis=1))
    limited = grid_candidates(fit, SixND(), None)
    assert limited.cost.max() == pytest.approx(6 * 3e8 * 1e10) and len(limited.cost) < 42


def test_tables_without_a_grid_get_an_even_one() -> None:
    rng = np.random.default_rng(2)
    parameters, data = np.exp(rng.uniform(14, 20, 60)), np.exp(rng.uniform(18, 23, 60))
    loss = np.exp(mean_log_loss(parameters, data) + NOISE * rng.standard_normal(60))
    found = fit_law("additive", {"parameters": parameters, "data": data}, loss)
    assert len(grid_candidates(found, SixND(), 1e30).cost) == 9 * 9 + 60


def test_ranking_is_by_gain_per_cost_among_runs_that_gain_enough(fit: LawFit) -> None:
    found = next_run(fit, SixND(), BUDGET)
    best = max(run.shrinkage for run in found.runs)
    enough = [run.shrinkage >= 0.5 * best for run in found.runs]
    assert enough == sorted(enough, reverse=True)
    leading = [run.per_cost for run, good in zip(found.runs, enough, strict=True) if good]
    assert leading == sorted(leading, reverse=True)
    first = found.runs[0]
    assert first.per_cost == pytest.approx(-np.log(1 - first.shrinkage) / first.cost)
    half = special.stdtrit(25, 0.975) * fit.standard_errors["beta"]
    assert next_run(fit, SixND(), "beta").half_width == pytest.approx(half, rel=1e-9)


def test_repeated_data_have_candidates_with_epochs() -> None:
    epochs = np.array([1.0, 4.0, 20.0])
    parameters, data, seen = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 5), [1e7, 1e8, 1e9], epochs))
    worth = data * (1 + 15 * (1 - np.exp(-(seen - 1) / 15)))
    loss = np.exp(mean_log_loss(parameters, worth) + 0.002 * np.random.default_rng(0).standard_normal(len(worth)))
    found = fit_law("repeated", {"parameters": parameters, "data": data, "epochs": seen}, loss, shared=None)
    runs = next_run(found, SixND(), "R", [(1e8, 1e8, 40.0), (1e8, 1e8)]).runs
    assert {run.epochs for run in runs} == {1.0, 40.0}
    assert sorted(run.cost for run in runs) == pytest.approx([6e16, 2.4e18])
    assert {run.epochs for run in next_run(found, SixND(), "R").runs} == {1.0, 4.0, 20.0}


def test_runs_smaller_than_all_fitted_ones_are_marked(fit: LawFit) -> None:
    assert not any("smaller than all" in text for text in next_run(fit, SixND(), BUDGET).warnings)
    assert any("smaller than all" in text for text in next_run(fit, SixND(), BUDGET, [(1e5, 1e9)]).warnings)
    assert not any("smaller than all" in text for text in next_run(fit, SixND(), BUDGET, [(1e6, 1e8)]).warnings)


def test_errors_of_a_measured_cost_widen_the_answer(fit: LawFit) -> None:
    scatter = np.exp(0.3 * np.random.default_rng(5).standard_normal(30))
    cost = fit_cost(PARAMETERS, DATA, 1e-9 * PARAMETERS**0.8 * DATA * scatter)
    found = next_run(fit, cost, 1e8)
    place = frontier(fit, cost, [1e8]).points[0].parameters
    assert found.half_width == pytest.approx(np.log(place.high / place.value), rel=1e-3)
    known = replace(cost, spread=np.zeros((3, 3)))
    sharper = next_run(fit, known, 1e8)
    assert sharper.half_width < 0.95 * found.half_width
    assert sharper.runs[0].shrinkage > found.runs[0].shrinkage
    assert next_run(fit, cost, "beta").half_width == pytest.approx(next_run(fit, known, "beta").half_width)


def test_limited_data_limit_the_answer_and_the_runs() -> None:
    parameters, data, seen = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 5), [1e7, 1e8, 1e9], [1, 4]))
    worth = data * (1 + 15 * (1 - np.exp(-(seen - 1) / 15)))
    loss = np.exp(mean_log_loss(parameters, worth) + 0.002 * np.random.default_rng(0).standard_normal(len(worth)))
    fit = fit_law("repeated", {"parameters": parameters, "data": data, "epochs": seen}, loss, shared=None)
    found = next_run(fit, SixND(), 1e19, max_data=1e8)
    place = frontier(fit, SixND(), [1e19], max_data=1e8).points[0].parameters
    assert found.half_width == pytest.approx(np.log(place.high / place.value), rel=1e-3)
    assert found.half_width != pytest.approx(next_run(fit, SixND(), 1e19).half_width, rel=0.01)
    assert max(run.data for run in found.runs) <= 1e8 * (1 + 1e-9) and "1e+08 unique data" in found.target
    with pytest.raises(FitError, match="more than max_data"):
        next_run(fit, SixND(), 1e19, [(1e7, 1e9, 1.0)], max_data=1e8)
    with pytest.raises(FitError, match="smallest fitted data are 1e"):
        next_run(fit, SixND(), 1e19, max_data=1e5)


def test_bad_questions_are_refused_by_name(fit: LawFit) -> None:
    with pytest.raises(FitError, match="target: expected a budget or one of E, A, B, alpha, beta"):
        next_run(fit, SixND(), "gamma")
    with pytest.raises(FitError, match="target: expected one finite number"):
        next_run(fit, SixND(), -1.0)
    with pytest.raises(FitError, match=r"budget: 1e.300 FLOPs lies 281 decades above"):
        next_run(fit, SixND(), 1e300)
    with pytest.raises(FitError, match="empty"):
        next_run(fit, SixND(), "beta", [])
    with pytest.raises(FitError, match="candidates: expected parameters, data"):
        next_run(fit, SixND(), "beta", [(1e7, 1e9, 2.0)])
    with pytest.raises(FitError, match="candidates: data: value 1 of 1"):
        next_run(fit, SixND(), "beta", [(1e7, np.nan)])
    with pytest.raises(FitError, match="cheapest candidate costs"):
        next_run(fit, SixND(), "beta", max_cost=1.0)
    exact = np.exp(mean_log_loss(PARAMETERS, DATA))
    with pytest.raises(FitError, match="no run can make them narrower"):
        next_run(fit_law("additive", {"parameters": PARAMETERS, "data": DATA}, exact), SixND(), "beta")


def test_a_ranking_prints_and_turns_into_json(fit: LawFit) -> None:
    found = next_run(fit, SixND(), 1e19)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["runs"][0]["kind"] in {"new cell", "another seed"} and plain["unit"] == "FLOPs"
    assert str(found).count("pre-training loss only") == 1 and "ln N* at 1e+19 FLOPs" in str(found)


def test_one_more_run_has_the_noise_of_one_run_and_not_of_a_mean() -> None:
    rng = np.random.default_rng(6)
    inputs = {"parameters": np.repeat(PARAMETERS, 4), "data": np.repeat(DATA, 4)}
    noise = 0.01 * rng.standard_normal(120)
    loss = np.exp(mean_log_loss(inputs["parameters"], inputs["data"]) + noise)
    fit = fit_law("additive", inputs, loss, shared=None)
    place = (2e9, 1e10)
    seeds = np.log(loss).reshape(30, 4).var(axis=1, ddof=1).mean()
    slope = fit.law.evaluate(fit.theta[None], (np.log([place]) - fit.design.centre)[None])[1][0][0]
    toward = fit.spread @ slope
    spread = fit.spread - np.outer(toward, toward) / (fit.noise**2 + 0.75 * seeds + slope @ toward)
    freedom = fit.freedom.min()
    factor = shrinkages(next_run(fit, SixND(), "beta", [place]), freedom, 1)[place]
    assert factor == pytest.approx(np.sqrt(spread[4, 4] / fit.spread[4, 4]), rel=1e-6)
