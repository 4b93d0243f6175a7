"""GELU on both backends."""

import math

import pytest
import torch

from chemscale.language.activation import gelu
from chemscale.language.native.library import native_available, why_not


@pytest.mark.parametrize("backend", ["torch", "native"])
def test_gelu_by_its_formula(backend: str) -> None:
    if backend == "native" and not native_available():
        pytest.skip(f"native operators: {why_not()}")
    points = [-3.0, -0.5, 0.0, 0.7, 2.0, 8.0]
    inner = [math.sqrt(2 / math.pi) * (x + 0.044715 * x**3) for x in points]
    expected = [x / 2 * (1 + math.tanh(u)) for x, u in zip(points, inner, strict=True)]
    torch.testing.assert_close(gelu(torch.tensor(points), backend), torch.tensor(expected), rtol=3e-6, atol=1e-6)
