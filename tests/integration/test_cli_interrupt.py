"""Ctrl-C on the command line: one message that says what is left, and exit status 130."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chemscale.language import embedding_files
from chemscale.language.nearest import library_folder
from chemscale.verbs import maps

CommandLine = Callable[..., tuple[int, str, str]]


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        (maps, "load_checkpoint", ("map", "model", "molecules.smi")),
        (embedding_files, "load_checkpoint", ("embed", "model", "molecules.smi", "--out", "e.npy")),
        (library_folder, "load_checkpoint", ("neighbours", "model", "--library", "molecules.smi", "--query", "C")),
    ],
)
def test_what_is_whole_or_absent_starts_anew(
    module: object,
    name: str,
    arguments: tuple[str, ...],
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("sklearn", reason="maps need scikit-learn (extra maps)")
    monkeypatch.chdir(tmp_path)
    Path("molecules.smi").write_text("CCO\nCCCO\n")
    monkeypatch.setattr(module, name, interrupt)
    status, _, err = command_line(*arguments)
    assert status == 130 and "nothing half done is left; the same command starts anew" in err
