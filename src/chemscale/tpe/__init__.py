"""Training performance estimation: early curves -> which runs are worth finishing, and how good they will be.

Numpy, pandas and scipy only. Not to be taken for the Tree-structured Parzen Estimator of other tuners.

log_table.py          CSV, TSV and JSON lines of any program as columns with line numbers
columns.py            which column holds the run, the epoch, the step and the losses
resumed.py            resumed logs: the later rows count
run_rows.py           the rows of each run in a log
curve.py              one run's curve, and cutting it where it stood at a budget
curves.py             files, folders and tables -> curves
run_folders.py        this program's own run folders -> curves
budget.py             how much of each run an estimate may see
estimators.py         TSE, TSE-E, TSE-EMA, the window, last losses, the power law: the registry
extrapolation.py      a power law through one curve
scoring.py            scores of many runs, all read alike
finals.py             converged losses from a table or from the ends of curves
ranking.py            ranks, Spearman's rho, rho among the best, regret
regression.py         the line of Eq. 8, Student-t and jackknife+ intervals, what it refuses
ties.py               seed noise and tied sets
records.py            what `estimate` answers
estimate_warnings.py  what its reader should know
result.py             `estimate`
callbacks/            in other people's training: a recorder, Lightning, Hugging Face, Optuna
callbacks/            other people's training: a recorder, Lightning, Hugging Face, Optuna
policies/             who goes on: window, halving, race, the i-epoch baseline
simulation.py         policies at work: now, or replayed on finished curves
comparison.py         all estimators and policies side by side
text.py               tables as plain text
"""

from chemscale.tpe.comparison import Comparison, EstimatorRow, PolicyRow, compare, default_policies
from chemscale.tpe.curve import Curve, curve_of_steps
from chemscale.tpe.curves import curves_from_table, read_curves
from chemscale.tpe.estimators import ESTIMATORS, Estimator, Reading, score, shared_source
from chemscale.tpe.finals import final_losses, read_final_losses
from chemscale.tpe.policies import POLICIES, Decision, FirstEpochs, Halving, KeepBest, Known, Policy, Race
from chemscale.tpe.ranking import spearman_rho
from chemscale.tpe.records import Prediction, Quality, RunEstimate, TpeResult
from chemscale.tpe.regression import Calibration, calibrate
from chemscale.tpe.result import estimate
from chemscale.tpe.run_folders import curve_of_run
from chemscale.tpe.scoring import scores_at
from chemscale.tpe.simulation import Expected, Outcome, Replay, decide_now
from chemscale.tpe.ties import SeedNoise, noise_of_repeats, tied_sets

__all__ = [
    "ESTIMATORS",
    "POLICIES",
    "Calibration",
    "Comparison",
    "Curve",
    "Decision",
    "Estimator",
    "EstimatorRow",
    "Expected",
    "FirstEpochs",
    "Halving",
    "KeepBest",
    "Known",
    "Outcome",
    "Policy",
    "PolicyRow",
    "Prediction",
    "Quality",
    "Race",
    "Reading",
    "Replay",
    "RunEstimate",
    "SeedNoise",
    "TpeResult",
    "calibrate",
    "compare",
    "curve_of_run",
    "curve_of_steps",
    "curves_from_table",
    "decide_now",
    "default_policies",
    "estimate",
    "final_losses",
    "noise_of_repeats",
    "read_curves",
    "read_final_losses",
    "score",
    "scores_at",
    "shared_source",
    "spearman_rho",
    "tied_sets",
]
