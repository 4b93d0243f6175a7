r"""Errors that runs share: all models trained on one data subset are lucky or unlucky together.

ln L_{ij} = f(x_{ij}; theta) + u_j + e_{ij}, u_j ~ N(0, s_u^2) for subset j, e ~ N(0, s_e^2). The ratio
rho = s_u^2/s_e^2 is estimated by restricted maximum likelihood on the residuals of the plain fit (patterson1971), the
law is fitted again with whitened residuals, and every parameter has its own degrees of freedom (satterthwaite1946;
kenward1997 for the derivatives): an exponent along the data leans on a handful of subsets, however many runs there are.
"""

from dataclasses import dataclass

import numpy as np

from chemscale.scaling.solver.least_squares import Minimum
from chemscale.scaling.solver.solve import Design, solve

FEWEST = 4  # subsets; fewer cannot tell a shared error from the law
ROUNDS = 3
FARTHEST = 8.0  # times the least sum of squares: what subsets are said to share has then displaced the fit itself


@dataclass(frozen=True)
class SharedNoise:
    """Errors shared within the subsets of one input.

    Attributes:
        by: the input whose equal values share a subset.
        n_subsets: so many of them.
        shared: standard deviation of the error that a subset shares, in ln L.
        own: standard deviation of a cell's own error.
    """

    by: str
    n_subsets: int
    shared: float
    own: float


@dataclass(frozen=True)
class Clustered:
    """A fit that counts shared errors.

    Attributes:
        design: with the whitener.
        minimum: the fit.
        variance: of a whitened residual, s_e^2.
        freedom: degrees of freedom of every parameter [n_parameters].
        ratio: s_u^2/s_e^2.
    """

    design: Design
    minimum: Minimum
    variance: float
    freedom: np.ndarray
    ratio: float


def fit_clustered(design: Design, log_loss: np.ndarray, plain: Minimum, labels: np.ndarray) -> Clustered | None:
    """Fit again with errors shared within `labels`; None where the residuals show none.

    A law of the wrong form leaves errors that subsets seem to share, and whitening them away leaves nothing to hold the
    law to the data. Such a fit lies far from the points, and is refused: the plain one shows what is wrong.

    Args:
        design: without a whitener.
        log_loss: [n_points].
        plain: the fit with independent errors.
        labels: the subset of every point [n_points].
    """
    if labels.max() + 1 < FEWEST:
        return None
    shared = (labels[:, None] == labels[None, :]).astype(float)
    minimum, ratio, whitened = plain, 0.0, design
    for _ in range(ROUNDS):
        residual, jacobian = _at(design, log_loss, minimum.theta[0])
        previous, ratio = ratio, _restricted_ratio(residual, jacobian, shared)
        if ratio == 0.0:
            return None
        whitened = Design(design.law, design.x, design.centre, _whitener(shared, ratio))
        minimum = solve(whitened, log_loss[None], minimum.theta)
        left, _ = _at(design, log_loss, minimum.theta[0])
        if left @ left > FARTHEST * plain.squares[0]:
            return None
        if abs(ratio - previous) < 1e-3 * ratio:
            break
    _, jacobian = _at(design, log_loss, minimum.theta[0])
    variance = float(minimum.squares[0]) / (len(log_loss) - jacobian.shape[1])
    return Clustered(whitened, minimum, variance, _freedom(jacobian, shared, ratio), ratio)


def _at(design: Design, log_loss: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals [n_points] and J [n_points, n_free] of the parameters that are not on a bound."""
    residual, jacobian = design.residuals(log_loss[None])(theta[None], np.zeros(1, int))
    return residual[0], jacobian[0][:, (theta > design.low) & (theta < design.high)]


def _whitener(shared: np.ndarray, ratio: float) -> np.ndarray:
    """V^-1/2 of V = 1 + ratio ZZ^T: within a subset of m, the mean is divided by sqrt(1 + m ratio)."""
    size = shared.sum(axis=1)
    return np.eye(len(shared)) - shared / size[:, None] * (1 - 1 / np.sqrt(1 + size * ratio))[:, None]


def _restricted_ratio(residual: np.ndarray, jacobian: np.ndarray, shared: np.ndarray) -> float:
    """The ratio with the largest restricted likelihood, from 0 to 1000."""
    basis = np.linalg.qr(jacobian, mode="complete")[0][:, jacobian.shape[1] :]
    sizes, axes = np.linalg.eigh(basis.T @ shared @ basis)
    squares = (axes.T @ (basis.T @ residual)) ** 2

    def cost(ratios: np.ndarray) -> np.ndarray:
        spread = 1 + ratios[:, None] * np.maximum(sizes, 0.0)
        total: np.ndarray = np.log(spread).sum(axis=1) + len(squares) * np.log((squares / spread).mean(axis=1) + 1e-300)
        return total

    ratios = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 61)])
    best = int(cost(ratios).argmin())
    if best == 0:
        return 0.0
    fine = np.geomspace(ratios[max(best - 1, 1)], ratios[min(best + 1, len(ratios) - 1)], 41)
    return float(fine[cost(fine).argmin()])


def _freedom(jacobian: np.ndarray, shared: np.ndarray, ratio: float) -> np.ndarray:
    r"""Satterthwaite's degrees of freedom 2 v^2 / (g^T A g) of every free parameter.

    v is a parameter's variance, g its gradient by (s_u^2, s_e^2), and A the inverse of the restricted information
    tr(P V_i P V_j)/2; all in units of s_e^2.
    """
    n = len(shared)
    inverse = np.linalg.inv(np.eye(n) + ratio * shared)
    weight = inverse @ jacobian
    spread = np.linalg.pinv(jacobian.T @ weight)
    projector = inverse - weight @ spread @ weight.T
    parts = [projector @ shared, projector]
    information = np.array([[0.5 * np.sum(a * b.T) for b in parts] for a in parts])
    response = weight @ spread
    gradient = np.stack([np.einsum("np,nm,mp->p", response, part, response) for part in (shared, np.eye(n))])
    scatter = np.einsum("ip,ij,jp->p", gradient, np.linalg.pinv(information), gradient)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom: np.ndarray = 2 * np.diag(spread) ** 2 / scatter
    # A parameter without any effect has no variance, and the fewest degrees of freedom.
    return np.clip(np.nan_to_num(freedom, nan=1.0), 1.0, n - jacobian.shape[1])
