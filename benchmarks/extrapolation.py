"""Do forecast intervals hold beyond the data? Held-out extrapolation on tables of losses, and on simulated laws.

    python benchmarks/extrapolation.py losses.csv --parameters params --data tokens --loss loss [--group experiment]
        [--budget budget] [--drop outlier] [--laws additive kaplan log-quadratic] [--folds 2 4]
    python benchmarks/extrapolation.py losses.csv --parameters N --compute C --loss loss       # data = C / (6 N)
    python benchmarks/extrapolation.py --simulate 40

A minute for 1,000 rows. Every group of rows is fitted up to some shares of its distinct budgets (without --budget: of
N * D), and every run of at least 2 and 4 times the largest fitted budget is forecast. The table has the share of runs
inside intervals of nominal level 90 % made of the parameters, then of parameters and noise, then with the discrepancy,
which is what `forecast` returns; as "pooled / median group / lowest group". Splits of one group share runs, so the
shares are no independent draws. Exponents whose interval touches zero are forecast here by force, and counted.

    half width     median over splits of the median half width of the interval, in per cent of the loss
    wider          median ratio of the last half width to the one of parameters and noise
    bias           median ln(measured/predicted) of all forecast runs, in per cent
    refused        splits that `forecast` refuses unless it is forced
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.prediction.forecast import forecast

LEVEL = 0.90
FEWEST_HELD_OUT = 3
KINDS = ("parameters", "+ noise", "+ discrepancy")


@dataclass(frozen=True)
class Runs:
    """Runs of one group, in arrays [n_runs]."""

    group: str
    parameters: np.ndarray
    data: np.ndarray
    loss: np.ndarray
    budget: np.ndarray

    def part(self, kept: np.ndarray) -> "Runs":
        """The runs where `kept` holds."""
        return Runs(self.group, *(array[kept] for array in (self.parameters, self.data, self.loss, self.budget)))


@dataclass(frozen=True)
class Split:
    """Held-out runs of one split: inside [n_runs, 3], half widths in ln L [n_runs, 3], errors [n_runs]."""

    group: str
    inside: np.ndarray
    half: np.ndarray
    error: np.ndarray
    refused: bool


def main() -> None:
    """Measure, and print one table."""
    parser = arguments()
    options = parser.parse_args()
    if not options.tables and not options.simulate:
        parser.error("give tables, or --simulate and a number of draws")
    print(
        "| runs | law | beyond | splits | runs | " + " | ".join(KINDS) + " | half width % | wider | bias % | refused |"
    )
    print("|---|---|---|---|---|" + "---|" * 3 + "---|---|---|---|")
    for path in options.tables:
        groups = list(read_groups(path, options))
        for law in options.laws:
            for fold in options.folds:
                report(
                    path.stem,
                    law,
                    fold,
                    [split for runs in groups for split in splits(runs, law, fold, options.shares)],
                )
    if options.simulate:
        for truth, loss_of in TRUTHS.items():
            groups = [simulated(truth, loss_of, seed) for seed in range(options.simulate)]
            for law in options.laws:
                report(
                    f"simulated: {truth}",
                    law,
                    2.0,
                    [split for runs in groups for split in splits(runs, law, 2.0, [0.6])],
                )


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="*", type=Path, help="CSV tables with equal column names")
    parser.add_argument("--parameters", default="n_parameters", help="column of model sizes")
    parser.add_argument("--data", default="tokens", help="column of data sizes")
    parser.add_argument("--compute", help="column of training FLOPs, from which data = C / (6 N)")
    parser.add_argument("--loss", default="loss", help="column of losses")
    parser.add_argument("--budget", help="column along which larger runs are held out; N * D without it")
    parser.add_argument("--group", help="column of groups that are fitted alone")
    parser.add_argument("--drop", help="column that is true for rows to leave out")
    parser.add_argument("--drop-largest", type=int, default=0, help="leave out so many rows of largest loss")
    parser.add_argument("--laws", nargs="+", default=["additive", "kaplan", "log-quadratic"])
    parser.add_argument("--folds", type=float, nargs="+", default=[2.0, 4.0], help="times the largest fitted budget")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 0.6, 0.7, 0.8], help="of the distinct budgets")
    parser.add_argument("--simulate", type=int, default=0, help="draws of every simulated truth")
    return parser


def read_groups(path: Path, options: argparse.Namespace) -> Iterator[Runs]:
    """The groups of a table."""
    table = pd.read_csv(path)
    if options.drop:
        table = table[~table[options.drop].astype(bool)]
    table = table.sort_values(options.loss)
    table = table.iloc[: len(table) - options.drop_largest]
    for name, part in table.groupby(options.group) if options.group else [(path.stem, table)]:
        sizes, loss = part[options.parameters].to_numpy(float), part[options.loss].to_numpy(float)
        data = (
            part[options.compute].to_numpy(float) / 6 / sizes if options.compute else part[options.data].to_numpy(float)
        )
        budget = part[options.budget].to_numpy(float) if options.budget else sizes * data
        yield Runs(str(name), sizes, data, loss, budget)


def splits(runs: Runs, law: str, fold: float, shares: list[float]) -> Iterator[Split]:
    """Fit the smaller budgets and forecast the larger ones, once for every different training set."""
    edges = np.unique([np.quantile(np.unique(runs.budget), share, method="lower") for share in shares])
    for edge in edges:
        trained, held = runs.budget <= edge, runs.budget >= fold * edge * (1 - 1e-6)
        if held.sum() >= FEWEST_HELD_OUT:
            try:
                yield forecast_split(runs.part(trained), runs.part(held), law)
            except FitError as error:
                print(f"{runs.group}: {error}")


def forecast_split(trained: Runs, held: Runs, law: str) -> Split:
    """One split."""
    fit = fit_law(law, {"parameters": trained.parameters, "data": trained.data}, trained.loss, level=LEVEL)
    found = forecast(fit, held.parameters, held.data, level=LEVEL, force=True)
    t = special.stdtrit(fit.freedom.min(), 0.5 + LEVEL / 2)
    spread = [
        t * np.sqrt(found.parameters),
        t * np.sqrt(found.parameters + found.noise),
        np.log(found.high / found.value),
    ]
    half, error = np.column_stack(spread), np.log(held.loss / found.value)
    refused = any("touches zero" in text for text in found.warnings)
    return Split(trained.group, np.abs(error)[:, None] <= half, half, error, refused)


def report(name: str, law: str, fold: float, found: list[Split]) -> None:
    """Print one row of the table."""
    if not found:
        print(f"| {name} | {law} | {fold:g}x | 0 |" + " - |" * 8)
        return
    inside = np.concatenate([split.inside for split in found])
    groups = sorted({split.group for split in found})
    by_group = np.array(
        [np.concatenate([s.inside for s in found if s.group == group]).mean(axis=0) for group in groups]
    )
    cover = [
        f"{inside[:, kind].mean():.2f} / {np.median(by_group[:, kind]):.2f} / {by_group[:, kind].min():.2f}"
        for kind in range(len(KINDS))
    ]
    half = np.array([np.median(split.half, axis=0) for split in found])
    widths = " ".join(f"{100 * width:.2f}" for width in np.median(half, axis=0))
    bias = np.median(np.concatenate([split.error for split in found]))
    cells = [name, law, f"{fold:g}x", str(len(found)), str(len(inside)), *cover, widths]
    cells += [f"{np.median(half[:, 2] / half[:, 1]):.1f}x", f"{100 * bias:+.2f}", str(sum(s.refused for s in found))]
    print("| " + " | ".join(cells) + " |", flush=True)


def terms(sizes: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The model term and the data term of a typical additive law."""
    return 480 / sizes**0.35, 2100 / data**0.37


def log_quadratic(sizes: np.ndarray, data: np.ndarray) -> np.ndarray:
    """A bent surface without a floor."""
    n, d = np.log(sizes / 1e9), np.log(data / 2e10)
    return np.exp(0.95 - 0.045 * n - 0.05 * d + 0.0035 * n**2 + 0.004 * d**2 - 0.003 * n * d)


def kaplan(sizes: np.ndarray, data: np.ndarray) -> np.ndarray:
    """A surface without a floor whose two terms limit each other."""
    return ((8.8e13 / sizes) ** (0.076 / 0.095) + 5.4e13 / data) ** 0.095


TRUTHS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "additive": lambda n, d: 1.8 + sum(terms(n, d)),
    "additive with interaction": lambda n, d: 1.8 + sum(terms(n, d)) + 0.5 * np.sqrt(np.prod(terms(n, d), axis=0)),
    "additive, data exponent falls": lambda n, d: 1.8 + terms(n, d)[0] + 2100 / d**0.37 * (1 + d / 2e10) ** 0.12,
    "log-quadratic": log_quadratic,
    "kaplan": kaplan,
}


def simulated(truth: str, loss_of: Callable[[np.ndarray, np.ndarray], np.ndarray], seed: int) -> Runs:
    """Nine budgets of nine sizes with half a per cent of noise."""
    budget = np.repeat(np.geomspace(6e18, 3e21, 9), 9)
    best = 1e9 * np.sqrt(budget / 1.2e20)
    sizes = best * np.tile(np.geomspace(0.25, 4, 9), 9)
    data = budget / 6 / sizes
    noise = np.random.default_rng(seed).normal(0, 0.005, len(sizes))
    return Runs(f"{truth} {seed}", sizes, data, loss_of(sizes, data) * np.exp(noise), budget)


if __name__ == "__main__":
    main()
