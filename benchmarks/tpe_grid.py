"""Training performance estimation on a grid whose truth is known: estimators and stopping rules side by side.

    python benchmarks/tpe_grid.py                          # the committed grid of ChemGPT on MOSES
    python benchmarks/tpe_grid.py CURVES [--write TABLE]   # run folders of a finished grid, or any table of curves
    python benchmarks/tpe_grid.py --figures FOLDER         # also the report of the tune that `window` would be

Ten seconds. `benchmarks/data/chemgpt-moses-curves.csv` has the epoch means of 36 runs of the preset
frey2023/chemgpt-tpe, all trained to the end by `chemscale study` (2026-11-20; data.source is the MOSES test split,
data.limit 20,000): 6 learning rates x 3 batch sizes x 2 seeds, 20 epochs of 5,000 molecules.

    R2, rho      of the line of Eq. 8 and of Spearman, over all runs that did not diverge, in sample as in the paper
    best third   rho inside the best third of the runs: poor runs inflate the first one
    regret       loss of the run that would be chosen, above the best one's, in nats; over resampled grids
    kept         how often the best run of a resampled grid, or its tie within seed noise, is finished
    saved        share of all optimiser steps (a batch of 16 takes 16 times those of one of 256), and of all examples
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from chemscale.report.tuning.folder import write_tuning_report
from chemscale.report.tuning.replay import replay_tuning
from chemscale.tpe import Curve, KeepBest, compare, estimate, read_curves

TABLE = Path(__file__).parent / "data" / "chemgpt-moses-curves.csv"
N_EXAMPLES = 5000


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("curves", nargs="?", type=Path, default=TABLE)
    parser.add_argument("--write", type=Path, help="write the epoch means of the curves to this table")
    parser.add_argument("--figures", type=Path, help="write the report of a replayed tune into this folder")
    options = parser.parse_args()
    curves = read_curves(options.curves)
    if options.write:
        epoch_table(curves).to_csv(options.write, index=False, float_format="%.6g")
    print(f"{len(curves)} runs\n")
    for name in ("sum", "window"):
        quality = estimate(curves, fraction=0.2, estimator=name).quality
        if quality:
            print(f"{name:8s} at 20 %: R2 = {quality.r_squared:.3f}, rho = {quality.rho:.3f}, "
                  f"best third {quality.rho_best_third:.3f}  ({quality.n_runs} runs)")  # fmt: skip
    print("\ncost in optimiser steps")
    print(compare(curves, costs=steps_of(curves), n_resamples=1000))
    print("\ncost in examples")
    print(compare(curves, n_resamples=1000))
    if options.figures:
        replay(curves, options.figures)


def steps_of(curves: Sequence[Curve]) -> dict[str, float]:
    """Optimiser steps of every whole run."""
    return {curve.run: 20.0 * np.ceil(N_EXAMPLES / float(batch_size(curve))) for curve in curves}


def batch_size(curve: Curve) -> float:
    """The batch size among a curve's settings."""
    return float(next(value for name, value in curve.settings.items() if name.endswith("batch_size")))


def epoch_table(curves: Sequence[Curve]) -> pd.DataFrame:
    """One row per run and epoch: settings, mean training loss, validation loss."""
    names = [name for name in curves[0].settings if len({curve.settings.get(name) for curve in curves}) > 1]
    rows = []
    for curve in curves:
        settings = {name.rpartition(".")[2]: curve.settings[name] for name in names}
        validation = dict(zip(np.round(curve.validation_progress, 6), curve.validation_losses, strict=True))
        for epoch in np.unique(curve.epochs):
            mean = curve.losses[curve.epochs == epoch].mean()
            row = {"epoch": epoch + 1, "train_loss": mean, "validation_loss": validation.get(epoch + 1)}
            rows.append({"run": curve.run, **settings, **row})
    return pd.DataFrame(rows)


def replay(curves: Sequence[Curve], folder: Path) -> None:
    """The report of the tune that `window` at 20 % would have been."""
    title = "Training performance estimation of ChemGPT on MOSES, replayed on finished runs"
    report = replay_tuning(title, curves, KeepBest(share=0.2, keep=3), policy_name="window at 20 %, keep 3")
    command = f"python benchmarks/tpe_grid.py --figures {folder}"
    print(f"\nreport  {write_tuning_report(dataclasses.replace(report, commands=[command]), folder)}")


if __name__ == "__main__":
    main()
