"""Which arithmetic a run uses, and why."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from chemscale.base.errors import ConfigError
from chemscale.training.arithmetic import UNRESTRICTED, Arithmetic
from chemscale.training.config import TrainingConfig
from chemscale.training.matmul import probe_matmul_precision

# Below this width the casts cost more than bfloat16 products save on the CPUs measured (benchmarks/results).
BFLOAT16_FROM_WIDTH = 64


def resolve_precision(
    config: TrainingConfig, device: torch.device, width: int, arithmetic: Arithmetic = UNRESTRICTED
) -> str:
    """`float32` or `bfloat16` for a run; `auto` takes bfloat16 where it is allowed and faster.

    Raises:
        ConfigError: bfloat16 is asked for and the world's models need float32.
    """
    if config.precision == "bfloat16" and not arithmetic.bfloat16:
        raise ConfigError("training.precision: bfloat16 is too coarse for this family; allowed: auto, float32")
    if config.precision != "auto":
        return config.precision
    if not arithmetic.bfloat16:
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if width >= BFLOAT16_FROM_WIDTH and cpu_has_bfloat16() else "float32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context in which losses are computed; parameters, optimiser and residual stream stay in float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def float32_products(device: torch.device, width: int = 0, arithmetic: Arithmetic = UNRESTRICTED) -> Iterator[str]:
    """Multiply float32 matrices the fastest way that is still float32; gives torch's name of it, and undoes it."""
    before = torch.get_float32_matmul_precision()
    worth_it = device.type == "cpu" and width >= arithmetic.fast_products_from_width
    chosen = probe_matmul_precision() if worth_it else before
    torch.set_float32_matmul_precision(chosen)
    try:
        yield chosen
    finally:
        torch.set_float32_matmul_precision(before)


@lru_cache
def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
