r"""The power law of one resource: L(R) = \alpha R^{-\beta} (frey2023, Eq. 1)."""

import numpy as np

from chemscale.scaling.laws.law import Law, Parameter, coefficient


class Power(Law):
    """A straight line in ln R and ln L."""

    name = "power"
    formula = "L(R) = alpha R^-beta"
    reference = "frey2023, Eq. 1"
    parameters = (coefficient("alpha", "loss at R = 1", 0), Parameter("beta", "exponent"))
    exponents = ("beta",)

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        log_loss = theta[:, :1] - theta[:, 1:] * x[..., 0]
        return log_loss, np.stack([np.ones_like(log_loss), np.broadcast_to(-x[..., 0], log_loss.shape)], axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """The least squares line."""
        slope, height = np.polyfit(x[:, 0], log_loss, 1)
        return np.array([[height, -slope]])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        log_alpha, beta = np.moveaxis(theta, -1, 0)
        return np.stack([log_alpha + beta * shift[..., 0], beta], axis=-1)
