"""Attention of one new token per sequence over the keys and values of the tokens before it, on one of two backends."""

import torch
from torch import Tensor

from chemscale.language.native.decoding import native_decode_attention


def decode_attention(
    qkv: Tensor, kept: Tensor, rows: Tensor, lengths: Tensor, n_heads: int, window: int | None, backend: str
) -> Tensor:
    """Keep the keys and values of each sequence's new token, and let the token attend to all of its sequence.

    out = sum_j softmax_j(q . k_j) v_j over the last `window` positions, the new one included; no 1/sqrt(d), as in
    `chemscale.language.attention`.

    Args:
        qkv: query, key and value of the new tokens, heads innermost, [sequences, 3 * head_dim * n_heads], float32.
        kept: keys and values of all rows, changed in place, [n_rows, 2 * head_dim * n_heads], float32.
        rows: the row of every position of every sequence, [sequences, at least the longest], int32.
        lengths: positions of each sequence, the new one included, [sequences], int32.
        n_heads: heads; width is n_heads * head_dim.
        window: how many positions a token sees, itself included; None is all.
        backend: "torch" or "native".

    Returns:
        [sequences, head_dim * n_heads], heads innermost.
    """
    if backend == "native":
        return native_decode_attention(qkv, kept, rows, lengths, n_heads, window)
    return _torch_decode_attention(qkv, kept, rows, lengths, n_heads, window)


def _torch_decode_attention(
    qkv: Tensor, kept: Tensor, rows: Tensor, lengths: Tensor, n_heads: int, window: int | None
) -> Tensor:
    n, longest = len(qkv), int(lengths.max())
    query, new = qkv.view(n, 3, -1, n_heads)[:, 0], qkv[:, qkv.shape[1] // 3 :]
    kept[rows.gather(1, lengths.long()[:, None] - 1)[:, 0].long()] = new
    position = torch.arange(longest, device=qkv.device)
    seen = position < lengths[:, None]
    if window is not None:
        seen &= position >= lengths[:, None] - window
    past = kept[torch.where(seen, rows[:, :longest], 0).long()].view(n, longest, 2, -1, n_heads)
    scores = torch.einsum("ndh,ntdh->nth", query, past[:, :, 0]).masked_fill(~seen[:, :, None], float("-inf"))
    # a row that nobody wrote yet may hold anything, also NaN, and 0 times NaN is no zero
    values = past[:, :, 1].masked_fill(~seen[:, :, None, None], 0.0)
    return torch.einsum("nth,ntdh->ndh", scores.softmax(1), values).reshape(n, -1)
