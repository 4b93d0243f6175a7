"""Whether the native operators can be used here, and what they share.

All work on the CPU, in float32 and bfloat16, and accumulate in float32. The same inputs give the same bytes, for any
number of threads.
"""

import ctypes
import functools
from pathlib import Path

import torch

from chemscale.base.errors import UserError
from chemscale.base.native.compiler import NativeError, load_library

SOURCES = Path(__file__).parent
INTEGER, POINTER = ctypes.c_int64, ctypes.c_void_p
DTYPES = (torch.float32, torch.bfloat16)


def native_available() -> bool:
    """Can the native operators be compiled and loaded here? The first call may compile for a second."""
    return why_not() is None


@functools.cache
def why_not() -> str | None:
    """Why the native operators cannot be used on this machine, or None where they can."""
    try:
        load_library(SOURCES / "gelu.cpp")
    except NativeError as error:
        return str(error)
    return None


def usable_library(source: str, **defines: int) -> ctypes.CDLL:
    """As `load_library`, for an operator that the user asked for.

    Raises:
        UserError: it cannot be compiled or loaded; the message says why.
    """
    try:
        return load_library(SOURCES / source, **defines)
    except NativeError as error:
        raise UserError(f"a native operator was asked for and cannot be used here: {error}") from error


def check_tensor(tensor: torch.Tensor, what: str) -> None:
    """Refuse what the operators do not have.

    Raises:
        UserError: the tensor is not float32 or bfloat16, or not on the CPU.
    """
    if tensor.device.type != "cpu" or tensor.dtype not in DTYPES:
        seen = str(tensor.dtype).removeprefix("torch.")
        raise UserError(
            f"native {what} takes float32 or bfloat16 on the CPU, not {seen} on {tensor.device}; "
            'use the backend "torch".'
        )
