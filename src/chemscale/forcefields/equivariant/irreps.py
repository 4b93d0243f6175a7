"""Irreducible representations of O(3) up to order 2, and which of them every layer of a network carries."""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple

L_MAX = 2
Parity = Literal["o3_full", "o3_restricted", "so3"]


class Irrep(NamedTuple):
    """How a quantity of 2 l + 1 components rotates, and its sign under inversion.

    Attributes:
        l: the order: 0 a scalar, 1 a vector, 2 a traceless symmetric tensor.
        parity: 1 (even) or -1 (odd).
    """

    l: int  # noqa: E741 - the field's name for it
    parity: int

    @property
    def dim(self) -> int:
        """Number of components."""
        return 2 * self.l + 1


SCALAR = Irrep(0, 1)
Irreps = tuple[Irrep, ...]


def dimension(irreps: Irreps) -> int:
    """Number of components of one of each."""
    return sum(irrep.dim for irrep in irreps)


def slices(irreps: Irreps) -> list[slice]:
    """Where each irrep's components are, when they stand one after the other."""
    ends = [dimension(irreps[: n + 1]) for n in range(len(irreps))]
    return [slice(end - irrep.dim, end) for end, irrep in zip(ends, irreps, strict=True)]


def couples(first: Irrep, second: Irrep, out: Irrep) -> bool:
    """Whether the product of two irreps holds the third."""
    return first.parity * second.parity == out.parity and abs(first.l - second.l) <= out.l <= first.l + second.l


def harmonic_irreps(l_max: int, parity: Parity) -> Irreps:
    """The irreps of the spherical harmonics of orders 0 to l_max; with "so3" inversion is left out of account."""
    return tuple(Irrep(l, 1 if parity == "so3" else (-1) ** l) for l in range(l_max + 1))  # noqa: E741


def allowed_irreps(l_max: int, parity: Parity) -> Irreps:
    """The irreps that features may have: both parities with "o3_full", else those of the spherical harmonics."""
    if parity == "o3_full":
        return tuple(Irrep(l, sign) for l in range(l_max + 1) for sign in (1, -1))  # noqa: E741
    return harmonic_irreps(l_max, parity)


def layer_irreps(environment: Irreps, allowed: Irreps, depth: int) -> list[Irreps]:
    """The irreps of the features before the first and after every one of `depth` products with the environment.

    A product keeps what is allowed and can be reached; the last one keeps scalars only; what no later product needs
    for these scalars is then left out, from the back to the front.
    """
    features = [environment]
    for layer in range(depth):
        wanted = (SCALAR,) if layer == depth - 1 else allowed
        features.append(tuple(out for out in wanted if _reachable(features[-1], environment, out)))
    for layer in reversed(range(depth)):
        features[layer] = tuple(irrep for irrep in features[layer] if _useful(irrep, environment, features[layer + 1]))
    return features


def _reachable(features: Irreps, environment: Irreps, out: Irrep) -> bool:
    return any(couples(first, second, out) for first, second in product(features, environment))


def _useful(irrep: Irrep, environment: Irreps, later: Sequence[Irrep]) -> bool:
    return any(couples(irrep, second, out) for second, out in product(environment, later))
