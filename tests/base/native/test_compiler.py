"""Compilation at first use: the cache, several processes at once, damage, and changes of sources and headers."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chemscale.base.native.compiler import CompilationError, NativeError, find_compiler, load_library

SOURCE = '#include "answer.h"\nextern "C" int answer() { return ANSWER + EXTRA; }\n'
COMPILE = """
import sys
from pathlib import Path
from chemscale.base.native.compiler import load_library
print(load_library(Path(sys.argv[1]), EXTRA=2).answer())
"""


def has_compiler() -> bool:
    try:
        find_compiler()
    except NativeError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_compiler(), reason="no C++ compiler")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source file with a header beside it, and an empty cache."""
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "answer.h").write_text("#define ANSWER 40\n")
    path = tmp_path / "answer.cpp"
    path.write_text(SOURCE)
    return path


def start(source: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMPILE, str(source)]
    return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def compiled(source: Path) -> list[Path]:
    return sorted((source.parent / "cache" / "native").iterdir())


def test_constants_reach_the_source_and_make_a_library_of_their_own(source: Path) -> None:
    assert load_library(source, EXTRA=2).answer() == 42
    assert load_library(source, EXTRA=3).answer() == 43
    assert load_library(source, EXTRA=2).answer() == 42
    assert [path.name.split("-")[0] for path in compiled(source)] == ["answer", "answer"]


def test_headers_of_this_room_can_be_included(source: Path) -> None:
    source.write_text('#include "threads.h"\nextern "C" int answer() { return 7; }\n')
    assert load_library(source, EXTRA=7).answer() == 7


def test_a_changed_header_is_compiled_anew(source: Path) -> None:
    for expected in (42, 52):
        output, errors = start(source).communicate(timeout=120)
        assert output.strip() == str(expected), errors
        (source.parent / "answer.h").write_text("#define ANSWER 50\n")
    assert len(compiled(source)) == 2


def test_processes_compile_at_once_into_an_empty_cache(source: Path) -> None:
    processes = [start(source) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert output.strip() == "42", errors
    assert len(compiled(source)) == 1


def test_a_damaged_library_is_compiled_anew(source: Path) -> None:
    for _ in range(2):
        output, errors = start(source).communicate(timeout=120)
        assert output.strip() == "42", errors
        (library,) = compiled(source)
        assert library.stat().st_size > 1000
        library.write_bytes(library.read_bytes()[:100])


def test_a_source_that_does_not_compile_is_named_with_the_reason(source: Path) -> None:
    source.write_text("this is no C++\n")
    with pytest.raises(CompilationError, match=r"cannot compile answer\.cpp: .*error"):
        load_library(source, EXTRA=5)


def test_what_is_loaded_is_loaded_once(source: Path) -> None:
    library = load_library(source, EXTRA=2)
    assert isinstance(library, ctypes.CDLL) and load_library(source, EXTRA=2) is library
