"""What is said of one run when it ends."""

from collections.abc import Iterator
from pathlib import Path

from chemscale.base.records import RunFolder, RunResult
from chemscale.studies.worlds import World, world_of


def run_summary(folder: Path, result: RunResult) -> Iterator[str]:
    """Lines that tell how a run ended: losses in the unit of its world, size, arithmetic, folder."""
    world = world_of(RunFolder(folder).config()["family"])
    losses, resources = result.losses, result.resources
    yield f"{result.status} after {resources['steps']:.0f} steps and {resources['seconds']:.1f} s"
    best, training = losses["validation_loss"], losses["train_loss"]
    yield f"validation loss  {best:.4f} {world.loss_unit} (best), {training:.4f} training"
    yield from _metrics(world, losses)
    yield f"parameters       {resources['n_parameters']:,.0f} without embeddings"
    used = result.environment
    operators = [f"{name} {used[name]}" for name in ("attention", "kernels") if name in used]
    yield f"computed in      {', '.join([used['precision'], *operators])}"
    if "not_trained" in used:
        yield f"not trained on   {used['not_trained']}: in the frames, but in none of the training subset"
    yield f"run folder       {folder}"


def _metrics(world: World, losses: dict[str, float]) -> Iterator[str]:
    for name, unit in world.metrics.items():
        if losses.get(name) == losses.get(name, float("nan")):  # neither missing nor NaN
            yield f"{name.replace('_', ' '):17s}{losses[name]:.4g} {unit}"
