r"""A bounded score that rises with the data: S(R) = a R^b (chen2023, Section 3).

The error of a score such as ROC-AUC or average precision is about as large for a low score as for a high one, so
the residuals are absolute here and not relative.
"""

import numpy as np

from chemscale.scaling.laws.law import Law, Parameter, coefficient


class Increasing(Law):
    """A power law with a positive exponent and absolute residuals."""

    name = "increasing"
    formula = "S(R) = a R^b"
    reference = "chen2023"
    parameters = (coefficient("a", "score at R = 1", 0), Parameter("b", "exponent"))
    residual = "absolute"
    exponents = ("b",)

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        log_score = theta[:, :1] + theta[:, 1:] * x[..., 0]
        return log_score, np.stack([np.ones_like(log_score), np.broadcast_to(x[..., 0], log_score.shape)], axis=-1)

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """The least squares line in logarithms."""
        slope, height = np.polyfit(x[:, 0], log_loss, 1)
        return np.array([[height, slope]])

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        log_a, b = np.moveaxis(theta, -1, 0)
        return np.stack([log_a - b * shift[..., 0], b], axis=-1)
