"""Gather rows and sum rows by segment: each is the other's adjoint, so any order of derivative is a call of the two.

    gather(x)[p] = x[index[p]]                    [n_rows, ...] -> [n_pairs, ...]
    sum(y)[i]    = sum over p with index[p] = i   [n_pairs, ...] -> [n_rows, ...]

torch's own derivative of `x[index]` adds with atomic operations and is several times slower on a CPU; here a sum reads
the pairs of a row one after the other, in a fixed order, so results do not depend on the number of threads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import embedding_bag


@dataclass(frozen=True)
class Segments:
    """Which row each pair belongs to, and where a row's pairs are.

    Attributes:
        index: row of every pair [n_pairs], int64.
        order: the pairs sorted by row [n_pairs], int64.
        offsets: row i has the pairs `order[offsets[i]:offsets[i + 1]]` [n_rows + 1], int64.
    """

    index: Tensor
    order: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, index: Tensor, n_rows: int) -> "Segments":
        """The segments of an index that may be in any order [n_pairs]."""
        order = torch.argsort(index, stable=True)
        counts = torch.bincount(index, minlength=n_rows)
        return cls(index, order, torch.cat([counts.new_zeros(1), counts.cumsum(0)]))

    def to(self, device: torch.device) -> "Segments":
        """The same segments on another device."""
        return Segments(self.index.to(device), self.order.to(device), self.offsets.to(device))

    def take(self, rows: Tensor) -> Tensor:
        """`gather` for use inside an operator that has its own derivative."""
        return rows.index_select(0, self.index)

    def add(self, pairs: Tensor) -> Tensor:
        """`sum` for use inside an operator that has its own derivative."""
        return _sum_rows(pairs, self.order, self.offsets)

    def gather(self, rows: Tensor) -> Tensor:
        """The row of every pair: [n_rows, ...] -> [n_pairs, ...]."""
        if is_traced():
            return rows.index_select(0, self.index)
        return _gather(rows, self.index, self.order, self.offsets)

    def sum(self, pairs: Tensor) -> Tensor:
        """The sum over the pairs of every row: [n_pairs, ...] -> [n_rows, ...]; a row without pairs is zero."""
        if is_traced():
            zeros = pairs.new_zeros(self.offsets.shape[0] - 1, *pairs.shape[1:])
            return zeros.index_add(0, self.index, pairs)
        return _sum(pairs, self.index, self.order, self.offsets)


def is_traced() -> bool:
    """Whether a compiler or torch.func reads the program: they fuse plain operators, and cannot see into ours."""
    functorch: bool = torch._C._are_functorch_transforms_active()
    return functorch or torch.compiler.is_compiling() or torch._C._is_tracing()


# The two classes have no `setup_context`, with which a call would take 20 microseconds longer.


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, order: Tensor, offsets: Tensor) -> Tensor:
        ctx.save_for_backward(index, order, offsets)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _sum(gradient, *ctx.saved_tensors), None, None, None


class _Sum(Function):
    @staticmethod
    def forward(ctx: Any, pairs: Tensor, index: Tensor, order: Tensor, offsets: Tensor) -> Tensor:
        ctx.save_for_backward(index, order, offsets)
        return _sum_rows(pairs, order, offsets)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _gather(gradient, *ctx.saved_tensors), None, None, None


def _sum_rows(pairs: Tensor, order: Tensor, offsets: Tensor) -> Tensor:
    n_rows = offsets.shape[0] - 1
    if pairs.numel() == 0:
        return pairs.new_zeros(n_rows, *pairs.shape[1:])
    flat = pairs.reshape(pairs.shape[0], -1).contiguous()
    sums = embedding_bag(order, flat, offsets, mode="sum", include_last_offset=True)
    return sums.reshape(n_rows, *pairs.shape[1:])


_gather: Callable[..., Tensor] = _Gather.apply
_sum: Callable[..., Tensor] = _Sum.apply
