"""Marginal values, the cheapest run for a loss, one split, and a budget of labels."""

import json
from dataclasses import replace

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.advice import cheapest, marginal
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.frontier import frontier
from chemscale.scaling.planning.labels import label_budget
from chemscale.scaling.planning.split import split

PARAMETERS, DATA = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 8), np.geomspace(1e8, 1e10, 6)))
MEAN = 1.8172 + 477.8 / PARAMETERS**0.3473 + 2143.0 / DATA**0.3672


def noisy_fit(law: str = "additive") -> LawFit:
    """A grid of 48 runs of the additive law with errors of half a per cent."""
    loss = MEAN * np.exp(0.005 * np.random.default_rng(0).standard_normal(48))
    return fit_law(law, {"parameters": PARAMETERS, "data": DATA}, loss, shared=None)


@pytest.fixture(scope="module")
def fit() -> LawFit:
    return noisy_fit()


def test_marginal_values_are_finite_differences_of_the_law(fit: LawFit) -> None:
    seconds = fit_cost(PARAMETERS, DATA, 1e-9 * PARAMETERS**0.6 * DATA**1.1)
    found = marginal(fit, seconds, 2e7, 1e9)
    base = np.log(fit.predict(2e7, 1e9)[0])
    more_size = (base - np.log(fit.predict(2e7 * 1.0001, 1e9)[0])) / np.log(1.0001)
    more_data = (base - np.log(fit.predict(2e7, 1e9 * 1.0001)[0])) / np.log(1.0001)
    assert found.more_parameters.value == pytest.approx(more_size, rel=1e-4)
    assert found.more_data.value == pytest.approx(more_data, rel=1e-4)
    assert found.spent_on_parameters.value == pytest.approx(more_size / 0.6, rel=1e-4)
    assert found.spent_on_data.value == pytest.approx(more_data / 1.1, rel=1e-4)
    assert found.ratio.value == pytest.approx(more_size / 0.6 / (more_data / 1.1), rel=1e-4)
    one_label = fit.predict(2e7, 1e9)[0] - fit.predict(2e7, 1e9 + 1e5)[0]
    as_parameters = fit.predict(2e7, 1e9)[0] - fit.predict(2e7 + 1e5 * found.exchange.value, 1e9)[0]
    assert as_parameters == pytest.approx(one_label, rel=1e-3)


def test_the_better_buy_depends_on_the_side_of_the_frontier(fit: LawFit) -> None:
    best = frontier(fit, SixND(), 1e18).points[0]
    size, data = best.parameters.value, best.data.value
    at_best = marginal(fit, SixND(), size, data)
    assert at_best.better == "either" and at_best.ratio.value == pytest.approx(1, rel=1e-8)
    assert at_best.deadweight == pytest.approx(0, abs=1e-9)
    assert marginal(fit, SixND(), size / 4, data * 4).better == "parameters"
    assert marginal(fit, SixND(), size * 4, data / 4).better == "data"


def test_deadweight_is_what_the_cheapest_run_of_the_same_loss_saves(fit: LawFit) -> None:
    found = marginal(fit, SixND(), 5e6, 5e9)
    target = float(fit.predict(5e6, 5e9)[0])
    least = cheapest(fit, SixND(), target)
    assert 1 - least.cost.value / (6 * 5e6 * 5e9) == pytest.approx(found.deadweight, abs=1e-8)
    assert found.deadweight > 0.2
    assert fit.predict(found.best_parameters, found.best_data)[0] == pytest.approx(target, rel=1e-9)


@pytest.mark.parametrize("law", ["additive", "kaplan", "log-quadratic"])
def test_cheapest_inverts_the_frontier(law: str) -> None:
    found = noisy_fit(law)
    point = frontier(found, SixND(), 1e18).points[0]
    back = cheapest(found, SixND(), point.loss.value)
    assert back.cost.value == pytest.approx(1e18, rel=1e-7)
    assert back.parameters.value == pytest.approx(point.parameters.value, rel=1e-6)
    assert back.cost.low < 1e18 < back.cost.high and back.epochs == 1


def test_targets_at_the_floor_are_refused_or_warned_about(fit: LawFit) -> None:
    floor, (_, high) = fit.parameters["E"], fit.intervals["E"]
    with pytest.raises(FitError, match="not above the law's floor"):
        cheapest(fit, SixND(), floor)
    assert "may not be reached at any cost" in cheapest(fit, SixND(), (floor + high) / 2).warnings[0]
    assert cheapest(fit, SixND(), 3.5).warnings == ()
    with pytest.raises(FitError, match="no budget reaches"):
        cheapest(noisy_fit("log-quadratic"), SixND(), 0.5)


def test_room_around_a_split_wastes_what_it_says(fit: LawFit) -> None:
    found = split(fit, SixND(), 1e18, waste=0.2)
    limit = frontier(fit, SixND(), 0.8e18).points[0].loss.value
    for size in (found.smallest, found.largest):
        assert fit.predict(size, 1e18 / 6 / size)[0] == pytest.approx(limit, rel=1e-10)
    assert found.smallest < found.best.parameters.value < found.largest
    assert "wastes less than 20 % of the budget" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["smallest_parameters"] == found.smallest
    with pytest.raises(FitError, match="waste"):
        split(fit, SixND(), 1e18, waste=1.0)


def test_labels_deserve_the_model_whose_term_is_small(fit: LawFit) -> None:
    found = label_budget(fit, 1e9, share=0.2)
    p = fit.parameters
    model, data = p["A"] / found.enough_parameters.value ** p["alpha"], p["B"] / 1e9 ** p["beta"]
    assert model == pytest.approx(0.2 * data, rel=1e-9)
    assert found.loss.value == pytest.approx(p["E"] + model + data, rel=1e-9)
    assert found.loss_without_end.value == pytest.approx(p["E"] + data, rel=1e-9)
    assert found.affordable_parameters is None
    bounded = label_budget(fit, 1e9, cost=SixND(), budget=6e16)
    assert bounded.affordable_parameters == pytest.approx(1e7, rel=1e-9)
    assert bounded.affordable_loss is not None
    assert bounded.affordable_loss.value == pytest.approx(fit.predict(1e7, 1e9)[0], rel=1e-9)
    assert "the budget trains 1e+07 parameters" in str(bounded)


def test_labels_under_kaplans_law() -> None:
    found = noisy_fit("kaplan")
    p = found.parameters
    enough = label_budget(found, 1e9).enough_parameters.value
    model = (p["N_c"] / enough) ** (p["alpha_N"] / p["alpha_D"])
    assert model == pytest.approx(0.1 * p["D_c"] / 1e9, rel=1e-8)
    without_end = label_budget(found, 1e9).loss_without_end.value
    assert without_end == pytest.approx((p["D_c"] / 1e9) ** p["alpha_D"], rel=1e-8)


def test_bad_input_is_refused_by_name(fit: LawFit) -> None:
    with pytest.raises(FitError, match="parameters: expected one finite number > 0, got -1"):
        marginal(fit, SixND(), -1, 1e9)
    with pytest.raises(FitError, match="data: expected one finite number"):
        marginal(fit, SixND(), 1e7, np.nan)
    with pytest.raises(FitError, match="target_loss"):
        cheapest(fit, SixND(), [2.5, 3.0])  # type: ignore[arg-type]
    with pytest.raises(FitError, match="no model term"):
        label_budget(noisy_fit("log-quadratic"), 1e9)
    with pytest.raises(FitError, match="both or none"):
        label_budget(fit, 1e9, budget=1e18)
    with pytest.raises(FitError, match="train no model at all"):
        label_budget(fit, 1e9, cost=SixND(), budget=1e-9)
    with pytest.raises(FitError, match="does not fall with"):
        marginal(noisy_fit("log-quadratic"), SixND(), 1e12, 1e9)


def test_results_print_their_scope_once_and_turn_into_json(fit: LawFit) -> None:
    results = [
        marginal(fit, SixND(), 1e7, 1e9),
        cheapest(fit, SixND(), 3.0),
        split(fit, SixND(), 1e18),
        label_budget(fit, 1e9),
    ]
    for result in results:
        assert str(result).count("pre-training loss only") == 1
        plain = json.loads(json.dumps(result.to_dict()))
        assert plain["level"] == 0.95 and "pre-training loss only" in plain["about"]


def test_labels_whose_size_the_runs_do_not_tell_are_marked(fit: LawFit) -> None:
    assert not any("do not tell" in text for text in label_budget(fit, 1e9).warnings)
    spread = 1e4 * fit.spread
    assert any("do not tell" in text for text in label_budget(replace(fit, spread=spread), 1e9).warnings)
