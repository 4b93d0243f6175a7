"""Force fields that were trained here, ready to use."""

from pathlib import Path

from chemscale.base.errors import DataError
from chemscale.base.records import RunFolder
from chemscale.forcefields.companion import ENERGIES, load_companion
from chemscale.forcefields.families import FAMILIES, build_force_field
from chemscale.forcefields.force_field import ForceField
from chemscale.training.checkpoints import load_best


def load_run(folder: Path | str) -> ForceField:
    """The best force field of a run folder, in evaluation mode.

    Scale and reference energies are those of the run's `energies.json`, which is written anew when constants are
    fitted after a training on forces alone; the checkpoint's are older.

    Args:
        folder: a run folder; the run need not be finished, but must have been evaluated once.

    Raises:
        DataError: the folder is no run of this world, has no checkpoint yet, or its files do not fit each other.
    """
    run = RunFolder(Path(folder))
    if not (run.path / "config.json").exists():
        raise DataError(f"{run.path}: no run here (config.json is missing)")
    name = str(run.config().get("family"))
    if name not in FAMILIES:
        raise DataError(f"{run.path}: its family is {name!r}, not one of {', '.join(FAMILIES)}")
    companion = load_companion(run.path)
    config = FAMILIES[name].config.parse(companion.model, "model")
    force_field = build_force_field(config, config.species or companion.trained_on, seed=0)
    try:
        force_field.load_state_dict(load_best(run.checkpoints))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise DataError(f"{run.checkpoints}: its weights do not fit the model in {ENERGIES} ({reason})") from None
    force_field.set_units(companion.scale, companion.references)
    force_field.restrict(companion.trained_on)
    return force_field.eval()


def force_field_of(model: ForceField | Path | str) -> ForceField:
    """A force field as it is, or the best one of a run folder."""
    return model if isinstance(model, ForceField) else load_run(model)
