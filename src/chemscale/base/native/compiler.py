"""Compile the package's C++ sources at first use, keep the result in the cache folder, and load it with ctypes.

A library's name is a hash of everything that can change it: the sources, the flags, the compiler and its version, and
the processor's features. It is written by an atomic rename, so several processes may compile the same one at once.
"""

import contextlib
import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from chemscale.base.files import cache_folder, replacing
from chemscale.base.processor import processor_features

HEADERS = Path(__file__).parent
FLAGS = ("-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-pthread")
OWN_PROCESSOR = ("-march=native",)
COMPILERS = ("c++", "g++", "clang++")
COMPILE_SECONDS = 120


class NativeError(Exception):
    """The native operators cannot be used here; the message says why."""


class CompilationError(NativeError):
    """The compiler runs and refuses the source or a flag."""


def load_library(source: Path, **defines: int) -> ctypes.CDLL:
    """The compiled form of one source file, from the cache where it is there.

    Args:
        source: a C++ file; it may include the headers of its own folder and of this one.
        **defines: preprocessor constants, such as HEAD_DIM=4.

    Raises:
        NativeError: no compiler, a failed compilation, or a library that does not load.
    """
    return _load_library(source, tuple(sorted(defines.items())))


@functools.cache
def _load_library(source: Path, defines: tuple[tuple[str, int], ...]) -> ctypes.CDLL:
    flags = (*FLAGS, *(f"-D{name}={value}" for name, value in defines))
    try:
        return _load_or_compile(source, (*OWN_PROCESSOR, *flags))
    except CompilationError:
        return _load_or_compile(source, flags)  # compilers that do not know the flag, as some on ARM


def _load_or_compile(source: Path, flags: tuple[str, ...]) -> ctypes.CDLL:
    compiler, version = find_compiler()
    path = cache_folder() / "native" / f"{_fingerprint(source, flags, (*compiler, version))}.so"
    try:
        if path.exists():
            with contextlib.suppress(OSError):  # damaged on disk: made anew below
                return ctypes.CDLL(str(path))
        _compile(compiler, source, flags, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise NativeError(
            f"{path.parent}: the compiled operator cannot be kept or loaded there ({error}). "
            "Name a writable folder in CHEMSCALE_CACHE."
        ) from error


@functools.cache
def find_compiler() -> tuple[tuple[str, ...], str]:
    """The C++ compiler's command and its version: `$CXX` where it is set, else the first one found on the path.

    Raises:
        NativeError: there is none, or it does not run.
    """
    named = shlex.split(os.environ.get("CXX", ""))
    candidates = [named] if named else [[name] for name in COMPILERS]
    for command in candidates:
        found = shutil.which(command[0])
        if found:
            return (found, *command[1:]), _version_of((found, *command[1:]))
    looked = f"CXX={' '.join(named)}" if named else ", ".join(COMPILERS)
    raise NativeError(f"no C++ compiler found (looked for {looked}). Install one, or set CXX to its path.")


def _version_of(command: tuple[str, ...]) -> str:
    try:
        answer = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=COMPILE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NativeError(f"the C++ compiler {command[0]} does not run ({error}). Set CXX to one that does.") from error
    if answer.returncode:
        raise NativeError(f"the C++ compiler {command[0]} does not run: {_last_lines(answer.stderr)}")
    return answer.stdout


def _compile(compiler: tuple[str, ...], source: Path, flags: tuple[str, ...], path: Path) -> None:
    with replacing(path) as temporary:
        command = [*compiler, *flags, f"-I{HEADERS}", str(source), "-o", str(temporary)]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NativeError(f"{compiler[0]} did not finish {source.name} in {COMPILE_SECONDS} s.") from error
        if answer.returncode:
            raise CompilationError(f"{compiler[0]} cannot compile {source.name}: {_last_lines(answer.stderr)}")


def _last_lines(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-3:]) or "it gave no message"


def _fingerprint(source: Path, flags: tuple[str, ...], compiler: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for file in (source, *sorted(source.parent.glob("*.h")), *sorted(HEADERS.glob("*.h"))):
        digest.update(file.read_bytes())
    digest.update("\0".join((*flags, *compiler, processor_features())).encode())
    return f"{source.stem}-{digest.hexdigest()[:16]}"
