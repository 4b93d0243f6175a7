r"""The competitor without a theory: ln L is a quadratic polynomial in the logarithms of the inputs.

It bends where the data bend and promises nothing beyond them. A law that predicts held-out runs no better than this
one has not shown that its form is right.
"""

import numpy as np

from chemscale.scaling.laws.law import Law, Parameter


class LogQuadratic(Law):
    """ln L = c0 + c1 ln R + c2 (ln R)^2."""

    name = "log-quadratic"
    formula = "ln L(R) = c0 + c1 ln R + c2 (ln R)^2"
    reference = "none: the null competitor"
    parameters = tuple(Parameter(f"c{power}", f"factor of (ln R)^{power}") for power in range(3))

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        return _polynomial(theta, _terms(x))

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """The least squares solution itself."""
        return np.linalg.lstsq(_terms(x), log_loss, rcond=None)[0][None]

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        c0, c1, c2 = np.moveaxis(theta, -1, 0)
        s = shift[..., 0]
        return np.stack([c0 - c1 * s + c2 * s**2, c1 - 2 * c2 * s, c2], axis=-1)


class LogQuadraticJoint(Law):
    """ln L = c0 + cN ln N + cD ln D + cNN (ln N)^2 + cND ln N ln D + cDD (ln D)^2."""

    name = "log-quadratic"
    formula = "ln L(N, D) = c0 + cN n + cD d + cNN n^2 + cND n d + cDD d^2, n = ln N, d = ln D"
    reference = "none: the null competitor"
    inputs = ("parameters", "data")
    parameters = tuple(Parameter(f"c{term}", f"factor of {term}") for term in ("0", "N", "D", "NN", "ND", "DD"))

    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.evaluate`."""
        return _polynomial(theta, _terms(x))

    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """The least squares solution itself."""
        return np.linalg.lstsq(_terms(x), log_loss, rcond=None)[0][None]

    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """See `Law.move`."""
        c0, cn, cd, cnn, cnd, cdd = np.moveaxis(theta, -1, 0)
        n, d = shift[..., 0], shift[..., 1]
        constant = c0 - cn * n - cd * d + cnn * n**2 + cnd * n * d + cdd * d**2
        return np.stack([constant, cn - 2 * cnn * n - cnd * d, cd - cnd * n - 2 * cdd * d, cnn, cnd, cdd], axis=-1)


def _terms(x: np.ndarray) -> np.ndarray:
    """The monomials up to degree two [..., n_points, 3 or 6] of x [..., n_points, 1 or 2]."""
    n = x[..., 0]
    if x.shape[-1] == 1:
        return np.stack([np.ones_like(n), n, n**2], axis=-1)
    d = x[..., 1]
    return np.stack([np.ones_like(n), n, d, n**2, n * d, d**2], axis=-1)


def _polynomial(theta: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(theta), *terms.shape[-2:])
    return (terms @ theta[:, :, None])[..., 0], np.broadcast_to(terms, shape)
