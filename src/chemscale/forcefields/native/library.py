"""Whether the native operators can be used here, and how they are called.

All work on the CPU in float32 and float64, each in its own precision. The same inputs give the same bytes, for any
number of threads.
"""

import ctypes
import functools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chemscale.base.errors import UserError
from chemscale.base.native.compiler import NativeError, load_library
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import is_traced

SOURCES = Path(__file__).parent
SUFFIXES = {torch.float32: "float", torch.float64: "double"}
NUMBERS_PER_THREAD = 1 << 18  # starting a thread takes as long as the work on some 100,000 numbers


@functools.cache
def why_not() -> str | None:
    """Why the native operators cannot be used on this machine, or None where they can."""
    try:
        load_library(SOURCES / "activations.cpp")
    except NativeError as error:
        return str(error)
    return None


def native_available() -> bool:
    """Can the native operators be compiled and loaded here? The first call may compile for a second."""
    return why_not() is None


def choose_backend(requested: str, positions: Tensor) -> str:
    """The backend of pair sums and activations: "native" on a CPU with a C++ compiler, else "torch".

    Raises:
        UserError: "native" was asked for where it cannot run.
    """
    traced = is_traced()
    suited = positions.device.type == "cpu" and positions.dtype in SUFFIXES and not traced
    if requested == "native" and not traced:
        if not suited:
            seen = f"{str(positions.dtype).removeprefix('torch.')} on {positions.device}"
            raise UserError(f"model.backend 'native' takes float32 or float64 on the CPU, not {seen}; use 'auto'.")
        if not native_available():
            raise UserError(f"model.backend 'native' cannot be used here: {why_not()} Or use 'torch' or 'auto'.")
    return "native" if requested != "torch" and suited and native_available() else "torch"


class PairTable(ctypes.Structure):
    """The addresses of a graph's pairs, as `pairs.h` lays them out."""

    _fields_ = [(f"{end}{part}", ctypes.c_void_p) for end in ("first", "second") for part in ("", "_order", "_offsets")]


def pair_table(graph: AtomGraph) -> PairTable:
    """The addresses of a graph's pairs; valid as long as the graph is."""
    ends = (graph.first, graph.second)
    return PairTable(*(part.data_ptr() for end in ends for part in (end.index, end.order, end.offsets)))


def operator(source: str, name: str, dtype: torch.dtype, **defines: int) -> Any:
    """The compiled function `<name>_<type>` of a source file of this folder, such as "convolution.cpp".

    Raises:
        UserError: it cannot be compiled or loaded; the message says why.
    """
    return _operator(source, f"{name}_{SUFFIXES[dtype]}", tuple(sorted(defines.items())))


@functools.cache
def _operator(source: str, name: str, defines: tuple[tuple[str, int], ...]) -> Any:
    try:
        function = getattr(load_library(SOURCES / source, **dict(defines)), name)
    except NativeError as error:
        raise UserError(f"a native operator was asked for and cannot be used here: {error}") from error
    function.restype = None
    return function


def packed(*tensors: Tensor | None) -> tuple[Any, ...]:
    """The tensors with their numbers in order."""
    return tuple(None if tensor is None else tensor.contiguous() for tensor in tensors)


def addresses(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    """Where the numbers of contiguous tensors are; null where there is none."""
    return [ctypes.c_void_p(None if tensor is None else tensor.data_ptr()) for tensor in tensors]


def threads_for(tensor: Tensor) -> ctypes.c_int64:
    """How many threads are worth starting for the work on a tensor."""
    return ctypes.c_int64(min(torch.get_num_threads(), 1 + tensor.numel() // NUMBERS_PER_THREAD))
