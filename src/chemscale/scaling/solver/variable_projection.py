r"""Starting points by variable projection (golub1973): for fixed exponents a sum of powers is linear in its factors.

On a grid of exponents, min over c >= 0 of sum_i [(\Phi c)_i / L_i^{1/p} - 1]^2 p^2 is solved exactly, because with at
most three factors every set of factors that may be zero can be tried. The residuals are relative, as in the fit.
"""

import itertools

import numpy as np

SMALLEST_SHARE = 1e-4  # a factor that came out as zero starts as this share of the loss, so that the fit can tell
LARGEST = 1e280  # a factor


def exponent_grid(n: int) -> np.ndarray:
    """`n` exponents from 0.01 to 2.5, evenly spaced in their logarithm."""
    return np.geomspace(0.01, 2.5, n)


def projected_starts(
    grid: np.ndarray, basis: np.ndarray, log_loss: np.ndarray, power: np.ndarray | None = None, n_starts: int = 8
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The best places of a grid, with their factors.

    Args:
        grid: the fixed, nonlinear parameters [n_grid, n_nonlinear].
        basis: [n_grid, n_points, n_factors], positive.
        log_loss: [n_points].
        power: p [n_grid] where L^(1/p) is linear in the factors; 1 where it is None.
        n_starts: so many places, the best first, none beside another.

    Returns:
        the nonlinear parameters [n_starts, n_nonlinear], and each factor [n_starts].
    """
    power = np.ones(len(grid)) if power is None else power
    middle = log_loss.mean()  # the unit of the losses is taken out, and put back into the factors
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        unit = np.exp(middle / power)
        relative = basis * np.exp((middle - log_loss) / power[:, None])[..., None]
        size = np.sqrt((relative**2).mean(axis=1))
        factors, squares = _non_negative(relative / size[:, None])
        squares = squares * power**2
        # A constant is a floor and may be zero; a factor of a power enters by its logarithm and may not.
        is_floor = (basis == 1).all(axis=(0, 1))
        found = np.where(is_floor, factors, np.maximum(factors, SMALLEST_SHARE)) / size * unit[:, None]
    usable = np.isfinite(squares) & ((found < LARGEST) & (is_floor | (found > 1 / LARGEST))).all(axis=1)
    squares = np.where(usable, squares, np.inf)
    # A sum of squares at the rounding level is as good as another one.
    order = np.argsort(squares + 1e-24, kind="stable")
    best = order[_apart(grid[order], n_starts)]
    return grid[best], list(found[best].T)


def _non_negative(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of `columns` [n_grid, n_points, n] c = 1 under c >= 0, by trying every set of non-zero factors."""
    n = columns.shape[-1]
    normal, right = np.einsum("gni,gnj->gij", columns, columns), columns.sum(axis=1)
    ridge = 1e-14 * np.trace(normal, axis1=1, axis2=2)[:, None, None]
    best = np.full(len(columns), np.inf)
    factors = np.zeros((len(columns), n))
    for size in range(n, 0, -1):
        for used in itertools.combinations(range(n), size):
            part = normal[:, used][:, :, used] + ridge * np.eye(size)
            found = np.full((len(columns), size), np.nan)
            fine = np.isfinite(part).all(axis=(1, 2))
            found[fine] = np.linalg.solve(part[fine], right[fine][:, used, None])[..., 0]
            trial = np.zeros((len(columns), n))
            trial[:, used] = found
            squares = ((np.einsum("gni,gi->gn", columns, trial) - 1) ** 2).sum(axis=1)
            better = (found >= 0).all(axis=1) & (squares < best)
            best, factors = np.where(better, squares, best), np.where(better[:, None], trial, factors)
    return factors, best


def _apart(ordered: np.ndarray, wanted: int) -> list[int]:
    """Indices of the first `wanted` rows that are no neighbours of an earlier one, in grid steps."""
    places = np.column_stack([np.unique(column, return_inverse=True)[1].reshape(-1) for column in ordered.T])
    chosen: list[int] = []
    for index, row in enumerate(places):
        if all(np.abs(row - places[other]).max() > 1 for other in chosen):
            chosen.append(index)
        if len(chosen) == wanted:
            break
    return chosen
