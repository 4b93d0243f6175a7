"""Learning-rate schedules: the rate at a step, from 0, as a pure function; only `plateau` keeps a state."""

import math

from chemscale.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, total_steps: int, plateau_scale: float = 1.0) -> float:
    """The learning rate of optimiser step `step` (from 0) out of `total_steps`.

    Warm-up is linear and counted per step: step s < W runs at (s + 1) / W of the peak. Then

        constant              peak
        cosine                min + (peak - min) (1 + cos(pi p)) / 2, p = 0 at the first step after warm-up, and 1
                              would be the step after the last
        warmup_stable_decay   peak, then peak (1 - sqrt(q)) over the last `decay_fraction`, q from 0, and 1 would be
                              the step after the last (Haegele et al. 2024)
        plateau               peak times `plateau_scale`

    never below `minimum_learning_rate` once the warm-up is over.
    """
    peak, low = config.learning_rate, config.minimum_learning_rate
    if step < config.warmup_steps:
        return peak * (step + 1) / config.warmup_steps
    if config.schedule == "cosine":
        progress = (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps)
        return low + (peak - low) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    if config.schedule == "warmup_stable_decay":
        n_decay = max(1, round(config.decay_fraction * total_steps))
        progress = max(0.0, (step - (total_steps - n_decay)) / n_decay)
        return max(low, peak * (1 - math.sqrt(min(progress, 1.0))))
    return max(low, peak * plateau_scale)


class Plateau:
    """Counts evaluations without improvement; used by the `plateau` schedule and by early stopping."""

    def __init__(self) -> None:
        self.best = math.inf
        self.stagnant = 0
        self.scale = 1.0
        self._since_drop = 0

    def update(self, loss: float, config: TrainingConfig) -> bool:
        """Take in a validation loss; returns whether it is the best so far."""
        improved = loss < self.best
        self.best = min(self.best, loss)
        self.stagnant = 0 if improved else self.stagnant + 1
        self._since_drop = 0 if improved else self._since_drop + 1
        if config.schedule == "plateau" and self._since_drop >= config.plateau_patience:
            self.scale *= config.plateau_factor
            self._since_drop = 0
        return improved

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {
            "best": self.best,
            "stagnant": self.stagnant,
            "scale": self.scale,
            "since_drop": self._since_drop,
        }

    def restore(self, state: dict[str, float]) -> None:
        """Take a checkpoint's state back."""
        self.best, self.scale = state["best"], state["scale"]
        self.stagnant, self._since_drop = int(state["stagnant"]), int(state["since_drop"])
