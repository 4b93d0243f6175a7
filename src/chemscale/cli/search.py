"""Verbs that embed molecules and search among them."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from chemscale.base.errors import UserError
from chemscale.cli.app import Workers, all_or_nothing, app, check_writable

Column = Annotated[Optional[str], typer.Option(help="SMILES column, by name or by number from 1.")]  # noqa: UP045
Layer = Annotated[int, typer.Option(help="0 (embedding) to the number of layers; -1 is the last.")]
PoolingOption = Annotated[str, typer.Option(help="mean, last or max, over the tokens of a molecule.")]
CheckpointFolder = Annotated[Path, typer.Argument(help="Run folder of a language model, or one of Hugging Face.")]


@app.command()
def embed(
    checkpoint: CheckpointFolder,
    source: Annotated[str, typer.Argument(help="A file of molecules, or the name of a source.")],
    out: Annotated[Path, typer.Option("--out", help="File to write, .npy or .parquet.")],
    column: Column = None,
    layer: Layer = -1,
    pooling: PoolingOption = "mean",
    canonical: Annotated[bool, typer.Option("--canonical", help="Write molecules in canonical form first.")] = False,
    workers: Workers = None,
) -> None:
    """Turn every molecule of a file into a vector: the hidden states of a trained language model."""
    from chemscale.verbs import embed as embed_molecules

    check_writable(out)
    with all_or_nothing():
        report = embed_molecules(
            checkpoint,
            source,
            out,
            column=column,
            layer=layer,
            pooling=pooling,  # type: ignore[arg-type]  # checked inside
            canonical=canonical,
            workers=workers,
        )
    print(f"{report.n_embedded:,} of {report.n_rows:,} molecules embedded, {report.width} numbers each: {report.out}")
    if report.n_beyond:
        longest = f"the {report.trained_tokens} that the model was trained on"
        print(f"{report.n_beyond:,} have more tokens than {longest}: it never saw positions beyond")
    if report.rejects:
        print(f"rows of NaN: {report.n_rows - report.n_embedded:,}, with reasons: {report.rejects}; most often:")
        for reason, count in report.reasons.most_common(3):
            print(f"  {count:,}: {reason}")


@app.command()
def neighbours(
    checkpoint: CheckpointFolder,
    library: Annotated[str, typer.Option(help="A file of molecules to search, or the name of a source.")],
    query: Annotated[Optional[str], typer.Option(help="SMILES: list the molecules like this one.")] = None,  # noqa: UP045
    queries: Annotated[Optional[int], typer.Option(min=1, help="Compare with fingerprints on so many queries.")] = None,  # noqa: UP045
    k: Annotated[Optional[int], typer.Option("--k", min=1, help="Neighbours; 10 to list, 100 to compare.")] = None,  # noqa: UP045
    metric: Annotated[Optional[str], typer.Option(help="cosine, l1 or l2; cosine to list, all to compare.")] = None,  # noqa: UP045
    approximate: Annotated[bool, typer.Option("--approximate", help="Search with faiss; its recall is told.")] = False,
    index: Annotated[Optional[Path], typer.Option("--index", help="Folder of the index; default: the cache.")] = None,  # noqa: UP045
    out: Annotated[Optional[Path], typer.Option("--out", help="CSV file for the table.")] = None,  # noqa: UP045
    column: Column = None,
    layer: Layer = -1,
    pooling: PoolingOption = "mean",
    seed: Annotated[int, typer.Option(min=0, help="Of the queries and random molecules that are drawn.")] = 0,
    workers: Workers = None,
) -> None:
    """Find the molecules of a library that a language model holds for most alike; compare with fingerprints."""
    from chemscale.cli.neighbour_tables import print_comparison, print_neighbours
    from chemscale.verbs.search import compare_neighbours
    from chemscale.verbs.search import neighbours as list_neighbours

    check_writable(out)
    if (query is None) == (queries is None):
        raise UserError("give --query SMILES for the neighbours of one molecule, or --queries N for a comparison")
    given: dict[str, Any] = {"k": k, "metric": metric}
    options = {name: value for name, value in given.items() if value is not None} | {
        "approximate": approximate,
        "out": out,
        "column": column,
        "layer": layer,
        "pooling": pooling,
        "folder": index,
        "seed": seed,
        "workers": workers,
    }
    with all_or_nothing():
        if query is not None:
            print_neighbours(list_neighbours(checkpoint, library, query, **options))
        else:
            print_comparison(compare_neighbours(checkpoint, library, n_queries=queries or 1, **options))
    if out is not None:
        print(f"table: {out}")
