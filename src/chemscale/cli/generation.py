"""Verbs that make molecules with a trained language model."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from chemscale.base.config import apply_overrides, nearest
from chemscale.base.errors import ConfigError, UserError
from chemscale.cli.app import Overrides, all_or_nothing, app, check_writable


@app.command()
def generate(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Run folder, or folder in Hugging Face's format; a sweep compares several.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file of the molecules; of a sweep, its folder.")],
    n: Annotated[
        Optional[int],  # noqa: UP045 - typer reads the annotation at run time
        typer.Option("--n", min=1, help="Molecules, 1000 if not given; with --prompts, of each prompt."),
    ] = None,
    prompt: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What every molecule begins with: a part of one, as SMILES or SELFIES."),
    ] = None,
    scaffold: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Keep the Bemis-Murcko scaffold of this SMILES, and grow it at all its places."),
    ] = None,
    prompts: Annotated[Optional[str], typer.Option(help="File of prompts, one on a line.")] = None,  # noqa: UP045
    first: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Only the first so many tokens of a prompt; -3 takes all but the last three."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws: the same seed gives the same bytes.")] = 0,
    reference: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Molecules that count as known, a file or a source, for novelty and distributions."),
    ] = None,
    quality: Annotated[bool, typer.Option(help="Compute properties, filters and scaffolds.")] = True,
    sweep: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="A sweep over prompts and strategies instead, such as frey2023/figure6."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Generate molecules: freely, from a prompt, or around a scaffold."""
    if sweep is not None:
        given = {"--n": n, "--prompt": prompt, "--scaffold": scaffold, "--prompts": prompts, "--first": first}
        given |= {"--reference": reference, "--no-quality": None if quality else True}
        _refuse_beside_sweep([name for name, value in given.items() if value is not None])
        _run_sweep(sweep, checkpoints, out, overrides or [], seed)
        return
    if len(checkpoints) > 1:
        raise UserError(f"{len(checkpoints)} checkpoints: only a --sweep compares several; give one")
    if reference is not None and not quality:
        raise UserError("--reference: is for novelty and distances, which --no-quality leaves out; give one of the two")
    if out.suffix.lower() != ".csv":
        raise UserError(f"--out {out}: molecules are written as a table; give a name that ends in .csv")
    check_writable(out)
    from chemscale.language.decoding.sampling import Sampling
    from chemscale.verbs.generation import PromptChoice, generate_to_file

    sampling = Sampling.parse(_sampling_values(overrides or []), "sampling")
    choice = PromptChoice(prompt, scaffold, prompts, first)
    with all_or_nothing():
        report = generate_to_file(
            checkpoints[0],
            out,
            1000 if n is None else n,
            sampling=sampling,
            choice=choice,
            seed=seed,
            reference=reference,
            with_quality=quality,
        )
    print(f"{report.n_molecules:,} molecules ({sampling}): {report.out}")
    if report.quality is not None:
        print(report.quality)


def _sampling_values(overrides: list[str]) -> dict[str, Any]:
    values = apply_overrides({}, overrides)
    for key in values:
        if key != "sampling":
            raise ConfigError(f"--set {key}: here only sampling.KEY can be set{nearest(key, ['sampling'])}")
    table = values.get("sampling", {})
    if not isinstance(table, dict):
        raise ConfigError("--set sampling: is a table; set a key of it, for example sampling.top_k=50")
    return table


def _refuse_beside_sweep(given: list[str]) -> None:
    if given:
        raise UserError(
            f"{', '.join(given)}: a sweep says itself what it generates; change keys of it, for example "
            "--set sweep.molecules_per_prompt=50"
        )


def _run_sweep(sweep: str, checkpoints: list[Path], out: Path, overrides: list[str], seed: int) -> None:
    from chemscale.verbs.sweeps import sweep_prompts

    if out.is_file():
        raise UserError(f"{out}: is a file; a sweep leaves a folder")
    check_writable(out / "table.csv")
    with all_or_nothing():
        report = sweep_prompts(sweep, checkpoints, out, overrides, seed=seed)
    print(report)
