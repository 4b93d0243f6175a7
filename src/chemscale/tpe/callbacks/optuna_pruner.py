"""TPE's policies as an Optuna pruner: a trial goes on where its reported values say that it could still be best.

What a trial reports with `trial.report(value, step)` is its curve. At every place of the policy it is compared, at the
same step, with all trials that have got as far: completed, pruned and running. Not to be taken for Optuna's sampler of
the same initials; the two work together.
"""

from typing import Any

import numpy as np

from chemscale.base.errors import ConfigError
from chemscale.tpe.callbacks.library_base import LibraryBased
from chemscale.tpe.callbacks.standing import standing
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Policy
from chemscale.tpe.policies.window import KeepBest

FAILED = ("FAIL", "WAITING")


class CurvePruner(LibraryBased):
    """An `optuna.pruners.BasePruner`: `optuna.create_study(pruner=CurvePruner(total_steps=50))`."""

    modules = ("optuna.pruners",)
    base = "BasePruner"
    install = "optuna"

    def __init__(
        self,
        total_steps: int,
        policy: Policy | None = None,
        *,
        reading: Reading | None = None,
        least_trials: int = 4,
    ) -> None:
        """Prepare.

        Args:
            total_steps: values that a trial reports which is not pruned, at the steps 0 to `total_steps` - 1 or 1 to
                `total_steps`.
            policy: who goes on; the best 3 at 20 % of the steps by the window estimate where absent. Every estimator
                reads what is reported.
            reading: how the values are read.
            least_trials: no trial is pruned before so many have reached the policy's first place.

        Raises:
            UserError: optuna is not installed.
            ConfigError: a value out of its bounds.
        """
        for name, value, least in (("total_steps", total_steps, 2), ("least_trials", least_trials, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name}: expected a whole number, {least} or more, got {value!r}")
        self.total_steps = total_steps
        self.policy: Policy = policy or KeepBest(share=0.2, keep=3)
        self.reading = reading or Reading(total_epochs=total_steps)
        self.least_trials = least_trials

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether the trial should be pruned, by all that is reported so far."""
        decision = self.decide(study, trial)
        return decision is not None and decision.action == "stop"

    def decide(self, study: Any, trial: Any) -> Decision | None:
        """The decision on a trial with its reason; None where it has passed no place of the policy yet."""
        if not trial.intermediate_values:
            return None
        others = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        trials = [one for one in others if one.state.name not in FAILED and one.intermediate_values]
        first = min(min(one.intermediate_values) for one in (*trials, trial))
        sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
        return standing(
            str(trial.number),
            [_curve(one, 1 - min(first, 1), sign) for one in (*trials, trial)],
            self.policy,
            total_epochs=self.total_steps,
            reading=self.reading,
            least_runs=self.least_trials,
        )


def _curve(trial: Any, shift: int, sign: float) -> Curve:
    """A trial's values as a curve whose epochs are its steps; `shift` makes the first step 1."""
    steps = sorted(trial.intermediate_values)
    values = np.array([sign * float(trial.intermediate_values[step]) for step in steps])
    progress = np.array(steps, dtype=float) + shift
    return Curve(
        run=str(trial.number),
        epochs=np.maximum(np.ceil(progress).astype(int) - 1, 0),
        losses=values,
        progress=progress,
        validation_progress=progress,
        validation_losses=values,
    )
