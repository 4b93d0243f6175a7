"""The verb that draws a set of molecules as a map."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from chemscale.base.errors import ConfigError
from chemscale.cli.app import Out, all_or_nothing, app


@app.command("map")
def map_molecules(
    checkpoint: Annotated[
        Path, typer.Argument(help="Run folder of a language model, or one in Hugging Face's format.")
    ],
    source: Annotated[str, typer.Argument(help="A file of molecules, or the name of a source.")],
    colour: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="scaffold, columns of the file, or logp, sa, mw, qed.")
    ] = "scaffold",
    out: Out = None,
    column: Annotated[Optional[str], typer.Option(help="The SMILES column, by name or number.")] = None,  # noqa: UP045
    layer: Annotated[int, typer.Option(help="Whose states are pooled; -1: the last.")] = -1,
    pooling: Annotated[str, typer.Option(help="mean, last or max of the states of a molecule.")] = "mean",
    seed: Annotated[int, typer.Option(min=0, help="Of t-SNE, folds and shuffles.")] = 0,
    limit: Annotated[Optional[int], typer.Option(min=1, help="Only the first so many rows.")] = None,  # noqa: UP045
) -> None:
    """Embed molecules and draw a map of them: a page that shows the molecule under the cursor."""
    from rich.console import Console

    from chemscale.report.maps.terminal import print_numbers
    from chemscale.verbs.maps import draw_map

    colours = [name.strip() for name in colour.split(",") if name.strip()]
    if not colours:
        raise ConfigError("--colour: names nothing; for example --colour scaffold,logp")
    with all_or_nothing():
        result = draw_map(
            checkpoint,
            source,
            colours=colours,
            out=out,
            column=column,
            layer=layer,
            pooling=pooling,  # type: ignore[arg-type]  # checked by the embedder
            seed=seed,
            limit=limit,
        )
    print_numbers(result.report.numbers, Console())
    for note in result.report.notes:
        print(note)
    print(f"map of {len(result.report):,} molecules: {result.page}")
