"""Causal attention of GPT-Neo over dense, right-padded batches, on one of two backends."""

from typing import Any

import torch
from torch.nn import functional

from chemscale.base.errors import UserError
from chemscale.language.native.attention import native_attention
from chemscale.language.native.library import DTYPES, native_available, why_not
from chemscale.training.matmul import matmul_precision

BACKENDS = ("auto", "torch", "native")

# On the CPU, heads of these sizes in sequences this short are faster as a plain product and softmax than in torch's
# fused attention: 13 to 17 against 24 ms per 4096 tokens at 44 tokens and 4 numbers a head (benchmarks/attention.py).
EXPLICIT_TOKENS = 48
EXPLICIT_HEAD_DIMS = range(4, 17)


def causal_attention(qkv: torch.Tensor, n_heads: int, window: int | None, backend: str) -> torch.Tensor:
    """Causal multi-head attention without the 1/sqrt(d) scale, optionally over a local window.

    out_i = sum_j softmax_j(q_i . k_j) v_j over 0 <= i - j < window; on the CPU scores are float32 for any dtype.

    Padding needs no mask: sequences are padded on the right, so a real token never sees a pad, and what comes out at
    the pads is ignored by the caller.

    Args:
        qkv: queries, keys and values side by side, each heads by head_dim, [batch, tokens, 3 * width].
        n_heads: heads; width is n_heads * head_dim.
        window: how many positions a token sees, itself included, at least 1; None is all before it.
        backend: "torch" or "native", as `choose_backend` gives it.

    Returns:
        The heads' outputs side by side, [batch, tokens, width], in the dtype of `qkv`.

    Raises:
        UserError: "native" is asked for where it cannot run, or on a dtype or device that it does not have.
    """
    if window is not None and window < 1:
        raise UserError(f"the attention window is {window}; it must be at least 1, as a token sees itself.")
    if qkv.shape[2] % (3 * n_heads):
        raise UserError(
            f"qkv has {qkv.shape[2]} numbers a token; it must be a multiple of 3 * n_heads = {3 * n_heads}."
        )
    if qkv.numel() == 0:
        return qkv[..., : qkv.shape[2] // 3]
    if window is not None and window >= qkv.shape[1]:
        window = None
    return native_attention(qkv, n_heads, window) if backend == "native" else torch_attention(qkv, n_heads, window)


def choose_backend(requested: str, device: torch.device | str, dtype: torch.dtype = torch.float32) -> str:
    """The backend of attention and GELU: "native" on a CPU with a C++ compiler, else "torch".

    The first call on a machine may compile for a second.

    Args:
        requested: "auto", "torch" or "native".
        device: where the model is.
        dtype: of the model; the native operators have float32 and bfloat16, "auto" takes torch for any other.

    Raises:
        UserError: the name is unknown, or "native" was asked for where it cannot run.
    """
    if requested not in BACKENDS:
        raise UserError(f"attention backend {requested!r} is unknown; allowed: {', '.join(BACKENDS)}.")
    on_cpu = torch.device(device).type == "cpu"
    if requested == "native" and not on_cpu:
        raise UserError(f"attention backend 'native' runs on the CPU only, not on {device}; use 'torch' or 'auto'.")
    if requested == "native" and not native_available():
        raise UserError(f"attention backend 'native' cannot be used here: {why_not()} Or use 'torch' or 'auto'.")
    suited = on_cpu and dtype in DTYPES
    return "native" if requested == "native" or (requested == "auto" and suited and native_available()) else "torch"


# torch.compile takes the answer as it is, and does not trace into the search for a compiler
torch.compiler.assume_constant_result(choose_backend)


def torch_attention(qkv: torch.Tensor, n_heads: int, window: int | None) -> torch.Tensor:
    """`causal_attention` in plain torch, by the way that is fastest for these sizes."""
    with torch.autocast(qkv.device.type, enabled=False):
        if qkv.device.type != "cpu" or torch.compiler.is_compiling():
            return fused_attention(qkv, n_heads, window)
        dtype = qkv.dtype
        qkv = qkv.float() if dtype in (torch.bfloat16, torch.float16) else qkv
        head_dim = qkv.shape[2] // 3 // n_heads
        if qkv.shape[1] <= EXPLICIT_TOKENS and head_dim in EXPLICIT_HEAD_DIMS:
            return explicit_attention(qkv, n_heads, window).to(dtype)
        out: torch.Tensor = _FusedHighest.apply(qkv, n_heads, window)  # type: ignore[no-untyped-call]
        return out.to(dtype)


def fused_attention(qkv: torch.Tensor, n_heads: int, window: int | None) -> torch.Tensor:
    """`causal_attention` by torch's scaled_dot_product_attention, on any device and in any dtype."""
    batch, tokens, width3 = qkv.shape
    query, key, value = qkv.view(batch, tokens, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
    mask = None if window is None else _visible(tokens, window, qkv.device)
    out = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None, scale=1.0)
    return out.transpose(1, 2).reshape(batch, tokens, width3 // 3)


def explicit_attention(qkv: torch.Tensor, n_heads: int, window: int | None) -> torch.Tensor:
    """`causal_attention` as a batched product, a softmax and a second product."""
    batch, tokens, width3 = qkv.shape
    heads = qkv.view(batch, tokens, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = heads.reshape(3, batch * n_heads, tokens, -1)
    unseen = ~_visible(tokens, tokens if window is None else window, qkv.device)
    bias = torch.zeros(tokens, tokens, dtype=qkv.dtype, device=qkv.device).masked_fill_(unseen, float("-inf"))
    weights = torch.baddbmm(bias, query, key.transpose(1, 2)).softmax(-1)
    out = torch.bmm(weights, value).view(batch, n_heads, tokens, -1)
    return out.transpose(1, 2).reshape(batch, tokens, width3 // 3)


def _visible(tokens: int, window: int, device: torch.device) -> torch.Tensor:
    position = torch.arange(tokens, device=device)
    gap = position[:, None] - position[None, :]
    return (gap >= 0) & (gap < window)


class _FusedHighest(torch.autograd.Function):
    """`fused_attention` with float32 products at torch's "highest" setting, whatever it is outside.

    Under "medium" the many small products inside the fused attention take 5 to 10 times as long on the CPU, in the
    backward pass too, which is why a plain context manager around the call is not enough.
    """

    @staticmethod
    def forward(ctx: Any, qkv: torch.Tensor, n_heads: int, window: int | None) -> torch.Tensor:
        inner = qkv.detach().requires_grad_(ctx.needs_input_grad[0])
        with torch.enable_grad(), matmul_precision("highest"):
            ctx.inner, ctx.out = inner, fused_attention(inner, n_heads, window)
        out: torch.Tensor = ctx.out.detach()
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        with matmul_precision("highest"):
            (gradient,) = torch.autograd.grad(ctx.out, ctx.inner, grad_out, retain_graph=True)
        return gradient, None, None
