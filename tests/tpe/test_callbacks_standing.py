"""Where one run stands: equal to a replay when all is known, fair and patient when it is not."""

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import FirstEpochs, Halving, KeepBest, Policy, Race, Reading, Replay, curve_of_steps
from chemscale.tpe.callbacks.checks import Checks
from chemscale.tpe.callbacks.standing import standing

READING = Reading(source="validation")
POLICIES = [KeepBest(share=0.2, keep=3), Halving(eta=2.0, first=0.125), Race(start=0.1, every=0.1), FirstEpochs(2, 2)]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_with_all_runs_finished_every_decision_is_that_of_a_replay(policy: Policy, make_sweep) -> None:
    curves, final = make_sweep(n_runs=12, noise=0.3)
    replay = Replay(curves, np.array([final[curve.run] for curve in curves]), 20, READING)
    expected = {decision.run: decision for decision in replay.run(policy).decisions}
    for curve in curves:
        found = standing(curve.run, curves, policy, total_epochs=20, reading=READING)
        assert found == expected[curve.run]
    assert {decision.action for decision in expected.values()} == {"continue", "stop"}


def test_nothing_is_said_before_the_first_place(make_sweep) -> None:
    curves, _ = make_sweep(n_runs=6)
    early = [curve.up_to(3.9) for curve in curves]
    assert standing("r05", early, KeepBest(share=0.2, keep=1), total_epochs=20, reading=READING) is None


def test_no_run_is_stopped_while_few_have_reached_the_place(make_sweep) -> None:
    curves, _ = make_sweep(n_runs=6)
    known = [curve.up_to(4) if index in (0, 1, 5) else curve.up_to(1) for index, curve in enumerate(curves)]
    policy = KeepBest(share=0.2, keep=1)
    waits = standing("r05", known, policy, total_epochs=20, reading=READING)
    assert waits is not None and waits.action == "continue"
    assert waits.reason == "3 runs have reached 20 % of the budget, 4 are needed to stop one"
    stops = standing("r05", known, policy, total_epochs=20, reading=READING, least_runs=3)
    assert stops is not None and stops.action == "stop" and "place 3 of 3" in stops.reason


def test_a_run_that_went_on_alone_is_stopped_when_better_ones_arrive(make_sweep) -> None:
    curves, _ = make_sweep(n_runs=6)
    policy = KeepBest(share=0.2, keep=2)
    alone = [curves[5].up_to(10), *(curve.up_to(2) for curve in curves[:5])]
    first = standing("r05", alone, policy, total_epochs=20, reading=READING, least_runs=1)
    later = standing("r05", [curves[5].up_to(10), *curves[:5]], policy, total_epochs=20, reading=READING)
    assert first is not None and first.action == "continue"
    assert later is not None and later.action == "stop" and later.at == 0.2


def test_a_diverged_run_stops_at_once_and_the_others_know_it(make_sweep) -> None:
    curves, _ = make_sweep(n_runs=4, steps=10)
    broken = curve_of_steps("broken", [1.0, 1.0, np.nan], steps_per_epoch=10)
    known = [*(curve.up_to(4) for curve in curves[:3]), broken]
    policy = KeepBest(share=0.2, keep=1)
    mine = standing("broken", known, policy, total_epochs=20, reading=READING)
    assert mine is not None and mine.action == "stop" and mine.reason.startswith("diverged")
    other = standing("r00", known, policy, total_epochs=20, reading=READING)
    assert other is not None and " of 4 at 20 %" in other.reason


def test_an_unknown_run_and_a_wrong_number_are_named(make_sweep) -> None:
    curves, _ = make_sweep(n_runs=2)
    with pytest.raises(ConfigError, match="no curve of run x"):
        standing("x", curves, KeepBest(), total_epochs=20, reading=READING)
    with pytest.raises(ConfigError, match="least_runs"):
        standing("r00", curves, KeepBest(), total_epochs=20, reading=READING, least_runs=0)


def test_looks_fall_on_the_places_and_on_every_fiftieth_of_the_budget() -> None:
    checks = Checks(KeepBest(share=0.25), 10.0)
    looked = [step / 100 for step in range(1, 101) if checks.due(step / 100)]
    assert looked == [0.2, 0.4, 0.6, 0.8, 1.0]
    checks = Checks(Race(start=0.25, every=0.5), 10.0)
    looked = [step / 10 for step in range(1, 101) if checks.due(step / 10)]
    assert {2.5, 7.5} <= set(looked)
    assert looked == sorted(looked) and len(looked) <= 52


def test_checks_need_the_full_budget() -> None:
    assert not Checks(None, None).due(5.0)
    with pytest.raises(ConfigError, match="total_epochs: a policy needs"):
        Checks(KeepBest(), None)
    with pytest.raises(ConfigError, match="greater than 0, got -1"):
        Checks(KeepBest(), -1)
