r"""Power-law extrapolation of one curve: L(t) = E + A t^{-b}, t in epochs completed.

For a fixed b the law is linear in (E, A), both held at zero or more, so the fit is a scan over b (variable projection),
repeated more finely about its best place.
"""

import numpy as np

EXPONENTS = np.geomspace(0.02, 4.0, 40)
N_REFINED = 31
MIN_PLACES = 4
N_PIECES = 16


def extrapolate(places: np.ndarray, losses: np.ndarray, target: float) -> float:
    """The loss at `target` epochs of the law fitted to `losses` [n] at `places` [n] > 0; NaN where n < 4."""
    if len(places) < MIN_PLACES:
        return float("nan")
    scaled = places / places[-1]  # so that no power overflows
    squares = [_fit(scaled, losses, exponent)[0] for exponent in EXPONENTS]
    best = int(np.argmin(squares))
    around = EXPONENTS[max(best - 1, 0)], EXPONENTS[min(best + 1, len(EXPONENTS) - 1)]
    exponent = min(np.geomspace(*around, N_REFINED), key=lambda b: _fit(scaled, losses, b)[0])
    _, floor, height = _fit(scaled, losses, exponent)
    return float(floor + height * (target / places[-1]) ** -exponent)


def _fit(scaled: np.ndarray, losses: np.ndarray, exponent: float) -> tuple[float, float, float]:
    """The best floor and height for one exponent -> (sum of squares, floor, height)."""
    x = scaled**-exponent
    floor, height = _non_negative_line(x, losses)
    return float(((losses - floor - height * x) ** 2).sum()), floor, height


def pieces(progress: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Noisy step losses as up to 16 means over equal parts of what was seen -> (middle of each [n], mean [n])."""
    n = min(N_PIECES, len(losses))
    parts = np.array_split(np.arange(len(losses)), n)
    return np.array([progress[part].mean() for part in parts]), np.array([losses[part].mean() for part in parts])


def _non_negative_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Least squares y = floor + height x with floor >= 0 and height >= 0 (x > 0)."""
    mean_x, mean_y = float(x.mean()), float(y.mean())
    spread = float(((x - mean_x) ** 2).sum())
    height = float(((x - mean_x) * (y - mean_y)).sum()) / spread if spread > 0 else 0.0
    if height <= 0:
        return max(mean_y, 0.0), 0.0
    floor = mean_y - height * mean_x
    if floor < 0:
        return 0.0, max(float((x * y).sum() / (x * x).sum()), 0.0)
    return floor, height
