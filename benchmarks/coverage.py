"""Do 95 % intervals hold the truth in 95 % of all cases? Simulated studies, fitted and counted.

Every number is a percentage of simulated studies in which an interval holds the true parameter; in brackets those in
which it lies below and above it. 400 studies have a Monte Carlo error of 1.1 % at 95 %.

    alone       laws of one resource: n sizes, noise in ln L, no error shared; ten times as many studies, since of some
                forty numbers with an error of 1.1 % a few would be off by 2.5 %. Target: 92.5 to 97.5 %
    bootstrap   the same by percentiles of the pairs bootstrap: why it is not the default
    surface     the additive law on 8 models x 6 data subsets, 1 % noise, without and with a further 1 % shared by all
                runs of a subset; `fit_law` as it comes, and with shared=None. Target: 90 % or more, where the naive
                intervals of E and beta fall below 80 %
    straight    "drop the largest models until the rest looks straight": a power law fitted to a law with a floor. What
                is reported as beta +- s.e., how many of 8 points are kept, and how often +- t s.e. holds the true 0.25
    warnings    how often a fit says that its law has the wrong form, where it has, and where it has not.
                Target: 80 % or more, and 5 % or less

    python benchmarks/coverage.py                   # 2 minutes
"""

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from chemscale.base.seeds import stream
from chemscale.scaling.bootstrap import bootstrap
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.laws import find_law
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import make_design, solve
from side_by_side import machine_line

POWER = {"alpha": 30.0, "beta": 0.17}
SATURATING = {"L_inf": 0.5, "alpha": 8.0, "beta": 0.25}
ADDITIVE = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}
LONG_GRID = ((6, 10, 8), (6, 9, 6))  # decades and numbers of models and data subsets
SQUARE_GRID = ((5, 9, 8), (7, 11, 6))


def show(label: str, covered: np.ndarray, below: np.ndarray, above: np.ndarray, names: tuple[str, ...]) -> None:
    """One line of a table, every parameter with its misses on either side."""
    parts = [
        f"{name} {100 * hit:5.1f} ({100 * low:.1f}, {100 * high:.1f})"
        for name, hit, low, high in zip(names, covered, below, above, strict=True)
    ]
    print(f"{label:34s} " + "  ".join(parts), flush=True)


def count(ends: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of the studies that hold the truth, lie below and lie above it, of ends [n_studies, n_parameters, 2]."""
    low, high = ends[..., 0], ends[..., 1]
    return ((low <= truth) & (truth <= high)).mean(axis=0), (high < truth).mean(axis=0), (low > truth).mean(axis=0)


def alone(law_name: str, values: Mapping[str, float], sizes: np.ndarray, noise: float, n_draws: int) -> None:
    """All studies of a law of one resource in one batch."""
    law = find_law(law_name, 1)
    design, truth = make_design(law, np.log(sizes)[:, None]), law.coordinates(np.array(list(values.values())))
    start = law.move(truth, -design.centre)[None]
    clean = law.evaluate(start, design.x[None])[0]
    draw = stream(0, "alone", law_name, len(sizes), int(1e6 * noise))
    losses = clean + noise * draw.standard_normal((n_draws, len(sizes)))
    found = solve(design, losses, start)
    freedom = len(sizes) - len(truth)
    quantile = np.full(found.theta.shape, stats.t.ppf(0.975, freedom))
    ends = profile_intervals(design, losses, found.theta, found.squares, found.squares / freedom, quantile)
    show(f"{law_name:11s} n = {len(sizes):2d}  noise {100 * noise:.1f} %", *count(ends, truth), law.names)


def percentiles(law_name: str, values: Mapping[str, float], sizes: np.ndarray, noise: float, n_studies: int) -> None:
    """Percentile intervals of 400 pairs-bootstrap draws of every study; the exponent alone."""
    law = find_law(law_name, 1)
    logs = np.log(sizes)[:, None]
    clean = law.evaluate(law.coordinates(np.array(list(values.values())))[None], logs[None])[0][0]
    draw, ends = stream(0, "percentiles", len(sizes)), []
    for study in range(n_studies):
        fit = fit_law(law, {"resource": sizes}, np.exp(clean + noise * draw.standard_normal(len(sizes))))
        ends.append(bootstrap(fit, 400, seed=study).intervals()["beta"])
    counted = count(np.array(ends)[:, None], np.array([values["beta"]]))
    show(f"{law_name:11s} n = {len(sizes):2d}  noise {100 * noise:.1f} %", *counted, ("beta",))


def surface(decades: tuple, shared: float, own: float, draw: np.random.Generator) -> tuple[dict, np.ndarray]:
    """Runs of one study, a grid of models and data subsets."""
    model, data = np.meshgrid(*(np.logspace(*axis) for axis in decades), indexing="ij")
    loss = ADDITIVE["E"] + ADDITIVE["A"] * model ** -ADDITIVE["alpha"] + ADDITIVE["B"] * data ** -ADDITIVE["beta"]
    noise = own * draw.standard_normal(loss.shape) + shared * draw.standard_normal(model.shape[1])
    return {"parameters": model.ravel(), "data": data.ravel()}, (loss * np.exp(noise)).ravel()


def surfaces(decades: tuple, shared: float, n_draws: int) -> None:
    """Ours and the naive fit on the same studies."""
    ends: dict[str | None, list] = {"auto": [], None: []}
    seen = 0
    for study in range(n_draws):
        inputs, loss = surface(decades, shared, 0.01, stream(study, "surface"))
        for mode, rows in ends.items():
            fit = fit_law("additive", inputs, loss, shared=mode)
            rows.append([fit.intervals[name] for name in ADDITIVE])
            seen += fit.shared_noise is not None
    for mode, rows in ends.items():
        label = f"shared {100 * shared:.0f} %  {'ours' if mode else 'naive'}"
        show(label, *count(np.array(rows), np.array(list(ADDITIVE.values()))), tuple(ADDITIVE))
        widths = np.diff(np.array(rows), axis=-1)[..., 0]
        print(f"{'':34s} median width " + "  ".join(f"{w:.3g}" for w in np.median(widths, axis=0)))
    print(f"{'':34s} a shared error is seen in {100 * seen / n_draws:.1f} % of the studies")


def drop_until_straight(log_size: np.ndarray, log_loss: np.ndarray) -> int:
    """How many points the published habit keeps."""
    for kept in range(len(log_size), 3, -1):
        if np.corrcoef(log_size[:kept], log_loss[:kept])[0, 1] ** 2 >= 0.98:
            return kept
    return 3


def straight(floor: float, n_draws: int, noise: float = 0.01) -> None:
    """The negative control: 8 R^-0.25 plus a floor, eight sizes, dropped until straight."""
    sizes = np.log(np.logspace(5, 9, 8))
    clean = np.log(floor + 8 * np.exp(-0.25 * sizes))
    slopes, errors, kept, hits = [], [], [], []
    for row in clean + noise * stream(0, "straight").standard_normal((n_draws, 8)):
        n = drop_until_straight(sizes, row)
        line = stats.linregress(sizes[:n], row[:n])
        slopes.append(-line.slope)
        errors.append(line.stderr)
        kept.append(n)
        hits.append(abs(-line.slope - 0.25) <= stats.t.ppf(0.975, n - 2) * line.stderr)
    beta, error = np.median(slopes), np.median(errors)
    label = f"floor {floor:.1f}"
    print(f"{label:34s} {beta:.3f} +- {error:.3f}, {np.mean(kept):.1f} points, holds {100 * np.mean(hits):.1f} %")


def says_curved(law: str, inputs: Mapping[str, np.ndarray], clean: np.ndarray, noise: float, n_draws: int) -> float:
    """Share of the studies in which `fit_law` warns that the form is wrong."""
    draw, found = stream(0, "curved", law, len(clean)), 0
    for _ in range(n_draws):
        fit = fit_law(law, inputs, clean * np.exp(noise * draw.standard_normal(len(clean))))
        found += any("is curved" in text for text in fit.warnings)
    return found / n_draws


def warnings(n_draws: int) -> None:
    """Wrong and right forms at some designs."""
    eight, sixteen = np.logspace(3, 8, 8), np.logspace(3, 9, 16)
    with_floor: Callable[[np.ndarray], np.ndarray] = lambda r: 0.5 + 8 * r**-0.25  # noqa: E731
    broken = 0.3 + 20 * sixteen**-0.1 * (1 + (sixteen / 1e6) ** (1 / 0.3)) ** (-0.3 * 0.3)
    inputs, _ = surface(SQUARE_GRID, 0.0, 0.0, stream(0, "none"))
    model, data = inputs["parameters"], inputs["data"]
    additive = 1.8172 + 477.8 * model**-0.3473 + 2143 * data**-0.3672
    product = 40 * model**-0.08 * data**-0.07
    cases: list[tuple[str, str, Mapping[str, np.ndarray], np.ndarray]] = [
        ("wrong: a floor under `power`, n = 8", "power", {"r": eight}, with_floor(eight)),
        ("wrong: a floor under `power`, n = 16", "power", {"r": sixteen}, with_floor(sixteen)),
        ("wrong: a break under `saturating`", "saturating", {"r": sixteen}, broken),
        ("wrong: a product under `additive`", "additive", inputs, product),
        ("wrong: a sum under `kaplan`", "kaplan", inputs, additive),
        ("right: `power`, n = 6", "power", {"r": np.logspace(4, 8, 6)}, 30 * np.logspace(4, 8, 6) ** -0.17),
        ("right: `power`, n = 8", "power", {"r": eight}, 30 * eight**-0.17),
        ("right: `saturating`, n = 8", "saturating", {"r": eight}, with_floor(eight)),
        ("right: `saturating`, n = 16", "saturating", {"r": sixteen}, with_floor(sixteen)),
        ("right: `broken`, n = 16", "broken", {"r": sixteen}, broken),
        ("right: `additive`, 8 x 6", "additive", inputs, additive),
    ]
    for label, law, given, clean in cases:
        share = says_curved(law, given, clean, 0.01, n_draws)
        print(f"{label:38s} {100 * share:5.1f} %", flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--only", choices=("alone", "bootstrap", "surface", "straight", "warnings"))
    arguments = parser.parse_args()
    n_draws = arguments.draws
    error = 100 * np.sqrt(0.95 * 0.05 / n_draws)
    print(machine_line(draws=n_draws))
    print(f"one Monte Carlo standard error at 95 % is {error:.1f} %; in brackets misses below and above")

    def alone_table() -> None:
        for n in (4, 5, 6, 8, 16):
            for noise in (0.005, 0.02):
                alone("power", POWER, np.logspace(4, 8, n), noise, 10 * n_draws)
        for n in (5, 6, 8, 16):
            for noise in (0.005, 0.02):
                alone("saturating", SATURATING, np.logspace(3, 8, n), noise, 10 * n_draws)

    def bootstrap_table() -> None:
        for n in (8, 16, 30, 60):
            percentiles("power", POWER, np.logspace(4, 8, n), 0.02, n_draws)
        for n in (8, 16, 30, 60):
            percentiles("saturating", SATURATING, np.logspace(3, 8, n), 0.005, n_draws)

    def surface_table() -> None:
        for decades, shared in ((SQUARE_GRID, 0.0), (SQUARE_GRID, 0.01), (LONG_GRID, 0.0), (LONG_GRID, 0.01)):
            models, subsets = (f"1e{low}..1e{high}" for low, high, _ in decades)
            print(f"N {models}, D {subsets}")
            surfaces(decades, shared, n_draws)

    def straight_table() -> None:
        for floor in (0.0, 0.1, 0.3, 0.6):
            straight(floor, n_draws)

    tables: dict[str, Callable[[], None]] = {
        "alone": alone_table,
        "bootstrap": bootstrap_table,
        "surface": surface_table,
        "straight": straight_table,
        "warnings": lambda: warnings(n_draws),
    }
    for name, table in tables.items():
        if arguments.only in (None, name):
            print(f"\n{name}")
            before = time.process_time()
            table()
            print(f"{'':34s} {time.process_time() - before:.0f} s")


if __name__ == "__main__":
    main()
