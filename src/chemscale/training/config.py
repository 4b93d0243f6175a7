"""How to train: optimiser, schedule, budget, evaluation, precision."""

from typing import Literal, Self

from pydantic import Field, model_validator

from chemscale.base.config import Config, not_identity


class TrainingConfig(Config):
    """Everything about a training run that is neither model nor data."""

    batch_size: int = Field(64, description="examples per optimiser step", ge=1)
    accumulate: int = Field(1, description="micro-batches a step is split into, to save memory", ge=1)

    epochs: float | None = Field(None, description="budget in passes over the training subset", gt=0)
    steps: int | None = Field(None, description="budget in optimiser steps", ge=1)
    tokens: int | None = Field(None, description="budget in labels (language: real tokens)", ge=1)

    optimiser: Literal["adamw", "adam"] = Field("adamw", description="adamw (decoupled weight decay) or adam")
    learning_rate: float = Field(1e-3, description="peak learning rate", gt=0)
    learning_rate_width: int | None = Field(
        None, description="width at which learning_rate holds; at others it is scaled, see at_width", ge=1
    )
    learning_rate_exponent: float = Field(1.0, description="exponent of that scaling", ge=0, le=2)
    weight_decay: float = Field(0.0, description="weight decay", ge=0)
    beta1: float = Field(0.9, description="decay of the mean gradient", ge=0, lt=1)
    beta2: float = Field(0.999, description="decay of the mean squared gradient", ge=0, lt=1)
    epsilon: float = Field(1e-8, description="added to the root of the mean squared gradient", gt=0)
    gradient_clip: float | None = Field(None, description="largest norm of the gradient; none clips nothing", gt=0)

    schedule: Literal["constant", "plateau", "cosine", "warmup_stable_decay"] = Field(
        "constant", description="after the warm-up: constant, plateau, cosine or warmup_stable_decay"
    )
    warmup_steps: int = Field(0, description="steps of linear warm-up, counted per step", ge=0)
    minimum_learning_rate: float = Field(0.0, description="the schedule never goes below it", ge=0)
    decay_fraction: float = Field(0.2, description="share of the steps that decay (warmup_stable_decay)", gt=0, le=1)
    plateau_factor: float = Field(0.5, description="factor at a plateau", gt=0, lt=1)
    plateau_patience: int = Field(3, description="evaluations without improvement before the factor", ge=1)

    evaluations: int = Field(10, description="evaluations over the run, evenly spaced, the last at its end", ge=1)
    stop_patience: int | None = Field(None, description="stop after so many evaluations without improvement", ge=1)

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="float32, bfloat16 (autocast), or auto: bfloat16 where it is faster"
    )
    compile: bool = Field(False, description="compile the model with torch.compile")

    checkpoint_seconds: float = not_identity(60.0, "seconds between checkpoints of an unfinished run")
    loggers: tuple[Literal["tensorboard", "wandb"], ...] = not_identity((), "also log the curve there, if installed")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        given = [name for name in ("epochs", "steps", "tokens") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"exactly one budget of epochs, steps or tokens is needed, got {' and '.join(given) or 'none'}; "
                "on the command line, --set training.epochs=none takes one away"
            )
        if self.minimum_learning_rate > self.learning_rate:
            raise ValueError("minimum_learning_rate is above learning_rate")
        return self

    def at_width(self, width: int) -> Self:
        """The same configuration with the learning rate of a model of this width.

        Wider models want smaller rates; one rate for all sizes makes some of them look worse than they are, and bends
        the scaling law. Here

            learning_rate (learning_rate_width / w)^learning_rate_exponent

        Under Adam the best rate of hidden matrices falls as 1/w in the limit of large widths (Yang et al. 2022); for
        ChemGPT at widths 16 to 128 we measured an exponent near 0.65 (docs/lab_notebook.md).
        """
        if self.learning_rate_width is None or width < 1:
            return self
        factor = (self.learning_rate_width / width) ** self.learning_rate_exponent
        return self.model_copy(update={"learning_rate": self.learning_rate * factor})

    def total_steps(self, steps_per_epoch: int, labels_per_epoch: int) -> int:
        """Optimiser steps of the whole run; a budget in tokens ends with the step that reaches it on average."""
        if self.steps is not None:
            return self.steps
        epochs = self.epochs if self.epochs is not None else (self.tokens or 0) / labels_per_epoch
        return max(1, round(epochs * steps_per_epoch))
