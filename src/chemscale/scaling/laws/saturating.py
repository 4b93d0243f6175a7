r"""The power law with an irreducible floor: L(R) = L_{inf} + \alpha R^{-\beta} (henighan2020, Eq. 1.1)."""

import numpy as np

from chemscale.scaling.laws.law import Law, coefficient, exponent, floor
from chemscale.scaling.solver.variable_projection import exponent_grid, projected_starts


class Saturating(Law):
    """What data, noise and vocabulary leave over stays, however large R is."""

    name = "saturating"
    formula = "L(R) = L_inf + alpha R^-beta"
    reference = "henighan2020, Eq. 1.1"
    parameters = (floor("L_inf"), coefficient("alpha", "reducible loss at R = 1", 0), exponent("beta", "exponent"))
    exponents = ("beta",)

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        limit, log_alpha, beta = (theta[:, i, None] for i in range(3))
        term = np.exp(log_alpha - beta * x[..., 0])
        loss = limit + term
        return np.log(loss), np.stack([1 / loss, term / loss, -x[..., 0] * term / loss], axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """For a fixed exponent the law is linear in the floor and alpha."""
        grid = exponent_grid(60)[:, None]
        term = np.exp(-grid * x[:, 0])
        basis = np.stack([np.ones_like(term), term], axis=-1)
        beta, (limit, alpha) = projected_starts(grid, basis, log_loss)
        return np.column_stack([limit, np.log(alpha), beta])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        limit, log_alpha, beta = np.moveaxis(theta, -1, 0)
        return np.stack([limit, log_alpha + beta * shift[..., 0], beta], axis=-1)
