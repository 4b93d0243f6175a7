"""Replays with costs worked out by hand, and the same decisions online."""

import math

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.tpe import Curve, FirstEpochs, Halving, KeepBest, Race, Reading, Replay, curve_of_steps, decide_now


def level(run: str, loss: float, n: int = 10, end: float | None = None) -> Curve:
    """A level curve of 10 epochs of one step, which may jump in its second half."""
    losses = np.full(n, loss)
    losses[n // 2 :] = loss if end is None else end
    return curve_of_steps(run, losses, steps_per_epoch=1)


def replay(curves: list[Curve], **more: object) -> Replay:
    final = np.array([c.losses[-1] if not c.diverged else math.inf for c in curves])
    return Replay(curves, final, 10.0, Reading(total_epochs=10.0), **more)  # type: ignore[arg-type]


def test_cost_and_choice_by_hand() -> None:
    outcome = replay([level("a", 3), level("b", 1), level("c", 2), level("d", 4)]).run(KeepBest(0.2, 1))
    assert outcome.chosen == "b" and outcome.best_kept and outcome.regret == 0
    assert outcome.cost == pytest.approx((3 * 0.2 + 1) / 4) and outcome.saved == pytest.approx(0.6)


def test_regret_where_the_best_run_was_stopped() -> None:
    outcome = replay([level("late", 5, end=1), level("b", 2), level("c", 4)]).run(KeepBest(0.2, 1))
    assert outcome.chosen == "b" and not outcome.best_kept
    assert outcome.regret == pytest.approx(1) and outcome.normalised_regret == pytest.approx(1)


def test_a_tie_within_noise_counts_as_kept() -> None:
    outcome = replay([level("a", 1.01), level("b", 2, end=1.0)], final_tie=0.05).run(KeepBest(0.2, 1))
    assert outcome.chosen == "a" and not outcome.best_kept and outcome.tie_kept


def test_halving_costs() -> None:
    curves = [level(f"r{i}", 1 + i) for i in range(9)]
    policy = Halving(eta=3, first=0.1)
    outcome = replay(curves).run(policy)
    assert policy.places(10) == pytest.approx((0.1, 0.3, 0.9))
    assert outcome.cost == pytest.approx((6 * 0.1 + 2 * 0.3 + 1) / 9)


def test_a_diverged_run_costs_only_what_it_was_trained() -> None:
    broken = curve_of_steps("x", [1.0, math.nan], steps_per_epoch=1)
    outcome = replay([broken, level("a", 2), level("b", 3)]).run(KeepBest(0.5, 1))
    assert outcome.cost == pytest.approx((0.2 + 1 + 0.5) / 3)
    assert [d.run for d in outcome.decisions if "diverged" in d.reason] == ["x"]


def test_costs_of_whole_runs_may_differ() -> None:
    outcome = replay([level("a", 1), level("b", 2)], costs=np.array([3.0, 1.0])).run(KeepBest(0.5, 1))
    assert outcome.cost == pytest.approx((3 + 0.5) / 4)


def test_a_budget_of_no_more_than_i_epochs_trains_all() -> None:
    assert replay([level("a", 1), level("b", 2)]).run(FirstEpochs(10)).cost == 1


def test_a_run_drawn_twice_is_two_runs() -> None:
    outcome = replay([level("a", 1), level("b", 2)]).run(KeepBest(0.2, 1), [0, 0, 1])
    assert {d.run for d in outcome.decisions} == {"a", "a (copy 2)", "b"}
    assert outcome.cost == pytest.approx((1 + 0.2 + 0.2) / 3)


def test_expectation_over_resamples_is_reproducible_and_sure_where_nothing_can_go_wrong() -> None:
    played = replay([level(f"r{i}", 1 + i) for i in range(6)])
    one, two = played.expected(KeepBest(0.2, 1), 50, seed=1), played.expected(KeepBest(0.2, 1), 50, seed=1)
    assert one == two and one.p_best_kept == 1 and one.regret == 0
    assert one.saved == pytest.approx(1 - (5 * 0.2 + 1) / 6)


def test_the_chance_that_the_best_is_kept_is_that_of_the_draw() -> None:
    """The best run looks worst, so it is kept only in samples without any other: chance (1/3)^3 of three draws."""
    played = replay([level("late", 9, end=1), level("b", 2), level("c", 3)])
    expected = played.expected(KeepBest(0.2, 1), 3000)
    without_late = (2 / 3) ** 3  # then the best of the sample is kept
    assert expected.p_best_kept == pytest.approx(without_late + (1 / 3) ** 3, abs=0.03)


@pytest.mark.parametrize("policy", [KeepBest(), Halving(), Race(start=0.1, every=0.1)])
def test_online_decisions_are_those_of_the_replay(policy: Race, make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    total, reading = 20.0, Reading(source="validation", total_epochs=20.0)
    outcome = Replay(curves, np.array(list(final.values())), total, reading).run(policy)
    alive, seen = list(curves), []
    for at in policy.places(total):
        decisions = decide_now(
            policy, [c.up_to(at * total) for c in alive], at=at, total_epochs=total, reading=reading, n_started=16
        )
        seen += decisions
        going = {d.run for d in decisions if d.action == "continue"}
        alive = [c for c in alive if c.run in going]
    assert tuple(seen) == outcome.decisions
    assert outcome.best_kept and outcome.regret == 0 and outcome.saved > 0.4


def test_a_decision_needs_runs_that_were_trained_so_far() -> None:
    with pytest.raises(DataError, match="run a: it has seen 2 epochs, the decision needs 5"):
        decide_now(KeepBest(0.5), [level("a", 1, n=2)], at=0.5, total_epochs=10, reading=Reading())


def test_replays_without_any_end_are_refused() -> None:
    with pytest.raises(DataError, match="every run diverged"):
        replay([curve_of_steps("x", [math.nan], steps_per_epoch=1)])
    with pytest.raises(DataError, match="1 curves and 2 final losses"):
        Replay([level("a", 1)], np.array([1.0, 2.0]), 10, Reading())
