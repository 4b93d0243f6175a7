"""The command line: one subcommand per verb. It parses, calls the public function, and prints."""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from chemscale.base.errors import UserError

if TYPE_CHECKING:
    from chemscale.verbs import StudyResult

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

app = typer.Typer(
    name="chemscale",
    help="How does this model scale on molecules, and what should I spend on it?",
    epilog="Errors are one message and exit status 2; with --debug anywhere on the line, the traceback too.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Sources of molecules, and corpora prepared from them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option("--set", metavar="KEY=VALUE", help="Override one value, for example training.epochs=5."),
]
Out = Annotated[Optional[Path], typer.Option("--out", help="Folder for the results.")]  # noqa: UP045
Workers = Annotated[Optional[int], typer.Option("--workers", min=1, help="Processes; default: one per core.")]  # noqa: UP045


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="Preset (smoke/chemgpt) or TOML file of one run.")],
    out: Out = None,
    overrides: Overrides = None,
) -> None:
    """Train one model; the same command continues an interrupted run."""
    from chemscale import verbs

    with _interruptible():
        folder, result = verbs.train(config, out, overrides or [])
    losses, resources = result.losses, result.resources
    print(f"{result.status} after {resources['steps']:.0f} steps and {resources['seconds']:.1f} s")
    print(
        f"validation loss  {losses['validation_loss']:.4f} nats per token (best), {losses['train_loss']:.4f} training"
    )
    print(f"parameters       {resources['n_parameters']:,.0f} without embeddings")
    print(f"computed in      {result.environment['precision']}, attention {result.environment['attention']}")
    print(f"run folder       {folder}")
    if result.status == "diverged":
        raise typer.Exit(1)


@app.command()
def study(
    config: Annotated[str, typer.Argument(help="Preset (demo, frey2023/chemgpt-laptop) or TOML file with a [grid].")],
    out: Out = None,
    overrides: Overrides = None,
    workers: Workers = None,
    executor: Annotated[str, typer.Option(help="Where runs are placed.")] = "local",
) -> None:
    """Train a grid, fit the scaling law, write the report; the same command continues an interrupted study."""
    from chemscale import verbs

    with _interruptible():
        result = verbs.study(config, out, overrides or [], workers=workers, executor=executor)
    _print_study(result)
    if result.outcome.failed or not (result.outcome.table["status"] == "finished").any():
        raise typer.Exit(1)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Folder of a study, finished or not.")]) -> None:
    """Fit and draw a study anew."""
    from chemscale import verbs

    _print_study(verbs.report_study(folder))


@app.command()
def status(folder: Annotated[Path, typer.Argument(help="Folder of a study.")]) -> None:
    """Show the grid of a study: done, running, failed and left."""
    from chemscale import verbs

    rows = verbs.status(folder)
    for row in rows:
        settings = "  ".join(f"{key}={value}" for key, value in row.settings.items())
        loss = f"{row.validation_loss:.4f}" if row.validation_loss == row.validation_loss else "-"
        print(f"{row.state:10s} {loss:>8s}  {settings}  {row.name}")
        if row.message:
            print(f"{'':21s}{row.message}")
    print(", ".join(f"{count} {state}" for state, count in verbs.count_states(rows).items()))


@app.command()
def presets() -> None:
    """List the studies and runs that come with the package."""
    from chemscale.studies.presets import preset_names, preset_title

    for name in preset_names():
        print(f"{name:28s} {preset_title(name)}")


@app.command()
def keys(family: Annotated[str, typer.Argument(help="Model family.")] = "chemgpt") -> None:
    """List every key of a configuration file, with its default and meaning."""
    from chemscale.studies.keys import configuration_keys

    for key in configuration_keys(family):
        print(f"{key.name:33s} {key.default:12s} {key.meaning}")


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


def _print_study(result: "StudyResult") -> None:
    from rich.console import Console

    from chemscale.report.terminal import print_law

    print_law(result.fits, Console())
    for remark in result.remarks:
        print(remark, file=sys.stderr)
    print(f"report  {result.report}")


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("\ninterrupted: what is finished is kept; the same command goes on with the rest", file=sys.stderr)
        raise typer.Exit(130) from None


def main() -> None:
    """Run the command line; a user's error is one message and exit status 2, with a traceback only after `--debug`."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except UserError as error:
        _explain(str(error), debug)
        sys.exit(2)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _explain(f"{where}{error.strerror}. What is finished is kept; mend it, and run the same command again.", debug)
        sys.exit(1)


def _explain(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
