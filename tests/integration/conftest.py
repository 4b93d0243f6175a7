"""The command line, called in this process."""

import contextlib
import io
import sys
from collections.abc import Callable

import pytest

from chemscale import cli


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Calls `chemscale` with arguments, 160 columns wide -> exit status, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chemscale", *arguments])
        out, err, status = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0
        return status, out.getvalue(), err.getvalue()

    return call
