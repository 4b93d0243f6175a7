"""Attention and GELU on both backends: milliseconds of CPU per 4096 tokens, forward and backward, one layer.

    python benchmarks/attention.py [--heads 16] [--head-dims 1 2 4 8 16] [--tokens 44 128 512] [--rounds 5]

Takes about a minute. The backends take turns in every round; the table has the median (lowest, highest) and the ratio
to the first. "fused" is scaled_dot_product_attention, "explicit" a product and a softmax; both at the
"highest" and at the "medium" setting of float32 products. Where `torch` in the package switches between the two is
EXPLICIT_TOKENS in src/chemscale/language/attention.py, and this table is the reason.
"""

import argparse
import time
from collections.abc import Callable

import torch

from chemscale.language.activation import gelu
from chemscale.language.attention import causal_attention, explicit_attention, fused_attention
from chemscale.language.native.library import native_available, why_not
from chemscale.training.matmul import matmul_precision
from side_by_side import machine_line, median_ratio, spread, take_turns

TOKENS_PER_BATCH = 4096
Variant = tuple[str, Callable[[], object]]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--head-dims", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--tokens", type=int, nargs="+", default=[44, 128, 512])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(machine_line(threads=1, native_operators=why_not() or "yes"))
    print(f"\nattention, {options.heads} heads, ms per {TOKENS_PER_BATCH} tokens, forward + backward")
    for head_dim in options.head_dims:
        for tokens in options.tokens:
            print(f"head_dim {head_dim}, {tokens} tokens")
            benchmark(attention_variants(options.heads, head_dim, tokens), options.rounds)
    print(f"\nGELU, ms per {TOKENS_PER_BATCH} tokens, forward + backward")
    for head_dim in options.head_dims:
        width = options.heads * head_dim
        print(f"4 x width {width}")
        benchmark(gelu_variants(4 * width), options.rounds)


def benchmark(variants: list[Variant], rounds: int) -> None:
    """Measure all variants in turns, and print a line of each."""
    times = take_turns({name: timed(function) for name, function in variants}, rounds)
    first = next(iter(times))
    for name, values in times.items():
        ratio = median_ratio(values, times[first])
        print(f"    {name:18s} {spread(values, 2):>24s}   {ratio:5.2f}x {first}", flush=True)


def attention_variants(n_heads: int, head_dim: int, tokens: int) -> list[Variant]:
    """Everything that can compute one attention, by name."""
    batch, width = max(1, TOKENS_PER_BATCH // tokens), n_heads * head_dim
    qkv, slope = torch.randn(batch, tokens, 3 * width), torch.randn(batch, tokens, width)
    variants = [
        (f"{name} {precision}", at_precision(precision, there_and_back(function, qkv, slope)))
        for precision in ("highest", "medium")
        for name, function in (
            ("fused", lambda x: fused_attention(x, n_heads, None)),
            ("explicit", lambda x: explicit_attention(x, n_heads, None)),
            ("torch", lambda x: causal_attention(x, n_heads, None, "torch")),
        )
    ]
    for name, dtype in native_dtypes():
        function = there_and_back(
            lambda x: causal_attention(x, n_heads, None, "native"), qkv.to(dtype), slope.to(dtype)
        )
        variants.append((name, function))
    return variants


def gelu_variants(width: int) -> list[Variant]:
    """GELU of torch and of the package, in both dtypes."""
    x, slope = torch.randn(2, TOKENS_PER_BATCH, width)
    variants: list[Variant] = []
    for name, dtype in (("torch", torch.float32), ("torch bf16", torch.bfloat16)):
        variants.append((name, there_and_back(lambda x: gelu(x, "torch"), x.to(dtype), slope.to(dtype))))
    for name, dtype in native_dtypes():
        variants.append((name, there_and_back(lambda x: gelu(x, "native"), x.to(dtype), slope.to(dtype))))
    return variants


def native_dtypes() -> list[tuple[str, torch.dtype]]:
    """The native columns, none where there is no compiler."""
    return [("native", torch.float32), ("native bf16", torch.bfloat16)] if native_available() else []


def there_and_back(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, slope: torch.Tensor
) -> Callable[[], object]:
    """Forward and backward pass of `function` at x."""
    leaf = x.clone().requires_grad_()
    return lambda: torch.autograd.grad(function(leaf), leaf, slope)


def at_precision(precision: str, function: Callable[[], object]) -> Callable[[], object]:
    """The same with torch's float32 products at `precision`."""

    def run() -> object:
        with matmul_precision(precision):
            return function()

    return run


def timed(function: Callable[[], object]) -> Callable[[], float]:
    """Processor milliseconds of one call."""

    def measure() -> float:
        start = time.process_time()
        function()
        return 1e3 * (time.process_time() - start)

    return measure


if __name__ == "__main__":
    main()
