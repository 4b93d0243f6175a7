"""Real spherical harmonics up to order 2 as polynomials of a direction."""

import math

import torch
from torch import Tensor

SQRT3, SQRT5, SQRT15 = math.sqrt(3.0), math.sqrt(5.0), math.sqrt(15.0)


def spherical_harmonics(directions: Tensor, l_max: int) -> Tensor:
    """Y_0 .. Y_l_max of unit vectors, |Y_l|^2 = 2 l + 1: [n, 3] -> [n, (l_max + 1)^2].

    Y_0 = 1, Y_1 = sqrt(3) (x, y, z),
    Y_2 = (sqrt(15) xz, sqrt(15) xy, sqrt(5) (y^2 - (x^2 + z^2) / 2), sqrt(15) yz, sqrt(15) / 2 (z^2 - x^2)),
    the order and normalisation ("component") of e3nn (Geiger and Smidt 2022).

    Args:
        directions: unit vectors.
        l_max: 1 or 2.
    """
    scalar = torch.ones_like(directions[:, :1])
    vector = SQRT3 * directions
    if l_max == 1:
        return torch.cat([scalar, vector], -1)
    x, y, z = directions.unbind(-1)
    squares = directions.square()
    xx, yy, zz = squares.unbind(-1)
    tensor = [SQRT15 * x * z, SQRT15 * x * y, SQRT5 * (yy - 0.5 * (xx + zz)), SQRT15 * y * z, SQRT15 / 2 * (zz - xx)]
    return torch.cat([scalar, vector, torch.stack(tensor, -1)], -1)
