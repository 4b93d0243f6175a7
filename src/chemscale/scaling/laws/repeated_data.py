r"""The additive law under many epochs: L = E + A N^{-\alpha} + B D'^{-\beta} with effective data D'.

D' = U [1 + R^* (1 - e^{-(epochs - 1)/R^*})] (muennighoff2023, Eq. 5): U unique data points seen for `epochs` epochs
are worth at most 1 + R^* epochs of fresh ones. We keep the model term as it is, where muennighoff2023 also discount
parameters that are too many for the unique data.
"""

import itertools

import numpy as np

from chemscale.scaling.laws.law import Law, Parameter, coefficient, exponent, floor
from chemscale.scaling.solver.variable_projection import exponent_grid, projected_starts


class RepeatedData(Law):
    """Data lose their worth as they are repeated."""

    name = "repeated"
    formula = "L(N, U, epochs) = E + A/N^alpha + B/D'^beta, D' = U (1 + R (1 - exp(-(epochs - 1)/R)))"
    reference = "muennighoff2023, Eq. 5"
    inputs = ("parameters", "data", "epochs")
    parameters = (
        floor(),
        coefficient("A", "model term at N = 1", 0),
        coefficient("B", "data term at D' = 1", 1),
        exponent("alpha", "model exponent"),
        exponent("beta", "data exponent"),
        Parameter("R", "how many repetitions are worth anything", "log", np.log(1e-2), np.log(1e4)),
    )
    exponents = ("alpha", "beta")

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        limit, log_a, log_b, alpha, beta, log_worth = (theta[:, i, None] for i in range(6))
        gain, gain_slope = _log_gain(np.exp(log_worth), np.exp(x[..., 2]))
        effective = x[..., 1] + gain
        model, data = np.exp(log_a - alpha * x[..., 0]), np.exp(log_b - beta * effective)
        loss = limit + model + data
        model, data = model / loss, data / loss
        derivatives = [1 / loss, model, data, -x[..., 0] * model, -effective * data, -beta * gain_slope * data]
        return np.log(loss), np.stack(derivatives, axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """For fixed exponents and R the law is linear in E, A and B."""
        axis = exponent_grid(12)
        grid = np.array(list(itertools.product(axis, axis, np.log([0.5, 2.0, 6.0, 15.0, 40.0, 200.0]))))
        effective = x[:, 1] + _log_gain(np.exp(grid[:, 2:]), np.exp(x[:, 2]))[0]
        model, data = np.exp(-grid[:, :1] * x[:, 0]), np.exp(-grid[:, 1:2] * effective)
        found, (limit, a, b) = projected_starts(grid, np.stack([np.ones_like(model), model, data], axis=-1), log_loss)
        return np.column_stack([limit, np.log(a), np.log(b), found])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`; epochs are a ratio and are never shifted."""
        limit, log_a, log_b, alpha, beta, log_worth = np.moveaxis(theta, -1, 0)
        moved = [limit, log_a + alpha * shift[..., 0], log_b + beta * shift[..., 1], alpha, beta, log_worth]
        return np.stack(moved, axis=-1)


def _log_gain(worth: np.ndarray, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ln(D'/U), and its derivative by ln R."""
    repeats = (epochs - 1) / worth
    left = -np.expm1(-repeats)
    gain = 1 + worth * left
    return np.log(gain), worth * (left - repeats * np.exp(-repeats)) / gain
