"""The verb that carries out a sweep over prompts and strategies."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from chemscale.base.config import apply_overrides
from chemscale.base.errors import ConfigError
from chemscale.base.files import replacing, write_atomically
from chemscale.base.progress import progress_bar
from chemscale.language.generation import Sample
from chemscale.language.prompt_sweep import PromptSweep, run_prompt_sweep, sweep_prompts_of, sweep_size
from chemscale.language.trained import Checkpoint, load_checkpoint
from chemscale.report.prompts.folder import SweepFolder, write_sweep
from chemscale.studies.presets import load


def sweep_prompts(
    config: str, checkpoints: Sequence[Path | str], out: Path, overrides: Sequence[str] = (), *, seed: int = 0
) -> SweepFolder:
    """Continue prompts in many ways with one model or several, judge what comes of it, and draw the figure.

    Args:
        config: a preset's name, such as `frey2023/figure6`, or a TOML file with a `[sweep]`.
        checkpoints: run folders, or folders in Hugging Face's format.
        out: the folder of `table.csv`, `summary.csv`, `samples.csv` and `figures/`.
        overrides: `sweep.KEY=value` settings.
        seed: of the draws.

    Raises:
        UserError: the file is no sweep, or a model cannot read one of its molecules.
    """
    sweep = parse_sweep(config, overrides)
    models = _named([Path(path) for path in checkpoints])
    for checkpoint in models.values():
        sweep_prompts_of(checkpoint, sweep)  # what a model cannot read is said before anything is made
    tables: list[pd.DataFrame] = []
    bar_total = len(models) * sweep_size(sweep)
    with replacing(out / "samples.csv") as temporary, progress_bar("generate", bar_total, "molecules") as bar:
        for name, checkpoint in models.items():
            size = checkpoint.model.n_parameters()
            for table, samples in run_prompt_sweep(checkpoint, sweep, seed=seed, on_progress=bar.advance):
                _append(temporary, name, str(table["sampling"].iloc[0]), samples, header=not tables)
                tables.append(table.assign(model=name, n_parameters=size))
    write_atomically(out / "sweep.json", sweep.model_dump_json(indent=2) + "\n")
    return write_sweep(pd.concat(tables, ignore_index=True), sweep.title, out)


def parse_sweep(config: str, overrides: Sequence[str] = ()) -> PromptSweep:
    """A sweep from a preset's name or a TOML file.

    Raises:
        ConfigError: it is no sweep, or has an unknown key or a value that is not allowed.
    """
    values = apply_overrides(load(config), overrides)
    if set(values) != {"sweep"}:
        others = ", ".join(sorted(set(values) - {"sweep"})) or "nothing"
        raise ConfigError(f"{config}: expected a [sweep] and nothing else, found {others}")
    return PromptSweep.parse(values["sweep"], "sweep")


def _named(paths: Sequence[Path]) -> dict[str, Checkpoint]:
    """The checkpoints by the names of their folders, or by their paths where names are not enough."""
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise ConfigError(f"{', '.join(names)}: a checkpoint is given twice; a sweep compares different ones")
    return {name: load_checkpoint(path) for name, path in zip(names, paths, strict=True)}


def _append(path: Path, model: str, sampling: str, samples: Sequence[Sample], header: bool) -> None:
    rows = [(model, sampling, s.prompt.text, s.prompt.n_tokens, s.smiles, s.complete) for s in samples]
    columns = ["model", "sampling", "reference", "prompt_tokens", "generated", "complete"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False, header=header, mode="a")
