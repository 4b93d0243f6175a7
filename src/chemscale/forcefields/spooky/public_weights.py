"""The weights of SpookyNet's public code (github.com/OUnke/SpookyNet) under our names.

That code has one small module for every perceptron, here several are one stack, and filters and the constants of the
nuclear repulsion are rows of one tensor. Nothing else differs, so its trained parameters can be used here.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from chemscale.base.errors import DataError

VIEWS = (
    *(f"local_interaction.resblock_{name}" for name in "xspd"),
    *(f"nonlocal_interaction.resblock_{name}" for name in "qkv"),
)


class Correspondence(NamedTuple):
    """Which part of a tensor of ours is which tensor of the public code.

    Attributes:
        own: name of ours.
        part: rows of ours, or a member of a stack; the public tensor may have more columns than ours.
        public: name of theirs.
    """

    own: str
    part: int | slice
    public: str


def load_public_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a `SpookyNet` the weights of the public code.

    Args:
        network: of the same width, depth and basis, attention "favor" as there (or "softmax").
        weights: the state of that code's network; its saved files hold it under "state_dict".

    Raises:
        DataError: a tensor is missing or has another shape; the message names it.
    """
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for own, part, public in correspondences(network):
        if public not in weights:
            raise DataError(f"weights of SpookyNet's public code: {public} is missing; is its depth another?")
        given, place = weights[public], part_of(state[own], part)
        if own in ("output.weight", "element_bias"):  # without charges, ours have the energy alone
            given = given[: place.shape[0]] if own == "output.weight" else given[:, : place.shape[1]]
        if given.numel() != place.numel():
            expected, seen = tuple(place.shape), tuple(given.shape)
            raise DataError(f"weights of SpookyNet's public code: {public} has the shape {seen}, expected {expected}")
        place.copy_(given.reshape(place.shape))
    network.load_state_dict(state)


def part_of(tensor: Tensor, part: int | slice) -> Tensor:
    """That part of a tensor, as a view."""
    return tensor if part == slice(None) else tensor[part]


def correspondences(network: nn.Module) -> Iterator[Correspondence]:
    """All weights of a `SpookyNet` and their counterparts in the public code."""
    names = set(network.state_dict())
    yield from _whole("embedding.nuclear.table", "nuclear_embedding.element_embedding")
    yield from _whole("embedding.nuclear.configuration.weight", "nuclear_embedding.config_linear.weight")
    for own, public in (("charge", "charge_embedding"), ("spin", "magmom_embedding")):
        yield from _electronic(f"embedding.{own}", public)
    yield from _whole("basis.free_gamma", "radial_basis_functions._alpha")
    yield from _whole("output.weight", "output.weight")
    yield from _whole("element_bias", "element_bias")
    depth = 0
    while f"interactions.{depth}.radial.weight" in names:
        yield from _interaction(f"interactions.{depth}", f"module.{depth}", network)
        depth += 1
    yield from _physics(names)


def _interaction(own: str, public: str, network: nn.Module) -> Iterator[Correspondence]:
    yield from _residual(f"{own}.before", f"{public}.residual_pre.stack.0", 0, bias=True)
    yield from _residual(f"{own}.after", f"{public}.residual_post.stack.0", 0, bias=True)
    yield from _perceptron(f"{own}.out", f"{public}.resblock", 0)
    yield from _perceptron(f"{own}.local", f"{public}.local_interaction.resblock", 0)
    stack, width = network.get_parameter(f"{own}.views.swish.alpha").shape
    for member in range(stack):
        yield from _perceptron(f"{own}.views", f"{public}.{VIEWS[member]}", member)
    for k, order in enumerate("spd"):
        rows = slice(k * width, (k + 1) * width)
        yield Correspondence(f"{own}.radial.weight", rows, f"{public}.local_interaction.radial_{order}.weight")
    for order in "pd":
        yield from _whole(f"{own}.project_{order}.weight", f"{public}.local_interaction.projection_{order}.weight")
    if f"{own}.omega" in network.state_dict():
        yield from _whole(f"{own}.omega", f"{public}.nonlocal_interaction.attention.omega")


def _electronic(own: str, public: str) -> Iterator[Correspondence]:
    yield from _whole(f"{own}.query.weight", f"{public}.linear_q.weight")
    yield from _whole(f"{own}.query.bias", f"{public}.linear_q.bias")
    yield from _whole(f"{own}.key.weight", f"{public}.linear_k.weight")
    yield from _whole(f"{own}.value.weight", f"{public}.linear_v.weight")
    yield from _perceptron(f"{own}.perceptron", f"{public}.resblock", 0, bias=False)


def _perceptron(own: str, public: str, member: int, bias: bool = True) -> Iterator[Correspondence]:
    yield from _residual(f"{own}.residual", f"{public}.residual.stack.0", member, bias)
    yield from _layer(f"{own}.swish", f"{own}.linear", f"{public}.activation", f"{public}.linear", member, bias)


def _residual(own: str, public: str, member: int, bias: bool) -> Iterator[Correspondence]:
    for k in (1, 2):
        names = f"{own}.swish_{k}", f"{own}.linear_{k}", f"{public}.activation{k}", f"{public}.linear{k}"
        yield from _layer(*names, member, bias)


def _layer(
    swish: str, linear: str, public_swish: str, public_linear: str, member: int, bias: bool
) -> Iterator[Correspondence]:
    yield Correspondence(f"{swish}.alpha", member, f"{public_swish}.alpha")
    yield Correspondence(f"{swish}.beta", member, f"{public_swish}.beta")
    yield Correspondence(f"{linear}.weight", member, f"{public_linear}.weight")
    if bias:
        yield Correspondence(f"{linear}.bias", member, f"{public_linear}.bias")


def _physics(names: set[str]) -> Iterator[Correspondence]:
    if "repulsion.power" in names:
        yield from _whole("repulsion.power", "zbl_repulsion_energy._apow")
        yield from _whole("repulsion.inverse_length", "zbl_repulsion_energy._adiv")
        for k in range(4):
            yield Correspondence("repulsion.coefficients", k, f"zbl_repulsion_energy._c{k + 1}")
            yield Correspondence("repulsion.exponents", k, f"zbl_repulsion_energy._a{k + 1}")
    if "dispersion.free_s8" in names:
        for constant in ("s8", "a1", "a2"):
            yield from _whole(f"dispersion.free_{constant}", f"d4_dispersion_energy._{constant}")
        yield from _whole("dispersion.free_charge_scale", "d4_dispersion_energy._scaleq")


def _whole(own: str, public: str) -> Iterator[Correspondence]:
    yield Correspondence(own, slice(None), public)
