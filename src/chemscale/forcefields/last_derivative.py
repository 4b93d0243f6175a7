"""An end to differentiation that says so.

torch's own `once_differentiable` takes a derivative for a constant where only tensors that were saved for it need a
gradient: a third derivative would then miss terms in silence.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.base.errors import UserError

Backward = Callable[..., tuple[Any, ...]]


def last_derivative(backward: Backward) -> Backward:
    """A `backward` of an autograd function whose results raise a UserError where they are differentiated again."""

    @wraps(backward)
    def ending(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        with torch.no_grad():
            results = backward(ctx, *cotangents)
        sources = [each for each in (*ctx.saved_tensors, *cotangents) if each is not None and each.requires_grad]
        if not torch.is_grad_enabled() or not sources:
            return results
        return tuple(_ended(result, sources) if isinstance(result, Tensor) else result for result in results)

    return ending


def _ended(value: Tensor, sources: Sequence[Tensor]) -> Tensor:
    result: Tensor = _End.apply(value, *sources)  # type: ignore[no-untyped-call]
    return result


class _End(Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, *sources: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor, ...]:
        raise UserError(
            "a force field was differentiated three times; its operators have two derivatives. Use torch.func.grad or "
            "torch.func.hessian, for which it takes torch's own operators"
        )
