"""The activation of ChemGPT's perceptron, on one of two backends."""

import torch
from torch.nn import functional

from chemscale.language.native.gelu import native_gelu


def gelu(x: torch.Tensor, backend: str) -> torch.Tensor:
    """GELU in its tanh form, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (arXiv:1606.08415), any shape.

    Args:
        x: float32 or bfloat16 for "native", any floating dtype for "torch".
        backend: "torch" or "native", as `chemscale.language.attention.choose_backend` gives it.

    Raises:
        UserError: "native" is asked for where it cannot run, or on a dtype or device that it does not have.
    """
    return native_gelu(x) if backend == "native" else functional.gelu(x, approximate="tanh")
