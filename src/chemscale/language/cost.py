"""What training a ChemGPT costs, in closed form: operations, steps and memory, before anything runs."""

from typing import Protocol

from chemscale.language.expected_data import ExpectedData, expected_data
from chemscale.language.models.chemgpt import ChemGPTConfig
from chemscale.language.task import VALIDATION_LABELS_PER_BATCH, LanguageData, check_positions
from chemscale.training.config import TrainingConfig
from chemscale.training.workload import MemoryNeed, Workload

FLOAT32, BFLOAT16, INT64 = 4, 2, 8


class LanguageRun(Protocol):
    """The parts of a run's configuration that decide what it costs."""

    @property
    def model(self) -> ChemGPTConfig:
        """Size and shape."""

    @property
    def data(self) -> LanguageData:
        """Which molecules."""

    @property
    def training(self) -> TrainingConfig:
        """Budget and batch."""


def language_workload(run: LanguageRun, precision: str) -> Workload:
    """What a run asks of a device.

    Training takes three forward passes' operations per label (`ChemGPTConfig.forward_flops_per_token`), an evaluation
    one. A rule that stops a run early is not foreseen: the whole budget is counted.

    Args:
        run: model, data and training configuration.
        precision: of the products, `float32` or `bfloat16`.

    Raises:
        ConfigError: sequences are longer than the model's positions.
        DataError: the data cannot give what is asked for, or nothing is known of it.
    """
    check_positions(run.model, run.data)
    data, training = expected_data(run.data), run.training
    model = with_vocabulary(run.model, data)
    steps_per_epoch = -(-data.n_train // training.batch_size)
    steps = training.total_steps(steps_per_epoch, data.labels_per_epoch)
    labels = labels_seen(data, training.batch_size, steps)
    forward = model.forward_flops_per_token(data.lengths)
    labels_per_batch = max(VALIDATION_LABELS_PER_BATCH, data.validation_labels // data.n_validation)
    return Workload(
        n_parameters=model.n_parameters(),
        n_parameters_total=model.n_parameters(embedding=True),
        width=model.width,
        n_layers=model.n_layers,
        data_points=data.n_train,
        batch_size=training.batch_size,
        micro_batches=training.accumulate,
        steps=steps,
        labels=labels,
        training_flops=3 * forward * labels,
        validation_flops=forward * data.validation_labels * training.evaluations,
        validation_batches=-(-data.validation_labels // labels_per_batch) * training.evaluations,
        memory=memory_need(model, data, precision),
        assumptions=data.assumptions,
    )


def with_vocabulary(model: ChemGPTConfig, data: ExpectedData) -> ChemGPTConfig:
    """The model with the vocabulary of its data, where the configuration leaves it to the data."""
    return model.model_copy(update={"vocabulary_size": model.vocabulary_size or data.vocabulary_size})


def labels_seen(data: ExpectedData, batch_size: int, steps: int) -> int:
    """Labels of so many steps: exact for whole epochs, by the mean length within one."""
    epochs, rest = divmod(steps, -(-data.n_train // batch_size))
    return epochs * data.labels_per_epoch + round(rest * batch_size * data.labels_per_epoch / data.n_train)


def memory_need(model: ChemGPTConfig, data: ExpectedData, precision: str) -> MemoryNeed:
    """Bytes on a device: float32 weights and gradients, Adam's two moments, activations of the longest sequences."""
    n_total = model.n_parameters(embedding=True)
    held = 2 * INT64 * data.validation_labels
    cast = BFLOAT16 * (model.n_layers * 12 * model.width**2 + (model.vocabulary_size or 0) * model.width)
    parts = (12 * model.width**2 + 10 * model.width, ((model.vocabulary_size or 0) + model.max_positions) * model.width)
    return MemoryNeed(
        weights=FLOAT32 * n_total,
        gradients=FLOAT32 * n_total,
        # beside the two moments, Adam counts the steps of every tensor: 11 in a block, 4 outside, float32 each
        optimiser=FLOAT32 * (2 * n_total + 11 * model.n_layers + 4),
        cast_weights=cast if precision == "bfloat16" else 0,
        activations_per_example=data.longest * (saved_bytes_per_token(model, precision) + workspace(model, precision)),
        held_data=held,
        largest_part=FLOAT32 * max(parts),
    )


def saved_bytes_per_token(model: ChemGPTConfig, precision: str) -> int:
    """Bytes that the backward pass needs of one token, with attention that does not keep its scores.

    Per block, in units of the width w: the residual stream before both norms (2 w, always float32); both norms'
    outputs, queries, keys, values, the heads' outputs, and both sides of the GELU (14 w, in `precision`); and in
    float32 mean and deviation of both norms (4 numbers) and one log-sum per head. After the blocks: the last norm's
    input and output, the log-probabilities over the vocabulary in float32, and the ids of the token and its target.
    """
    half = BFLOAT16 if precision == "bfloat16" else FLOAT32
    w = model.width
    block = 2 * FLOAT32 * w + 14 * half * w + FLOAT32 * (4 + model.n_heads)
    head = FLOAT32 * w + half * w + 2 * FLOAT32 + FLOAT32 * (model.vocabulary_size or 0) + 2 * INT64
    return model.n_layers * block + head


def workspace(model: ChemGPTConfig, precision: str) -> int:
    """Bytes per token that the backward pass holds for a moment: gradients of the scores, or of one perceptron."""
    half = BFLOAT16 if precision == "bfloat16" else FLOAT32
    return max(2 * FLOAT32 * (model.vocabulary_size or 0), (FLOAT32 + 8 * half) * model.width)
