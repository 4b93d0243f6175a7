"""Attention on both backends against its definition in float64."""

import pytest
import torch

from chemscale.base.errors import UserError
from chemscale.language.attention import causal_attention, choose_backend, torch_attention
from chemscale.language.native.library import native_available, why_not
from chemscale.training.matmul import matmul_precision

BACKENDS = ["torch", "native"]
TOLERANCE = {torch.float32: 3e-6, torch.bfloat16: 2e-2}
SHAPES = [  # batch, tokens, heads, head_dim, window
    (2, 1, 16, 4, None),
    (3, 44, 16, 1, None),
    (2, 45, 16, 2, 7),
    (2, 37, 16, 4, None),
    (2, 70, 16, 8, 16),
    (1, 130, 16, 4, 50),
    (2, 20, 16, 16, 1),
    (1, 18, 16, 32, None),
    (1, 10, 16, 64, 4),
    (3, 21, 4, 16, None),
    (5, 9, 3, 5, 4),
    (1, 50, 12, 12, 100),
]


def reference_attention(qkv: torch.Tensor, n_heads: int, window: int | None) -> torch.Tensor:
    """Attention by its definition in float64: a softmax over the visible keys, times their values."""
    tokens, width = qkv.shape[1], qkv.shape[2] // 3
    size = width // n_heads
    outputs = []
    for sequence in qkv.double():
        heads = []
        for head in range(n_heads):
            query, key, value = (sequence[:, part * width + head * size :][:, :size] for part in range(3))
            rows = []
            for i in range(tokens):
                first = 0 if window is None else max(0, i - window + 1)
                weights = torch.softmax(key[first : i + 1] @ query[i], dim=0)
                rows.append(weights @ value[first : i + 1])
            heads.append(torch.stack(rows))
        outputs.append(torch.cat(heads, dim=1))
    return torch.stack(outputs)


@pytest.fixture(autouse=True)
def _need_native_for_native(request: pytest.FixtureRequest) -> None:
    if getattr(request.node, "callspec", None) and request.node.callspec.params.get("backend") == "native":
        need_native()


def need_native() -> None:
    if not native_available():
        pytest.skip(f"native operators: {why_not()}")


def random_qkv(batch: int, tokens: int, width: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, tokens, 3 * width, generator=generator).to(dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_match_the_definition(
    backend: str, dtype: torch.dtype, shape: tuple[int, int, int, int, int | None]
) -> None:
    batch, tokens, n_heads, head_dim, window = shape
    qkv = random_qkv(batch, tokens, n_heads * head_dim, dtype).requires_grad_()
    grad_out = torch.randn(batch, tokens, n_heads * head_dim, generator=torch.Generator().manual_seed(1)).to(dtype)
    out = causal_attention(qkv, n_heads, window, backend)
    out.backward(grad_out)
    exact = qkv.detach().double().requires_grad_()
    expected = reference_attention(exact, n_heads, window)
    expected.backward(grad_out.double())
    assert out.dtype == dtype and qkv.grad is not None and exact.grad is not None
    for ours, reference in ((out, expected), (qkv.grad, exact.grad)):
        assert (ours.double() - reference).abs().max() <= TOLERANCE[dtype] * reference.abs().max()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tokens", [30, 100])
def test_a_later_token_changes_nothing_before_it(backend: str, tokens: int) -> None:
    first = random_qkv(2, tokens, 64)
    second = first.clone()
    second[:, tokens // 2 :] = 1e3
    before, after = (causal_attention(qkv, 16, None, backend)[:, : tokens // 2] for qkv in (first, second))
    assert torch.equal(before, after)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_token_outside_the_window_is_not_seen(backend: str) -> None:
    first = random_qkv(1, 80, 64)
    second = first.clone()
    second[:, :30] += 5.0
    before, after = (causal_attention(qkv, 16, 10, backend) for qkv in (first, second))
    assert torch.equal(before[:, 39:], after[:, 39:])
    assert not torch.equal(before[:, 38], after[:, 38])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_window_as_long_as_the_sequence_is_plain_causal(backend: str) -> None:
    qkv = random_qkv(2, 40, 32)
    plain = causal_attention(qkv, 16, None, backend)
    assert torch.equal(plain, causal_attention(qkv, 16, 40, backend))
    assert torch.equal(plain, causal_attention(qkv, 16, 1000, backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sequence_does_not_depend_on_its_batch(backend: str) -> None:
    qkv = random_qkv(5, 20, 12 * 4)
    together = causal_attention(qkv, 12, None, backend)
    alone = torch.cat([causal_attention(one[None], 12, None, backend) for one in qkv])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_large_scores_stay_finite_and_a_nan_shows(backend: str) -> None:
    qkv = 300 * random_qkv(2, 70, 64)
    assert torch.isfinite(causal_attention(qkv, 16, None, backend)).all()
    qkv[0, 3, 64:] = float("nan")
    assert torch.isnan(causal_attention(qkv, 16, None, backend)[0, 3:]).any(dim=1).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_batches_and_other_memory_layouts(backend: str) -> None:
    assert causal_attention(torch.zeros(0, 5, 48), 16, None, backend).shape == (0, 5, 16)
    spread = random_qkv(4, 10, 32).transpose(0, 1)
    expected = causal_attention(spread.contiguous(), 16, 3, backend)
    assert torch.equal(causal_attention(spread, 16, 3, backend), expected)


@pytest.mark.parametrize("tokens", [20, 90])
@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_torch_attention_leaves_the_matmul_setting_alone(tokens: int, precision: str) -> None:
    qkv = random_qkv(2, tokens, 64).requires_grad_()
    with matmul_precision(precision):
        torch_attention(qkv, 16, None).sum().backward()
        assert torch.get_float32_matmul_precision() == precision


def test_torch_attention_under_autocast_scores_in_float32() -> None:
    qkv = random_qkv(2, 60, 64, torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        out = torch_attention(qkv, 16, None)
    expected = reference_attention(qkv, 16, None).to(torch.bfloat16)
    assert out.dtype == torch.bfloat16
    assert (out != expected).float().mean() < 0.01  # only values that sit on a rounding boundary


def test_float64_gradients_by_finite_differences() -> None:
    qkv = random_qkv(1, 6, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: torch_attention(x, 4, 3), qkv)


def test_bad_requests_are_named() -> None:
    qkv = random_qkv(1, 4, 32)
    with pytest.raises(UserError, match="at least 1"):
        causal_attention(qkv, 16, 0, "torch")
    with pytest.raises(UserError, match="multiple of 3"):
        causal_attention(qkv, 5, None, "torch")
    with pytest.raises(UserError, match=r"'flash' is unknown; allowed: auto, torch, native"):
        choose_backend("flash", "cpu")
    with pytest.raises(UserError, match="CPU only"):
        choose_backend("native", "cuda")


def test_backend_is_chosen_by_device_and_compiler() -> None:
    assert choose_backend("torch", "cpu") == "torch"
    assert choose_backend("auto", torch.device("cuda")) == "torch"
    assert choose_backend("auto", "cpu", torch.float64) == "torch"
    assert choose_backend("auto", "cpu") == ("native" if native_available() else "torch")
