"""Each policy on hand-made scores: who goes on, who stops, and the reason."""

import json
import math

import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import POLICIES, FirstEpochs, Halving, KeepBest, Known, Race


def actions(policy: object, known: Known) -> dict[str, str]:
    return {decision.run: decision.action for decision in policy.decide(known)}  # type: ignore[attr-defined]


def test_keep_best_keeps_the_best_and_says_why() -> None:
    known = Known(0.2, {"a": 2.0, "b": 1.0, "c": 3.0, "d": 1.5, "x": math.inf, "n": math.nan}, 6)
    decisions = KeepBest(0.2, keep=2).decide(known)
    assert {d.run: d.action for d in decisions} == {
        "a": "stop", "b": "continue", "c": "stop", "d": "continue", "x": "stop", "n": "continue"
    }  # fmt: skip
    reasons = {d.run: d.reason for d in decisions}
    assert reasons["a"] == "place 3 of 6 at 20 % of the budget, 1 behind the best; the best 2 go on"
    assert "the best" in reasons["b"] and "diverged" in reasons["x"] and "too little" in reasons["n"]
    assert KeepBest(0.3).places(10) == (0.3,)


def test_equal_scores_go_on_in_their_order() -> None:
    assert actions(KeepBest(keep=1), Known(0.2, {"a": 1.0, "b": 1.0}, 2)) == {"a": "continue", "b": "stop"}


def test_halving_has_rungs_that_grow_by_eta() -> None:
    policy = Halving(eta=3, first=1 / 9)
    assert policy.places(90) == pytest.approx((1 / 9, 1 / 3))
    assert Halving(eta=2, first=0.1).places(10) == pytest.approx((0.1, 0.2, 0.4, 0.8))
    scores = {f"r{i}": float(i) for i in range(16)}
    assert list(actions(policy, Known(1 / 9, scores, 16)).values()).count("continue") == 6
    left = {name: scores[name] for name in list(scores)[:6]}
    assert list(actions(policy, Known(1 / 3, left, 16)).values()).count("continue") == 2
    assert "the best 2 pass rung 2" in policy.decide(Known(1 / 3, left, 16))[0].reason


def test_a_race_stops_who_is_more_than_two_drifts_behind() -> None:
    # all fell by 1 but b by 1.2 and c by 0.8: drifts 0, 0.2, 0.2, 0 -> quantile 1 is 0.2, the limit 0.4
    now = {"a": 1.0, "b": 1.3, "c": 1.5, "d": 1.2}
    earlier = {"a": 2.0, "b": 2.5, "c": 2.3, "d": 2.2}
    policy = Race(quantile=0.999999, keep=1)
    assert policy.drift(Known(0.2, now, 4, earlier)) == pytest.approx(0.2, rel=1e-4)
    assert actions(policy, Known(0.2, now, 4, earlier)) == {
        "a": "continue",
        "b": "continue",
        "c": "stop",
        "d": "continue",
    }
    reasons = {d.run: d.reason for d in policy.decide(Known(0.2, now, 4, earlier))}
    assert reasons["c"] == "0.5 behind the leader at 20 % of the budget, more than 2 x the drift (0.4)"
    assert reasons["a"].startswith("the leader") and "within 2 x the drift" in reasons["b"]


def test_a_race_keeps_the_best_k_whatever_the_gap() -> None:
    now, earlier = {"a": 1.0, "b": 9.0, "c": 9.5, "d": 10.0}, {"a": 2.0, "b": 10.0, "c": 10.5, "d": 11.0}
    kept = actions(Race(keep=3), Known(0.2, now, 4, earlier))
    assert kept == {"a": "continue", "b": "continue", "c": "continue", "d": "stop"}
    assert "the best 3 go on" in Race(keep=3).decide(Known(0.2, now, 4, earlier))[1].reason


def test_a_race_without_earlier_scores_lets_all_go_on_but_the_diverged() -> None:
    known = Known(0.2, {"a": 1.0, "b": 9.0, "x": math.inf}, 3)
    assert actions(Race(keep=1), known) == {"a": "continue", "b": "continue", "x": "stop"}
    assert actions(Race(), Known(0.2, {"x": math.inf}, 1)) == {"x": "stop"}


def test_a_race_looks_back_to_half_of_what_was_seen() -> None:
    assert Race().look_back(0.3) == 0.15
    assert Race(start=0.2, every=0.25).places(10) == pytest.approx((0.2, 0.45, 0.7, 0.95))
    assert Race(start=0.5, every=0.25).places(10) == pytest.approx((0.5, 0.75))


def test_the_baseline_decides_after_i_epochs() -> None:
    assert FirstEpochs(2).places(10) == (0.2,) and FirstEpochs(10).places(10) == ()
    assert actions(FirstEpochs(2), Known(0.2, {"a": 2.0, "b": 1.0}, 2)) == {"a": "stop", "b": "continue"}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_a_pure_function(name: str) -> None:
    policy = POLICIES[name]()
    known = Known(1 / 9 if name == "halving" else 0.2, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, 4)
    assert policy.decide(known) == policy.decide(known)
    assert {d.run for d in policy.decide(known)} == set(known.scores)
    json.dumps([d.to_dict() for d in policy.decide(known)], allow_nan=False)


def test_a_decision_of_a_diverged_run_is_valid_json() -> None:
    (decision,) = KeepBest().decide(Known(0.2, {"x": math.inf}, 1))
    assert decision.to_dict()["score"] is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: KeepBest(share=20), "share"),
        (lambda: KeepBest(keep=0), "keep"),
        (lambda: KeepBest(keep=2.5), "keep"),  # type: ignore[arg-type]
        (lambda: Halving(eta=1), "eta"),
        (lambda: Halving(first=0), "first"),
        (lambda: Race(factor=0), "factor"),
        (lambda: Race(every=-0.1), "every"),
        (lambda: Race(quantile=90), "quantile"),
        (lambda: FirstEpochs(0), "epochs"),
    ],
)
def test_bad_settings_are_named(make: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()  # type: ignore[operator]
