r"""The additive joint law: L(N, D) = E + A N^{-\alpha} + B D^{-\beta} (hoffmann2022, Eq. 2)."""

import itertools

import numpy as np

from chemscale.scaling.laws.law import Law, coefficient, exponent, floor
from chemscale.scaling.solver.variable_projection import exponent_grid, projected_starts


class Additive(Law):
    """A floor, a term that a larger model takes away, and a term that more data take away."""

    name = "additive"
    formula = "L(N, D) = E + A/N^alpha + B/D^beta"
    reference = "hoffmann2022, Eq. 2"
    inputs = ("parameters", "data")
    parameters = (
        floor(),
        coefficient("A", "model term at N = 1", 0),
        coefficient("B", "data term at D = 1", 1),
        exponent("alpha", "model exponent"),
        exponent("beta", "data exponent"),
    )
    exponents = ("alpha", "beta")

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        limit, log_a, log_b, alpha, beta = (theta[:, i, None] for i in range(5))
        model, data = np.exp(log_a - alpha * x[..., 0]), np.exp(log_b - beta * x[..., 1])
        loss = limit + model + data
        model, data = model / loss, data / loss
        return np.log(loss), np.stack([1 / loss, model, data, -x[..., 0] * model, -x[..., 1] * data], axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """For fixed exponents the law is linear in E, A and B."""
        axis = exponent_grid(24)
        grid = np.array(list(itertools.product(axis, axis)))
        model, data = np.exp(-grid[:, :1] * x[:, 0]), np.exp(-grid[:, 1:] * x[:, 1])
        found, (limit, a, b) = projected_starts(grid, np.stack([np.ones_like(model), model, data], axis=-1), log_loss)
        return np.column_stack([limit, np.log(a), np.log(b), found])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        limit, log_a, log_b, alpha, beta = np.moveaxis(theta, -1, 0)
        return np.stack([limit, log_a + alpha * shift[..., 0], log_b + beta * shift[..., 1], alpha, beta], axis=-1)
