"""The native operators: GELU, and machines without a compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from chemscale.base.errors import UserError
from chemscale.language.native.attention import native_attention
from chemscale.language.native.gelu import native_gelu
from chemscale.language.native.library import native_available, why_not

needs_native = pytest.mark.skipif(not native_available(), reason=f"native operators: {why_not()}")

REPORT = """
from chemscale.language.attention import choose_backend
from chemscale.language.native.library import native_available, why_not
print(native_available(), choose_backend("auto", "cpu"), why_not(), sep="|")
choose_backend("native", "cpu")
"""


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code]
    settings = {**os.environ, **environment}
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@needs_native
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 4e-3)])
@pytest.mark.parametrize("count", [1, 15, 16, 1000])
def test_gelu_matches_float64(dtype: torch.dtype, tolerance: float, count: int) -> None:
    x = torch.linspace(-12, 12, count).to(dtype).requires_grad_()
    grad_out = torch.linspace(-1, 1, count).to(dtype)
    out = native_gelu(x)
    out.backward(grad_out)
    exact = x.detach().double().requires_grad_()
    expected = functional.gelu(exact, approximate="tanh")
    expected.backward(grad_out.double())
    assert out.dtype == dtype and x.grad is not None and exact.grad is not None
    assert ((out.double() - expected).abs() <= tolerance * (1 + expected.abs())).all()
    assert ((x.grad.double() - exact.grad).abs() <= tolerance * (1 + exact.grad.abs())).all()


@needs_native
def test_gelu_at_the_ends() -> None:
    ends = native_gelu(torch.tensor([-1e3, -50.0, 50.0, 1e30, float("nan")]))
    assert ends[:2].abs().max() < 1e-30 and torch.equal(ends[2:4], torch.tensor([50.0, 1e30])) and ends[4].isnan()


@needs_native
def test_the_same_bytes_for_any_number_of_threads() -> None:
    qkv = torch.randn(7, 40, 3 * 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    results = []
    before = torch.get_num_threads()
    for threads in (1, 3, 1):
        torch.set_num_threads(threads)
        out = native_attention(qkv, 16, 9)
        activation = native_gelu(qkv.repeat(40, 1, 1))
        (gradient,) = torch.autograd.grad(out.square().sum() + activation.sum(), qkv)
        results.append((out, activation, gradient))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))


@needs_native
def test_operators_are_registered_as_torch_expects() -> None:
    qkv = torch.randn(2, 5, 3 * 32, requires_grad=True)
    torch.library.opcheck(torch.ops.chemscale.attention, (qkv, 16, 5))
    torch.library.opcheck(torch.ops.chemscale.gelu, (torch.randn(20, requires_grad=True),))


@needs_native
def test_other_dtypes_are_refused() -> None:
    with pytest.raises(UserError, match="float64"):
        native_gelu(torch.zeros(3, dtype=torch.float64))
    with pytest.raises(UserError, match='use the backend "torch"'):
        native_attention(torch.zeros(1, 2, 48, dtype=torch.float16), 16)


@needs_native
def test_compiled_by_torch_compile_with_changing_sizes() -> None:
    expected = [native_attention(torch.ones(2, tokens, 48), 16) for tokens in (5, 6, 7)]
    compiled = torch.compile(native_attention, backend="eager", fullgraph=True)
    for tokens, reference in zip((5, 6, 7), expected, strict=True):
        assert torch.equal(compiled(torch.ones(2, tokens, 48), 16), reference)


@pytest.mark.parametrize(
    ("compiler", "path", "reason"),
    [
        ("", "", "no C++ compiler found (looked for c++, g++, clang++)"),
        ("/nowhere/c++", os.environ.get("PATH", ""), "looked for CXX=/nowhere/c++"),
        ("false", os.environ.get("PATH", ""), "does not run"),
    ],
)
def test_without_a_compiler_auto_takes_torch_and_native_says_why(
    tmp_path: Path, compiler: str, path: str, reason: str
) -> None:
    process = start(REPORT, CHEMSCALE_CACHE=str(tmp_path), CXX=compiler, PATH=path or str(tmp_path))
    output, errors = process.communicate(timeout=60)
    available, chosen, why = output.strip().split("|")
    assert (available, chosen) == ("False", "torch")
    assert reason in why
    assert process.returncode == 1 and "UserError: attention backend 'native' cannot be used here" in errors


@needs_native
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    output, _ = start(REPORT, CHEMSCALE_CACHE=str(tmp_path / "file")).communicate(timeout=60)
    assert output.startswith("False|torch|") and "CHEMSCALE_CACHE" in output
