"""What a run asks of a device, in closed form: operations, steps and memory. Every world states its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that training takes on a device.

    Attributes:
        weights: parameters, kept in float32.
        gradients: of every parameter, float32.
        optimiser: the optimiser's state.
        cast_weights: copies of the weights in the precision of the products; 0 where they are float32.
        activations_per_example: what the backward pass needs of one example of the largest batch, and its workspace.
        held_data: data that stays on the device, such as the validation set.
        largest_part: parameters of the largest part that a sharded run gathers at a time, float32.
    """

    weights: int
    gradients: int
    optimiser: int
    cast_weights: int
    activations_per_example: int
    held_data: int
    largest_part: int

    @property
    def states(self) -> int:
        """Bytes that grow with the model alone: weights, their copies, gradients and optimiser state."""
        return self.weights + self.gradients + self.optimiser + self.cast_weights

    def total(self, n_examples: int, shards: int = 1) -> int:
        """Bytes on each device for a micro-batch of `n_examples`.

        The parts are summed, as under data parallelism, where the buckets of the gradients are made first; on one
        device gradients come as activations go, and the peak is lower.

        Args:
            n_examples: examples computed at a time.
            shards: devices over which the states are spread; a part is gathered to compute, with its gradient.
        """
        gathered = 2 * self.largest_part if shards > 1 else 0
        return -(-self.states // shards) + gathered + self.held_data + n_examples * self.activations_per_example


@dataclass(frozen=True)
class Workload:
    """What one run asks of a device.

    Attributes:
        n_parameters: without embeddings.
        n_parameters_total: with embeddings.
        width: channels of the residual stream; how well a device is used depends on it.
        n_layers: layers that are launched one after the other.
        data_points: examples of the training subset.
        batch_size: examples of one optimiser step.
        micro_batches: parts that the configuration cuts a step into (`training.accumulate`).
        steps: optimiser steps.
        labels: labels seen in all steps (language: real tokens).
        training_flops: of all steps, as the run's record states them; evaluations are not in them.
        validation_flops: of all evaluations.
        validation_batches: batches of all evaluations.
        memory: bytes on a device.
        assumptions: what was assumed because the data could not be counted; empty where everything is exact.
    """

    n_parameters: int
    n_parameters_total: int
    width: int
    n_layers: int
    data_points: int
    batch_size: int
    micro_batches: int
    steps: int
    labels: int
    training_flops: float
    validation_flops: float
    validation_batches: int
    memory: MemoryNeed
    assumptions: tuple[str, ...] = ()
