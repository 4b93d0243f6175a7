"""How long does one joint fit take, and 4,000 bootstrap draws, beside L-BFGS from 400 starts?

250 runs in 25 isoFLOP valleys of ten, L = 1.8172 + 477.8/N^0.3473 + 2143/D^0.3672 with 1 % noise. The peer is the way
hoffmann2022 and besiroglu2024 fit this law: Huber's loss (delta = 1e-3) on ln L, the law in log-sum-exp form, scipy's
L-BFGS-B from 400 places drawn from their grid of starts. It gets the exact gradient, which is faster than the numerical
one that is often used. Two settings: scipy's default tolerances, and tight ones.

Rows, in processor seconds, median over the rounds (lowest, highest):

    fit_law            everything: search, squares, intervals by profile likelihood, and Huber's loss for comparison
    huber alone        search and the fit with Huber's loss, which is what the peers find
    lbfgs-default      the peer from 400 starts
    lbfgs-tight        the same until it can go no further
    bootstrap          4,000 pairs-bootstrap draws of the 250 runs, all parameters fitted anew in each

Below: by how much the best objective of each peer exceeds ours, and the share of its starts that end within 1e-6 and
within 1 % of the best objective of all.

    python benchmarks/law_fitting.py                # 2 minutes
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy import optimize

from chemscale.base.seeds import stream
from chemscale.scaling.bootstrap import bootstrap
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.laws import find_law
from chemscale.scaling.solver.huber import DELTA, fit_huber
from chemscale.scaling.solver.solve import make_design, solve
from side_by_side import machine_line, spread, take_turns

LAW = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}
STARTS = {
    "alpha": [0.0, 0.5, 1.0, 1.5, 2.0],
    "beta": [0.0, 0.5, 1.0, 1.5, 2.0],
    "e": [-1.0, -0.5, 0.0, 0.5, 1.0],
    "a": [0.0, 5.0, 10.0, 15.0, 20.0, 25.0],
    "b": [0.0, 5.0, 10.0, 15.0, 20.0, 25.0],
}
TIGHT = {"ftol": 1e-15, "gtol": 1e-12, "maxiter": 5000, "maxfun": 20000}


def runs(n_valleys: int = 25, n_each: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Model sizes, data sizes and losses [250]."""
    compute = np.repeat(np.logspace(18, 21.5, n_valleys), n_each)
    model = np.sqrt(compute / 120) * 10 ** np.tile(np.linspace(-1, 1, n_each), n_valleys)
    data = compute / (6 * model)
    loss = LAW["E"] + LAW["A"] * model ** -LAW["alpha"] + LAW["B"] * data ** -LAW["beta"]
    return model, data, loss * np.exp(0.01 * stream(0, "law fitting").standard_normal(len(loss)))


def objective(
    model: np.ndarray, data: np.ndarray, loss: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Sum of Huber losses and its gradient by (alpha, beta, e, a, b)."""
    n, d, target = np.log(model), np.log(data), np.log(loss)

    def of(point: np.ndarray) -> tuple[float, np.ndarray]:
        alpha, beta, e, a, b = point
        terms = np.stack([a - alpha * n, b - beta * d, np.full_like(n, e)])
        top = terms.max(axis=0)
        weights = np.exp(terms - top)
        total = weights.sum(axis=0)
        weights /= total
        residual = top + np.log(total) - target
        size = np.abs(residual)
        value = np.where(size <= DELTA, residual**2 / 2, DELTA * (size - DELTA / 2)).sum()
        pull = np.clip(residual, -DELTA, DELTA) * weights
        return float(value), np.array([-(pull[0] @ n), -(pull[1] @ d), pull[2].sum(), pull[0].sum(), pull[1].sum()])

    return of


def lbfgs(cost: Callable[[np.ndarray], tuple[float, np.ndarray]], starts: np.ndarray, options: dict) -> np.ndarray:
    """The objective at the end of every start [n_starts]."""
    found = [optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options=options) for start in starts]
    return np.array([one.fun for one in found])


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=400)
    parser.add_argument("--draws", type=int, default=4000)
    arguments = parser.parse_args()
    model, data, loss = runs()
    inputs = {"parameters": model, "data": data}
    grid = np.array(list(itertools.product(*STARTS.values())))
    starts = stream(0, "starts").permutation(grid)[: arguments.starts]
    cost = objective(model, data, loss)
    ends: dict[str, np.ndarray] = {}
    fit = fit_law("additive", inputs, loss, shared=None)

    def huber_alone() -> float:
        law = find_law("additive", 2)
        design = make_design(law, np.log(np.column_stack([model, data])))
        places = law.starts(design.x, np.log(loss))
        squares = solve(design, np.log(loss)[None], places).theta
        return fit_huber(design, np.log(loss), np.concatenate([squares, places[:3]]))[1]

    def peer(name: str, options: dict) -> None:
        ends[name] = lbfgs(cost, starts, options)

    jobs: dict[str, Callable[[], object]] = {
        "fit_law": lambda: fit_law("additive", inputs, loss, shared=None),
        "huber alone": huber_alone,
        "lbfgs-default": lambda: peer("lbfgs-default", {}),
        "lbfgs-tight": lambda: peer("lbfgs-tight", TIGHT),
        "bootstrap": lambda: bootstrap(fit, arguments.draws),
    }
    print(machine_line(starts=arguments.starts, draws=arguments.draws))
    times = take_turns({name: _timed(job) for name, job in jobs.items()}, arguments.rounds, warm_up=0)
    print(f"\n{len(loss)} runs, law {fit.formula}: processor seconds, median (lowest, highest)")
    for name, seconds in times.items():
        print(f"{name:16s} {spread(seconds, 3):>28s}")
    ours = huber_alone()
    best = min(ours, *(found.min() for found in ends.values()))
    print(f"\nbest objective: ours {ours:.12f}")
    for name, found in ends.items():
        shares = [float((found <= best * (1 + within)).mean()) for within in (1e-6, 1e-2)]
        near, close = (f"{100 * share:.0f} %" for share in shares)
        worse = found.min() / ours - 1
        print(f"{name:16s} best exceeds ours by {worse:+.1e}, starts within 1e-6 {near}, within 1 % {close}")
        per_fit = statistics.median(times[name])
        print(f"{'':16s} {arguments.draws} draws of such fits would take {per_fit * arguments.draws / 3600:.1f} h")


def _timed(job: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        before = time.process_time()
        job()
        return time.process_time() - before

    return measure


if __name__ == "__main__":
    main()
