"""Which float32 product torch should use on this CPU, found by trying."""

import contextlib
import functools
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from chemscale.base.errors import DataError
from chemscale.base.files import cache_folder, read_json, write_json
from chemscale.base.processor import processor_features

LARGEST_ERROR = 2e-6  # of the product's norm: true float32 is near 3e-7, bfloat16 near 3e-3
SMALLEST_GAIN = 1.25
ROWS, INPUTS, OUTPUTS = 2048, 128, 512  # a linear layer of a small model on a batch of tokens
ROUNDS = 7


@functools.cache
def probe_matmul_precision() -> str:
    """The best `torch.set_float32_matmul_precision` on this CPU: "medium" where it is safe and faster, else "highest".

    Under "medium" torch leaves float32 products to oneDNN. On processors without bfloat16 matrix units that is still
    true float32, and on AMD it is about twice as fast as the default; where there are such units it means bfloat16.
    So "medium" is the answer only if a product agrees with float64 to 2e-6 of its norm and is 1.25 times as fast.

    The answer is kept in the cache folder for this kind of processor and version of torch, so that all processes, and
    a run that is continued later, use the same arithmetic. torch's setting itself is left as it was.
    """
    path = _answer_path()
    known = _known_answer(path)
    if known is not None:
        return known
    error, gain = measure_medium()
    precision = "medium" if error <= LARGEST_ERROR and gain >= SMALLEST_GAIN else "highest"
    with contextlib.suppress(OSError):  # a cache that cannot be written costs a new measurement, nothing else
        write_json(path, {"precision": precision, "error": error, "gain": gain, "torch": torch.__version__})
    return precision


def measure_medium() -> tuple[float, float]:
    """The relative error of a product under "medium", and how many times as fast as under "highest" it is."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, INPUTS, generator=generator)
    weight = torch.randn(INPUTS, OUTPUTS, generator=generator)
    exact = x.double() @ weight.double()
    with matmul_precision("medium"):
        error = float((x @ weight - exact).norm() / exact.norm())
    seconds = {"medium": float("inf"), "highest": float("inf")}
    for _ in range(ROUNDS):
        for precision, best in seconds.items():
            with matmul_precision(precision):
                start = time.process_time()
                torch.mm(x, weight)
                seconds[precision] = min(best, time.process_time() - start)
    return error, seconds["highest"] / max(seconds["medium"], 1e-9)


@contextlib.contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Set torch's precision of float32 products inside the block, and put back what it was after it."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _answer_path() -> Path:
    kind = hashlib.sha256(f"{torch.__version__}\0{processor_features()}".encode()).hexdigest()[:16]
    return cache_folder() / "matmul" / f"{kind}.json"


def _known_answer(path: Path) -> str | None:
    try:
        answer = read_json(path)["precision"]
    except (OSError, DataError, KeyError, TypeError):
        return None  # not measured yet, or a damaged file: measured anew
    return answer if answer in ("medium", "highest") else None
