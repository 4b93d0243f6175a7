"""Sources of molecules, and corpora prepared from them."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from chemscale.base.errors import UserError
from chemscale.cli.app import Workers, app

data_app = typer.Typer(help="Sources of molecules, and corpora prepared from them.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command("list")
def data_list() -> None:
    """List the sources that can be used by name, and where each is on this machine."""
    from chemscale.chem.source_report import sources_table

    for row in sources_table():
        print(f"{row['name']:12s}{row['kind']:8s}{row['rows']:>11s}{row['size']:>10s}  {row['title']}")
        print(f"{'':43s}{row['here'] or 'not on this machine'}")


@data_app.command("get")
def data_get(name: Annotated[str, typer.Argument(help="Name of a source, see `chemscale data list`.")]) -> None:
    """Download a source; a download that was cut goes on where it stopped."""
    from chemscale.chem.download import download_source

    print(download_source(name))


@data_app.command("info")
def data_info(source: Annotated[str, typer.Argument(help="Name of a source, or a file of molecules.")]) -> None:
    """Show what is known of a source or a file."""
    from chemscale.chem.source_report import source_info
    from chemscale.language.corpus import Corpus, is_corpus_folder

    print(Corpus.open(source) if is_corpus_folder(Path(source)) else source_info(source))


@data_app.command("verify")
def data_verify(name: Annotated[str, typer.Argument(help="Name of a source.")]) -> None:
    """Compare a source's file with its size and sha256."""
    from chemscale.chem.source_report import verify_source

    verification = verify_source(name)
    print(verification)
    if not verification.ok:
        raise typer.Exit(1)


@data_app.command("prepare")
def data_prepare(
    source: Annotated[str, typer.Argument(help="A file, the name of a source, or `embedded`.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the corpus.")],
    encoding: Annotated[str, typer.Option(help="selfies or smiles.")] = "selfies",
    canonical: Annotated[bool, typer.Option(help="Write molecules in RDKit's canonical form first.")] = False,
    drop_duplicates: Annotated[bool, typer.Option(help="Keep only the first of equal molecules.")] = False,
    limit: Annotated[Optional[int], typer.Option(min=1, help="Only the first so many molecules.")] = None,  # noqa: UP045
    column: Annotated[Optional[str], typer.Option(help="Column of the SMILES; default: guessed.")] = None,  # noqa: UP045
    workers: Workers = None,
) -> None:
    """Turn molecules into token ids on disk; the same command continues after a kill."""
    from chemscale.language.data import prepare_corpus

    if encoding not in ("selfies", "smiles"):
        raise UserError(f"--encoding: {encoding!r} is not selfies or smiles")
    print(
        prepare_corpus(
            source,
            out,
            encoding="smiles" if encoding == "smiles" else "selfies",
            canonical=canonical,
            drop_duplicates=drop_duplicates,
            limit=limit,
            workers=workers,
            column=column,
        )
    )
