"""The application: options that several verbs share, and how errors are told."""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer

from chemscale.base.errors import UserError

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

app = typer.Typer(
    name="chemscale",
    help="How does this model scale on molecules, and what should I spend on it?",
    epilog="Errors are one message and exit status 2; with --debug anywhere on the line, the traceback too.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option("--set", metavar="KEY=VALUE", help="Override one value, for example training.epochs=5."),
]
Out = Annotated[Optional[Path], typer.Option("--out", help="Folder for the results.")]  # noqa: UP045
Workers = Annotated[Optional[int], typer.Option("--workers", min=1, help="Processes; default: one per core.")]  # noqa: UP045


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C into one message and exit status 130: what is finished is kept."""
    try:
        yield
    except KeyboardInterrupt:
        print("\ninterrupted: what is finished is kept; the same command goes on with the rest", file=sys.stderr)
        raise typer.Exit(130) from None


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """As `interruptible`, for work whose result is whole or absent."""
    try:
        yield
    except KeyboardInterrupt:
        print("\ninterrupted: nothing half done is left; the same command starts anew", file=sys.stderr)
        raise typer.Exit(130) from None


def check_writable(path: Path | None) -> None:
    """Refuse a file that cannot be written, before the work and not after it."""
    if path is None:
        return
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected a file to write")
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is no regular file; results are written beside their place and then renamed")
    for parent in path.absolute().parents:
        if parent.exists():
            if not parent.is_dir():
                raise UserError(f"{path}: {parent} is a file, so nothing can be written below it")
            return


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
