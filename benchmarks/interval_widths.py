"""How wide the 95 % interval of an exponent is, by number of sizes, range and noise; one table for each law.

    python benchmarks/interval_widths.py [--draws 400]

A minute on one core. The power law's half width is exact: t(n - 2) noise / spread of ln R. For the law with a floor it
is the median over simulated studies of half the profile interval, with truth L = 1 + A R^-0.25 where the reducible loss
falls from 2 to what the range leaves of it; `open` where more than half of the intervals have no upper end.
"""

import argparse

import numpy as np
from scipy import special

from chemscale.base.seeds import stream
from chemscale.scaling.laws import find_law
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import make_design, solve

COUNTS, DECADES, NOISES, LEVEL = (4, 5, 6, 8, 12, 16), (1.0, 2.0, 3.0, 4.0), (0.005, 0.01, 0.02), 0.95


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    for title, half_width in (("power law", straight), ("law with a floor, true exponent 0.25", with_floor)):
        print(f"\n{title}: half width of the 95 % interval of the exponent, {len(NOISES)} noises a cell: "
              + ", ".join(f"{noise:.1%}" for noise in NOISES))  # fmt: skip
        print("sizes  " + "".join(f"{decades:>24g} dec." for decades in DECADES))
        for count in COUNTS:
            cells = (", ".join(half_width(count, span, noise, draws) for noise in NOISES) for span in DECADES)
            print(f"{count:5d}  " + "".join(f"{cell:>29s}" for cell in cells))


def straight(count: int, decades: float, noise: float, _: int) -> str:
    """The power law, in closed form."""
    logs = np.linspace(0, decades * np.log(10), count)
    spread = np.sqrt(((logs - logs.mean()) ** 2).sum())
    return f"{special.stdtrit(count - 2, 0.5 + LEVEL / 2) * noise / spread:.3f}"


def with_floor(count: int, decades: float, noise: float, draws: int) -> str:
    """The law with a floor, by simulation."""
    logs = np.linspace(0, decades * np.log(10), count)
    design = make_design(find_law("saturating", 1), logs[:, None])
    truth = design.law.move(np.array([1.0, np.log(2.0), 0.25]), -design.centre)
    exact = design.law.evaluate(truth[None], design.x[None])[0][0]
    losses = exact + noise * stream(0, "widths", count, decades).standard_normal((draws, count))
    found = solve(design, losses, truth[None])
    variance = found.squares / (count - 3)
    quantile = np.full((draws, 3), special.stdtrit(count - 3, 0.5 + LEVEL / 2))
    ends = profile_intervals(design, losses, found.theta, found.squares, variance, quantile)[:, 2]
    width = float(np.median(ends[:, 1] - ends[:, 0])) / 2
    return f"{width:.2f}" if np.isfinite(width) else "open"


if __name__ == "__main__":
    main()
