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
from chemscale.scaling.solver.whitening import Subsets, SubsetWhitener

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
    subsets = Subsets(labels)
    minimum, ratio, whitened = plain, 0.0, design
    for _ in range(ROUNDS):
        residual, jacobian = _at(design, log_loss, minimum.theta[0])
        previous, ratio = ratio, _restricted_ratio(residual, jacobian, subsets)
        if ratio == 0.0:
            return None
        whitened = Design(design.law, design.x, design.centre, SubsetWhitener(subsets, ratio))
        minimum = solve(whitened, log_loss[None], minimum.theta)
        left, _ = _at(design, log_loss, minimum.theta[0])
        if left @ left > FARTHEST * plain.squares[0]:
            return None
        if abs(ratio - previous) < 1e-3 * ratio:
            break
    _, jacobian = _at(design, log_loss, minimum.theta[0])
    variance = float(minimum.squares[0]) / (len(log_loss) - jacobian.shape[1])
    return Clustered(whitened, minimum, variance, _freedom(jacobian, subsets, ratio), ratio)


def _at(design: Design, log_loss: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals [n_points] and J [n_points, n_free] of the parameters that are not on a bound, columns of length one.

    Neither the ratio nor the degrees of freedom depends on the units of the parameters.
    """
    residual, jacobian = design.residuals(log_loss[None])(theta[None], np.zeros(1, int))
    free = jacobian[0][:, (theta > design.low) & (theta < design.high)]
    length = np.sqrt((free**2).sum(axis=0))
    return residual[0], free / np.where(length > 0, length, 1.0)


def _restricted_ratio(residual: np.ndarray, jacobian: np.ndarray, subsets: Subsets) -> float:
    """The ratio with the largest restricted likelihood, from 0 to 1000.

    With orthonormal columns Q of J the restricted log likelihood is, up to a constant, that of V = 1 + ratio ZZ^T:
    -1/2 [ln|V| + ln|Q^T V^-1 Q| + (n - p) ln(r^T P r)]. All products are sums within subsets plus sums over their
    means, and V acts on the latter alone.
    """
    basis = np.linalg.qr(jacobian)[0]
    columns = np.column_stack([basis, residual - basis @ (basis.T @ residual)])
    means = subsets.sums(columns) / np.sqrt(subsets.sizes)[:, None]
    inside = columns - (subsets.sums(columns) / subsets.sizes[:, None])[subsets.labels]
    within, between = inside.T @ inside, np.einsum("mi,mj->mij", means, means).reshape(len(subsets), -1)
    n_free = len(residual) - jacobian.shape[1]

    def cost(ratios: np.ndarray) -> np.ndarray:
        spread = 1 + np.outer(ratios, subsets.sizes)
        products = within + ((1 / spread) @ between).reshape(-1, *within.shape)
        columns_of, pull, rest = products[:, :-1, :-1], products[:, :-1, -1:], products[:, -1, -1]
        left = rest - (pull * np.linalg.solve(columns_of, pull)).sum(axis=(1, 2))
        logs = np.log(spread).sum(axis=1) + np.linalg.slogdet(columns_of)[1]
        total: np.ndarray = logs + n_free * np.log(np.maximum(left / n_free, 1e-300))
        return total

    ratios = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 61)])
    best = int(cost(ratios).argmin())
    if best == 0:
        return 0.0
    fine = np.geomspace(ratios[max(best - 1, 1)], ratios[min(best + 1, len(ratios) - 1)], 41)
    return float(fine[cost(fine).argmin()])


def _freedom(jacobian: np.ndarray, subsets: Subsets, ratio: float) -> np.ndarray:
    r"""Satterthwaite's degrees of freedom 2 v^2 / (g^T A g) of every free parameter.

    v is a parameter's variance, g its gradient by (s_u^2, s_e^2), and A the inverse of the restricted information
    tr(P V_i P V_j)/2; all in units of s_e^2. With H = V^-1, W = HJ and S = (J^T W)^-1, P = H - W S W^T: every trace
    falls into sums over subsets and products of matrices as small as the parameters are few.
    """
    sizes = subsets.sizes
    kept = 1 / (1 + ratio * sizes)  # what H leaves of the mean of a subset
    weight = jacobian - ((1 - kept) / sizes)[:, None][subsets.labels] * subsets.sums(jacobian)[subsets.labels]
    spread = np.linalg.pinv(jacobian.T @ weight)
    sums = subsets.sums(weight)  # Z^T W
    again = weight - ((1 - kept) / sizes)[:, None][subsets.labels] * sums[subsets.labels]  # H W
    squared, summed = spread @ (weight.T @ weight), spread @ (sums.T @ sums)
    shared = (sizes * kept) @ (sizes * kept) - 2 * np.trace(spread @ (sums.T @ ((sizes * kept)[:, None] * sums)))
    mixed = sizes @ kept**2 - 2 * np.trace(spread @ (sums.T @ (kept[:, None] * sums)))
    own = (sizes - 1 + kept**2).sum() - 2 * np.trace(spread @ (weight.T @ again))
    shared += np.trace(summed @ summed)
    mixed += np.trace(squared @ summed)
    own += np.trace(squared @ squared)
    information = 0.5 * np.array([[shared, mixed], [mixed, own]])
    gradient = np.stack([((sums @ spread) ** 2).sum(axis=0), ((weight @ spread) ** 2).sum(axis=0)])
    scatter = np.einsum("ip,ij,jp->p", gradient, np.linalg.pinv(information), gradient)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom: np.ndarray = 2 * np.diag(spread) ** 2 / scatter
    # A parameter without any effect has no variance, and the fewest degrees of freedom.
    return np.clip(np.nan_to_num(freedom, nan=1.0), 1.0, len(jacobian) - jacobian.shape[1])
