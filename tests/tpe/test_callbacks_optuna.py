"""The Optuna pruner: the same decisions as the policy on the same curves, in both directions, at any time."""

import copy
import math
import pickle

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import Halving, KeepBest, Race, Reading, Replay, curve_of_steps
from chemscale.tpe.callbacks import CurvePruner

optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install optuna")
optuna.logging.set_verbosity(optuna.logging.WARNING)

LEVELS = [1.0, 2.0, 0.5, 3.0, 0.7, 2.5, 0.4, 1.5]


def value(level: float, step: int) -> float:
    return level + 1 / (1 + step)


def trained(pruner, levels=LEVELS, n_steps: int = 20, first: int = 0, sign: float = 1.0) -> list[int]:
    """Values that each trial of a study reports before it is pruned."""
    study = optuna.create_study(pruner=pruner, direction="minimize" if sign > 0 else "maximize")
    study.sampler = optuna.samplers.RandomSampler(seed=0)

    def objective(trial) -> float:
        for step in range(n_steps):
            trial.report(sign * value(levels[trial.number], step), step + first)
            if trial.should_prune():
                raise optuna.TrialPruned
        return sign * value(levels[trial.number], n_steps - 1)

    study.optimize(objective, n_trials=len(levels))
    return [len(trial.intermediate_values) for trial in study.trials]


def test_it_is_a_pruner_of_optuna_and_of_this_package() -> None:
    pruner = CurvePruner(20)
    assert isinstance(pruner, optuna.pruners.BasePruner) and isinstance(pruner, CurvePruner)
    for other in (copy.deepcopy(pruner), pickle.loads(pickle.dumps(pruner))):
        assert isinstance(other, optuna.pruners.BasePruner) and isinstance(other, CurvePruner)
        assert vars(other) == vars(pruner)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_trials_outside_of_the_best_so_far_are_pruned_at_the_place(first: int, sign: float) -> None:
    pruner = CurvePruner(20, KeepBest(share=0.2, keep=2), least_trials=3)
    # levels 1, 2 have no or one trial before them, 0.5 leads, 3 is fourth; 0.7 and 0.4 are among the best two so far
    assert trained(pruner, first=first, sign=sign) == [20, 20, 20, 4, 20, 4, 20, 4]


def test_few_trials_are_never_pruned() -> None:
    assert trained(CurvePruner(20, KeepBest(share=0.2, keep=1), least_trials=9)) == [20] * 8


@pytest.mark.parametrize("policy", [KeepBest(0.25, keep=3), Halving(eta=2.0, first=0.125), Race(every=0.1)])
def test_with_all_trials_reported_the_decisions_are_those_of_a_replay(policy) -> None:
    generator = np.random.default_rng(0)
    curves = [level + generator.standard_normal(40).cumsum() * 0.02 + 1 for level in LEVELS]
    study = optuna.create_study()
    for values in curves:
        study.add_trial(
            optuna.trial.create_trial(value=float(values[-1]), intermediate_values=dict(enumerate(values.tolist())))
        )
    named = [curve_of_steps(str(number), values, steps_per_epoch=1) for number, values in enumerate(curves)]
    replay = Replay(named, np.array([values[-1] for values in curves]), 40, Reading())
    expected = {decision.run: decision for decision in replay.run(policy).decisions}
    pruner = CurvePruner(40, policy)
    assert {str(trial.number): pruner.decide(study, trial) for trial in study.trials} == expected


def test_running_trials_count_and_failed_ones_do_not() -> None:
    study = optuna.create_study(pruner=CurvePruner(20, KeepBest(share=0.2, keep=1), least_trials=3))
    trials = [study.ask() for _ in range(4)]
    for trial, level in zip(trials, [3.0, 1.0, 2.0, 0.1], strict=True):
        for step in range(4):
            trial.report(value(level, step), step)
    study.tell(trials[3], state=optuna.trial.TrialState.FAIL)
    assert [trial.should_prune() for trial in trials[:3]] == [True, False, True]


def test_a_value_that_is_not_finite_prunes_at_once_and_nothing_reported_never() -> None:
    study = optuna.create_study(pruner=CurvePruner(20))
    trial = study.ask()
    assert not trial.should_prune()
    trial.report(1.0, 0)
    assert not trial.should_prune()
    trial.report(math.nan, 1)
    assert trial.should_prune()


@pytest.mark.parametrize("total", [1, 2.5, True])
def test_bad_arguments_are_named(total) -> None:
    with pytest.raises(ConfigError, match="total_steps: expected a whole number, 2 or more"):
        CurvePruner(total)
    with pytest.raises(ConfigError, match="least_trials: expected a whole number, 1 or more"):
        CurvePruner(20, least_trials=0)
