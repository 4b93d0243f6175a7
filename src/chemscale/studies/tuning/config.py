"""The [tune] table of a study file: how runs are stopped early, and what that asks of the runs."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError
from chemscale.studies.run import RunConfig
from chemscale.tpe import FirstEpochs, Halving, KeepBest, Policy, Race, Reading

PolicyName = Literal["window", "halving", "race", "i-epoch", "none"]
EstimatorName = Literal["window", "sum", "tse_e", "tse_ema", "last_train", "last_validation", "power_law"]
DEFAULT_FRACTION = 0.2
SAME_SHARE = 1e-9

# [tune] keys -> arguments of the policy; keys that a policy does not have are refused
POLICY_KEYS: dict[PolicyName, dict[str, str]] = {
    "window": {"fraction": "share", "keep": "keep", "estimator": "estimator"},
    "halving": {"fraction": "first", "keep": "keep", "estimator": "estimator", "eta": "eta"},
    "race": {
        "fraction": "start",
        "keep": "keep",
        "estimator": "estimator",
        "every": "every",
        "factor": "factor",
        "quantile": "quantile",
    },
    "i-epoch": {"epochs": "epochs", "keep": "keep", "estimator": "estimator"},
    "none": {"fraction": "", "estimator": ""},
}
ALL_POLICY_KEYS = tuple(dict.fromkeys(key for keys in POLICY_KEYS.values() for key in keys))
POLICY_CLASSES: dict[PolicyName, Callable[..., Policy]] = {
    "window": KeepBest,
    "halving": Halving,
    "race": Race,
    "i-epoch": FirstEpochs,
}


class TuneConfig(Config):
    """How a grid is searched and how its runs are stopped early."""

    policy: PolicyName = Field("window", description="who goes on: window, halving, race, i-epoch or none (all do)")
    fraction: float | None = Field(
        None,
        description="share of the budget at the first decision; none takes the policy's own: "
        "window 0.2, halving 1/9, race 0.1",
        gt=0,
        lt=1,
    )
    keep: int | None = Field(None, description="so many runs go on at least; none takes 3, halving and i-epoch 1", ge=1)
    estimator: EstimatorName | None = Field(
        None, description="score that decides and predicts; none takes window (i-epoch: last_validation); sum is TSE"
    )
    eta: float | None = Field(None, description="halving: one run in eta passes each rung; none takes 3", gt=1)
    every: float | None = Field(None, description="race: share of the budget between decisions", gt=0, lt=1)
    factor: float | None = Field(None, description="race: a run stops so many drifts behind the leader", gt=0)
    quantile: float | None = Field(None, description="race: quantile of the drifts that counts", gt=0, lt=1)
    epochs: float | None = Field(None, description="i-epoch: epochs before the decision; none takes 1", gt=0)
    window_share: float = Field(0.25, description="window estimate: share of what was seen", gt=0, le=1)

    search: Literal["grid", "random"] = Field("grid", description="grid: every combination; random: drawn ones")
    n_configurations: int | None = Field(None, description="random search: configurations to draw", ge=1)
    search_seed: int = Field(0, description="random search: seed of the draws", ge=0)

    calibration: int = Field(
        0, description="stopped runs, spread over the scores, finished too so that losses can be predicted", ge=0
    )
    cooldown: int = Field(0, description="best runs of which a fork with a falling rate is trained", ge=0)
    cooldown_fraction: float = Field(0.2, description="share of the budget over which a fork's rate falls", gt=0, lt=1)
    seed_noise: float | None = Field(
        None, description="standard deviation of the loss between seeds; none estimates it from repeated seeds", ge=0
    )
    level: float = Field(0.9, description="level of the prediction intervals", gt=0, lt=1)
    skip_failed: bool = Field(False, description="go on without runs that fail with an error, ranked last")

    @model_validator(mode="after")
    def _keys_belong_together(self) -> Self:
        allowed = POLICY_KEYS[self.policy]
        for key in ALL_POLICY_KEYS:
            if getattr(self, key) is not None and key not in allowed:
                raise ValueError(f"{key} is not used by policy {self.policy!r}, which has {', '.join(allowed)}")
        if self.search == "random" and self.n_configurations is None:
            raise ValueError("search is 'random', so n_configurations is needed: how many to draw, for example 16")
        if self.search == "grid" and "n_configurations" in self.model_fields_set and self.n_configurations is not None:
            raise ValueError("n_configurations is for search = 'random'; the grid tries every combination")
        return self

    def make_policy(self) -> Policy | None:
        """The policy with its own defaults where a key is absent; None where every run goes on.

        Raises:
            ConfigError: a value that the policy does not allow.
        """
        if self.policy == "none":
            return None
        keys = {key: name for key, name in POLICY_KEYS[self.policy].items() if getattr(self, key) is not None}
        return POLICY_CLASSES[self.policy](**{name: getattr(self, key) for key, name in keys.items()})

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """Shares of the budget at which somebody may be stopped: with cooldown forks, only before their rate falls."""
        policy = self.make_policy()
        end = 1 - self.cooldown_fraction - SAME_SHARE if self.cooldown else 1.0
        return () if policy is None else tuple(place for place in policy.places(total_epochs) if place < end)

    def scored_at(self, total_epochs: float) -> float:
        """The share of the budget at which all runs stood, and are scored: the first place."""
        places = self.places(total_epochs)
        return places[0] if places else self.fraction or DEFAULT_FRACTION

    def deciding(self, total_epochs: float) -> dict[str, Any]:
        """What the decisions follow from: a tune goes on only with the same values."""
        keys = ("policy", *ALL_POLICY_KEYS, "window_share")
        return {key: getattr(self, key) for key in keys} | {"places": self.places(total_epochs)}


def make_reading(settings: TuneConfig, warmup_steps: int, total_epochs: float) -> Reading:
    """How curves are read: validation losses where all runs have them, after the longest warm-up."""
    return Reading(
        source="validation", share=settings.window_share, warmup_steps=warmup_steps, total_epochs=total_epochs
    )


def check_tune(values: Any) -> TuneConfig:
    """The [tune] table of a study file.

    Raises:
        ConfigError: an unknown key, or a value that is not allowed.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"tune: expected a table, got {values!r}")
    settings = TuneConfig.parse(values, "tune")
    try:
        settings.make_policy()
    except ConfigError as error:
        raise ConfigError(f"tune: {error}") from None
    return settings


def check_comparable(runs: Sequence[RunConfig], settings: TuneConfig) -> None:
    """See that runs can be compared at the same number of examples, and that somebody could be stopped.

    Args:
        runs: the runs of the study.
        settings: the [tune] table.

    Raises:
        ConfigError: they cannot, or the policy has nothing to do.
    """
    if len(runs) < 2:
        raise ConfigError("grid: one run only; a tune compares two or more")
    _check_policy(settings, len(runs), common_epochs(runs), runs[0].training.evaluations)
    for run in runs:
        if settings.cooldown and run.training.schedule != "constant":
            raise ConfigError(
                f"tune.cooldown: a fork needs a constant rate before it falls, but training.schedule is "
                f"{run.training.schedule!r}; set it to 'constant', or tune.cooldown = 0"
            )


def common_epochs(runs: Sequence[RunConfig]) -> float:
    """The budget in epochs that all runs share.

    Raises:
        ConfigError: they do not share one, or are not trained on the same data.
    """
    first = runs[0]
    for run in runs:
        if run.data != first.data:
            raise ConfigError("grid: data settings vary; a tune compares runs on the same data, so set them in [data]")
        if run.training.epochs is None:
            raise ConfigError(
                "training.epochs: missing; a tune compares all runs after the same number of examples, "
                "so the budget is set in epochs, not in steps or tokens"
            )
        if run.training.epochs != first.training.epochs or run.training.evaluations != first.training.evaluations:
            raise ConfigError("grid: training.epochs or training.evaluations vary; a tune needs one value for all runs")
        if run.training.stop_patience is not None:
            raise ConfigError("training.stop_patience: a tune decides itself who stops; leave it out")
    assert first.training.epochs is not None  # seen to in the loop
    return first.training.epochs


def _check_policy(settings: TuneConfig, n_runs: int, total_epochs: float, evaluations: int) -> None:
    policy, places = settings.make_policy(), settings.places(total_epochs)
    if policy is None:
        return
    keep = int(getattr(policy, "keep", 1))
    if keep >= n_runs:
        raise ConfigError(
            f"tune.keep: {keep} runs go on, and there are {n_runs}: nobody could be stopped. "
            "Lower it, or set tune.policy = 'none'"
        )
    if not places and settings.cooldown:
        raise ConfigError(
            f"tune.cooldown_fraction: the rate of the forks would fall from {1 - settings.cooldown_fraction:.3g} of "
            "the budget on, and no decision comes before; lower it, or tune.fraction"
        )
    if not places:
        raise ConfigError(f"tune.epochs: no decision comes before the end of the budget of {total_epochs:g} epochs")
    earliest = min(places[0], policy.look_back(places[0]) or places[0])
    if earliest < 1 / evaluations - SAME_SHARE:
        raise ConfigError(
            f"training.evaluations: with {evaluations} the first validation loss comes at "
            f"{100 / evaluations:.3g} % of the budget, but the policy looks at {100 * earliest:.3g} %; "
            f"set it to {math.ceil(1 / earliest - SAME_SHARE)} or more, or let the policy decide later"
        )
