r"""A power law with one smooth break: L(R) = E + A R^{-\beta_1} (1 + (R/R_b)^{1/f})^{-(\beta_2 - \beta_1) f}.

The broken neural scaling law of caballero2022, Eq. 1, with n = 1, written with the exponents well below and well above
the break, beta_1 = c_0 and beta_2 = c_0 + c_1. f is the width of the break in units of ln R.
"""

import itertools

import numpy as np

from chemscale.scaling.laws.law import Law, Parameter, coefficient, exponent, floor
from chemscale.scaling.solver.variable_projection import projected_starts

NARROWEST, WIDEST = 0.05, 4.0


class Broken(Law):
    """Two exponents, one on each side of the break."""

    name = "broken"
    formula = "L(R) = E + A R^-beta_1 (1 + (R/R_b)^(1/f))^-((beta_2 - beta_1) f)"
    reference = "caballero2022, Eq. 1"
    parameters = (
        floor(),
        coefficient("A", "reducible loss at R = 1, the law below the break carried on", 0),
        exponent("beta_1", "exponent below the break", low=-0.5),
        exponent("beta_2", "exponent above the break", low=-0.5),
        coefficient("R_b", "where the law breaks", 0),
        Parameter("f", "width of the break in ln R", "log", np.log(NARROWEST), np.log(WIDEST)),
    )
    exponents = ("beta_2",)

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        limit, log_a, below, above, log_break, log_width = (theta[:, i, None] for i in range(6))
        width, size = np.exp(log_width), x[..., 0]
        distance = (size - log_break) / width
        bend, slope = width * np.logaddexp(0, distance), 1 / (1 + np.exp(-distance))
        term = np.exp(log_a - below * size - (above - below) * bend)
        loss = limit + term
        share = term / loss
        derivatives = [
            1 / loss,
            share,
            share * (bend - size),
            -share * bend,
            share * (above - below) * slope,
            -share * (above - below) * (bend - width * distance * slope),
        ]
        return np.log(loss), np.stack(derivatives, axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """For fixed exponents, place and width of the break the law is linear in E and A."""
        size = x[:, 0]
        places = np.quantile(size, [0.2, 0.35, 0.5, 0.65, 0.8])
        slopes = [0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0]
        choices = itertools.product(slopes, slopes, places, np.log([0.1, 0.4, 1.2]))
        grid = np.array([choice for choice in choices if choice[0] != choice[1]])
        below, above, log_break, log_width = (grid[:, i, None] for i in range(4))
        bend = np.exp(log_width) * np.logaddexp(0, (size - log_break) / np.exp(log_width))
        term = np.exp(-below * size - (above - below) * bend)
        basis = np.stack([np.ones_like(term), term], axis=-1)
        found, (limit, a) = projected_starts(grid, basis, log_loss, n_starts=24)
        return np.column_stack([limit, np.log(a), found])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        limit, log_a, below, above, log_break, log_width = np.moveaxis(theta, -1, 0)
        step = shift[..., 0]
        return np.stack([limit, log_a + below * step, below, above, log_break + step, log_width], axis=-1)
