r"""Kaplan's joint law: L(N, D) = [(N_c/N)^{\alpha_N/\alpha_D} + D_c/D]^{\alpha_D} (kaplan2020, Eq. 1.5)."""

import itertools

import numpy as np

from chemscale.scaling.laws.law import Law, coefficient, exponent
from chemscale.scaling.solver.variable_projection import exponent_grid, projected_starts


class Kaplan(Law):
    """Model and data limit each other in one bracket; there is no floor."""

    name = "kaplan"
    formula = "L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D"
    reference = "kaplan2020, Eq. 1.5"
    inputs = ("parameters", "data")
    parameters = (
        coefficient("N_c", "model size at which its term is 1", 0),
        coefficient("D_c", "data size at which its term is 1", 1),
        exponent("alpha_N", "model exponent", low=1e-4),
        exponent("alpha_D", "data exponent", low=1e-4),
    )
    exponents = ("alpha_N", "alpha_D")

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        log_nc, log_dc, alpha_n, alpha_d = (theta[:, i, None] for i in range(4))
        distance = log_nc - x[..., 0]
        model, data = alpha_n / alpha_d * distance, log_dc - x[..., 1]
        bracket = np.logaddexp(model, data)
        model_share = np.exp(model - bracket)
        derivatives = [
            alpha_n * model_share,
            alpha_d * (1 - model_share),
            model_share * distance,
            bracket - model_share * model,
        ]
        return alpha_d * bracket, np.stack(derivatives, axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """For fixed exponents L^(1/alpha_D) is linear in N_c^(alpha_N/alpha_D) and D_c."""
        axis = exponent_grid(24)
        grid = np.array(list(itertools.product(axis, axis)))
        ratio = grid[:, :1] / grid[:, 1:]
        # Ratios beyond 30 overflow, and are no model of anything.
        grid, ratio = grid[ratio[:, 0] < 30], ratio[ratio[:, 0] < 30]
        basis = np.stack([np.exp(-ratio * x[:, 0]), np.repeat(np.exp(-x[None, :, 1]), len(grid), axis=0)], axis=-1)
        found, (model, data) = projected_starts(grid, basis, log_loss, power=grid[:, 1])
        return np.column_stack([np.log(model) * found[:, 1] / found[:, 0], np.log(data), found])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        log_nc, log_dc, alpha_n, alpha_d = np.moveaxis(theta, -1, 0)
        return np.stack([log_nc + shift[..., 0], log_dc + shift[..., 1], alpha_n, alpha_d], axis=-1)
