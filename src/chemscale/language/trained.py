"""Models that were trained here, ready to use."""

from pathlib import Path

from torch import nn

from chemscale.base.errors import DataError
from chemscale.base.records import RunFolder
from chemscale.language.corpus import VOCABULARY
from chemscale.language.families import FAMILIES, build_model
from chemscale.language.tokenizer import Tokenizer
from chemscale.training.checkpoints import load_best


def load_run(folder: Path | str) -> tuple[nn.Module, Tokenizer]:
    """The best model of a run folder, in evaluation mode, and its tokenizer.

    Args:
        folder: a run folder; the run need not be finished, but must have been evaluated once.

    Raises:
        DataError: the folder is no run of this world, or has no checkpoint yet.
    """
    run = RunFolder(Path(folder))
    if not (run.path / "config.json").exists():
        raise DataError(f"{run.path}: no run here (config.json is missing)")
    values = run.config()
    if values.get("family") not in FAMILIES:
        raise DataError(f"{run.path}: its family is {values.get('family')!r}, not one of {', '.join(FAMILIES)}")
    tokenizer = Tokenizer.load(run.path / VOCABULARY)
    config = FAMILIES[values["family"]].config.parse(values["model"] | {"vocabulary_size": len(tokenizer)}, "model")
    model = build_model(config, seed=0)
    model.load_state_dict(load_best(run.checkpoints))
    return model.eval(), tokenizer
