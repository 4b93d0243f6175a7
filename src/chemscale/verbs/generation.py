"""The verb that generates molecules into a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from chemscale.base.errors import UserError
from chemscale.base.files import replacing
from chemscale.base.progress import progress_bar
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import resolve
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.generation import Sample, generate, spread
from chemscale.language.prompts import Prompt, no_prompt, parse_prompt, read_prompts, scaffold_prompts
from chemscale.language.quality import Quality, QualityCollector
from chemscale.language.trained import Checkpoint, load_checkpoint

ROWS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class PromptChoice:
    """Where prompts come from; at most one of the three texts.

    Attributes:
        prompt: any part of a molecule, SMILES or SELFIES.
        scaffold: a molecule whose Bemis-Murcko scaffold is kept.
        prompts: a file of prompts.
        first: only the first so many tokens of each prompt; negative leaves out so many at its end.
    """

    prompt: str | None = None
    scaffold: str | None = None
    prompts: str | None = None
    first: int | None = None

    def __post_init__(self) -> None:
        """Refuse what excludes each other."""
        given = [name for name in ("prompt", "scaffold", "prompts") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UserError(f"--{' and --'.join(given)}: only one of them can be given")
        if self.first is not None and given not in (["prompt"], ["prompts"]):
            raise UserError("--first: takes the first tokens of a --prompt or of --prompts; none is given")


@dataclass(frozen=True)
class GenerationReport:
    """What was generated.

    Attributes:
        out: the table, one row a molecule.
        n_molecules: rows.
        quality: of all molecules together; None where it was not asked for.
    """

    out: Path
    n_molecules: int
    quality: Quality | None


def generate_to_file(
    checkpoint: Path | str,
    out: Path,
    n: int,
    *,
    sampling: Sampling | None = None,
    choice: PromptChoice | None = None,
    seed: int = 0,
    reference: str | None = None,
    with_quality: bool = True,
) -> GenerationReport:
    """Generate molecules and write them as a table, with what each of them is like.

    Args:
        checkpoint: a run folder, or a folder in Hugging Face's format.
        out: CSV; columns as `SAMPLE_COLUMNS`, then those of `language.quality.molecule_table`.
        n: molecules; with a file of prompts, molecules of each prompt.
        sampling: how tokens are chosen.
        choice: prompts; None begins with nothing.
        seed: of the draws and of the spellings of a scaffold.
        reference: molecules that a new one should not be among, for novelty: a file or the name of a source.
        with_quality: whether properties and filters are computed, about a thousand molecules a second.

    Raises:
        UserError: the checkpoint, a prompt or a setting is wrong.
    """
    trained = load_checkpoint(checkpoint)
    prompts, counts = choose_prompts(trained, choice or PromptChoice(), n, seed)
    known = None if reference is None else (text for _, text in read_smiles(resolve(reference)))
    collector = QualityCollector(known) if with_quality else None
    with replacing(out) as temporary, progress_bar("generate", sum(counts), "molecules") as bar:
        samples = generate(trained, counts, sampling=sampling, prompts=prompts, seed=seed, on_progress=bar.advance)
        n_molecules = _write_table(samples, temporary, collector)
    return GenerationReport(out, n_molecules, collector.result() if collector else None)


def choose_prompts(checkpoint: Checkpoint, choice: PromptChoice, n: int, seed: int) -> tuple[list[Prompt], list[int]]:
    """The prompts of a choice, and how many molecules each of them is to begin.

    Raises:
        UserError: a prompt cannot be encoded.
    """
    tokenizer = checkpoint.tokenizer
    if choice.scaffold is not None:
        prompts = scaffold_prompts(choice.scaffold, tokenizer, seed)[:n]
        return prompts, spread(n, len(prompts))
    if choice.prompts is not None:
        prompts = read_prompts(choice.prompts, tokenizer, choice.first)
    elif choice.prompt is not None:
        prompts = [parse_prompt(choice.prompt, tokenizer, choice.first)]
    else:
        prompts = [no_prompt(tokenizer)]
    return prompts, [n] * len(prompts)


SAMPLE_COLUMNS: dict[str, Callable[[Sample], object]] = {
    "sample": lambda sample: sample.number,
    "prompt": lambda sample: sample.prompt.text,
    "generated": lambda sample: sample.smiles,
    "text": lambda sample: sample.text,
    "log_probability": lambda sample: f"{sample.log_probability:.4f}",
    "n_tokens": lambda sample: sample.n_tokens,
    "complete": lambda sample: sample.complete,
}
"""What the table says of a sample: its number, what it begins with, its SMILES as the model wrote it, its text in the
model's encoding, its log-probability in nats, its tokens, and whether the model ended it."""


def _write_table(samples: Iterator[Sample], path: Path, collector: QualityCollector | None) -> int:
    """Write rows as they come, in parts, and give their number."""
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        while part := list(islice(samples, ROWS_AT_A_TIME)):
            frame = pd.DataFrame({name: [value(sample) for sample in part] for name, value in SAMPLE_COLUMNS.items()})
            if collector is not None:
                frame = pd.concat([frame, collector.add([sample.smiles for sample in part])], axis=1)
            frame.to_csv(stream, index=False, header=n_rows == 0, float_format="%.4f")
            n_rows += len(part)
    return n_rows
