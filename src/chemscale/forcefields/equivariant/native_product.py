"""The tensor product in C++ as a differentiable torch operator."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields.equivariant.product_paths import ProductPaths
from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native.library import addresses, operator, threads_for
from chemscale.forcefields.segments import Segments

SOURCE = str(Path(__file__).with_name("tensor_product.cpp"))


class Shape(ctypes.Structure):
    """What `tensor_product.cpp` knows of a product."""

    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in ("n_atoms", "features", "environment", "product", "paths", "coefficients")
        ),
        *((name, ctypes.c_void_p) for name in ("offsets", "index", "values")),
    ]


def native_product(
    features: Tensor, environment: Tensor, weights: Tensor, paths: ProductPaths, centre: Segments
) -> tuple[Tensor, Tensor]:
    """As `tensor_product`, for float32 or float64 on the CPU and edges sorted by centre; twice differentiable."""
    product, scalars = _product(features, environment, weights, paths, centre)
    return product, product[:, 0] if scalars is None else scalars


class _Product(Function):
    @staticmethod
    def forward(
        features: Tensor, environment: Tensor, weights: Tensor, paths: ProductPaths, centre: Segments
    ) -> tuple[Tensor, Tensor | None]:
        inputs = [tensor.contiguous() for tensor in (features, environment, weights)]
        n_edges, _, channels = features.shape
        product = features.new_empty(n_edges, paths.dims[2], channels)
        scalars = features.new_empty(n_edges, channels) if paths.dims[2] > 1 else None
        _call("tensor_product", paths, centre, *inputs, product, scalars)
        return product, scalars

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[:3])
        ctx.paths, ctx.centre = inputs[3:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        wanted = ctx.needs_input_grad[:3]
        return *_product_gradient(*ctx.saved_tensors, *gradients, ctx.paths, ctx.centre, wanted), None, None


class _ProductGradient(Function):
    @staticmethod
    def forward(
        features: Tensor,
        environment: Tensor,
        weights: Tensor,
        gradient: Tensor,
        gradient_of_scalars: Tensor | None,
        paths: ProductPaths,
        centre: Segments,
        wanted: tuple[bool, ...],
    ) -> tuple[Tensor | None, ...]:
        inputs = _contiguous(features, environment, weights, gradient, gradient_of_scalars)
        outputs = [
            torch.empty_like(tensor) if want and tensor is not None else None
            for tensor, want in zip(inputs, wanted, strict=False)
        ]
        _call("tensor_product_backward", paths, centre, *inputs, *outputs)
        return tuple(outputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[:5])
        ctx.paths, ctx.centre = inputs[5:7]
        ctx.set_materialize_grads(False)

    @staticmethod
    @last_derivative
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        inputs = _contiguous(*ctx.saved_tensors)
        outputs = [None if tensor is None else torch.empty_like(tensor) for tensor in inputs]
        _call("tensor_product_twice_backward", ctx.paths, ctx.centre, *inputs, *_contiguous(*cotangents), *outputs)
        return *outputs, None, None, None


_product: Callable[..., tuple[Tensor, Tensor | None]] = _Product.apply
_product_gradient: Callable[..., tuple[Tensor | None, ...]] = _ProductGradient.apply


def _contiguous(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def _call(name: str, paths: ProductPaths, centre: Segments, *tensors: Tensor | None) -> None:
    features = tensors[0]
    assert features is not None
    n_atoms = centre.offsets.shape[0] - 1
    shape = Shape(
        n_atoms,
        *paths.dims,
        paths.n_paths,
        len(paths.values),
        centre.offsets.data_ptr(),
        paths.index.ctypes.data,
        paths.values.ctypes.data,
    )
    double = int(features.dtype == torch.float64)
    function = operator(SOURCE, name, features.dtype, CHANNELS=features.shape[2], DOUBLE=double)
    function(ctypes.byref(shape), threads_for(features), *addresses(*tensors))
