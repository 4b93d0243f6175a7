"""Verbs that embed molecules and search among them."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from chemscale.cli.app import Workers, app, check_writable, interruptible

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
    from chemscale.language.embeddings import embed_file

    check_writable(out)
    with interruptible():
        report = embed_file(
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
    if report.rejects:
        print(f"rows of NaN: {report.n_rows - report.n_embedded:,}, with reasons: {report.rejects}; most often:")
        for reason, count in report.reasons.most_common(3):
            print(f"  {count:,}: {reason}")
