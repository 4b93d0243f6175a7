"""What `estimate` answers: frozen records that print well and go to JSON."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from chemscale.base.files import finite
from chemscale.tpe.budget import Budget
from chemscale.tpe.estimators import ESTIMATORS, Reading
from chemscale.tpe.regression import Calibration
from chemscale.tpe.text import number, significant, text_table
from chemscale.tpe.ties import SeedNoise

JSON_NAMES = {"sum": "tse"}  # in the table of runs the sum goes by its name in the literature
RunStatus = Literal["scored", "diverged", "not scored"]


@dataclass(frozen=True)
class RunEstimate:
    """One run at the budget.

    Attributes:
        run: its name.
        status: "scored", "diverged" (ranked last), or "not scored" (too little was seen of it).
        rank: from 1, shared by equal scores; None where it is not scored.
        score: the chosen estimator's value; +inf diverged, NaN not scored.
        values: every estimator's value.
        epochs_seen: epochs that the estimate has seen of it.
        steps_seen: logged training losses among them.
        diverged_at: epochs completed when its loss was no longer finite, or None.
        final: its converged loss where it is known, +inf where it diverged.
    """

    run: str
    status: RunStatus
    rank: float | None
    score: float
    values: dict[str, float]
    epochs_seen: float
    steps_seen: int
    diverged_at: float | None
    final: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: `run`, `tse`, `tse_e`, `tse_ema` and the other estimators; None for what is not finite."""
        values = {JSON_NAMES.get(name, name): self.values[name] for name in ("sum", "tse_e", "tse_ema")}
        values |= {name: value for name, value in self.values.items() if name != "sum"}
        rest = {
            "score": self.score,
            "rank": self.rank,
            "status": self.status,
            "epochs_seen": self.epochs_seen,
            "steps_seen": self.steps_seen,
            "diverged_at": self.diverged_at,
            "final": self.final,
        }
        return dict(finite({"run": self.run, **values, **rest}))


@dataclass(frozen=True)
class Prediction:
    """The converged loss that the line of Eq. 8 gives one run, with two prediction intervals.

    Attributes:
        run: its name.
        predicted: m s + b.
        student: Student-t interval at `student_level`.
        jackknife: jackknife+ interval at `jackknife_level`, the level attained.
        extrapolated: whether its score lies outside of those calibrated on.
        calibrated_on: whether it is one of the calibration runs, so that this is no test of the line.
    """

    run: str
    predicted: float
    student: tuple[float, float]
    student_level: float
    jackknife: tuple[float, float]
    jackknife_level: float
    extrapolated: bool
    calibrated_on: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "run": self.run,
            "predicted": self.predicted,
            "student_t": {"low": self.student[0], "high": self.student[1], "level": self.student_level},
            "jackknife_plus": {"low": self.jackknife[0], "high": self.jackknife[1], "level": self.jackknife_level},
            "extrapolated": self.extrapolated,
            "calibration_run": self.calibrated_on,
        }


@dataclass(frozen=True)
class Quality:
    """How well the scores order the runs whose converged loss is known.

    Attributes:
        n_runs: how many those are, diverged ones included.
        rho: Spearman's rho over all of them.
        rho_best_third: the same inside the truly best third, where poor runs cannot inflate it.
        r_squared: R2 of the line of Eq. 8 on the finite ones: in-sample.
    """

    n_runs: int
    rho: float
    rho_best_third: float
    r_squared: float


@dataclass(frozen=True, eq=False)
class TpeResult:
    """Scores, ranking and predictions of a set of runs at one budget.

    Attributes:
        estimator: what ranks and predicts.
        budget: what was seen of every run.
        reading: how the curves were read.
        one_epoch_more: whether TSE-E and TSE-EMA read T + 1 epochs, as the code released with the paper does.
        runs: one record a run, in the order given.
        ranking: runs from the best to the worst, diverged ones last, those not scored left out.
        tied: the ranking as sets of runs that seed noise does not tell apart; None where the noise is not known.
        seed_noise: what the ties rest on.
        calibration: the line of Eq. 8, or None (see the warnings).
        quality: rho and R2 where converged losses are known.
        predictions: one a run that did not diverge, where there is a line.
        warnings: what a reader should know before using this.
    """

    estimator: str
    budget: Budget
    reading: Reading
    one_epoch_more: bool
    runs: tuple[RunEstimate, ...]
    ranking: tuple[str, ...]
    tied: tuple[tuple[str, ...], ...] | None
    seed_noise: SeedNoise | None
    calibration: Calibration | None
    quality: Quality | None
    predictions: tuple[Prediction, ...]
    warnings: tuple[str, ...]

    @property
    def best(self) -> tuple[str, ...]:
        """The best run, with those tied with it; empty where every run diverged."""
        finite_runs = {run.run for run in self.runs if math.isfinite(run.score)}
        first = self.tied[0] if self.tied else self.ranking[:1]
        return tuple(run for run in first if run in finite_runs)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON types; numbers that are not finite are None."""
        noise = self.seed_noise
        quality = self.quality
        return dict(
            finite(
                {
                    "estimator": self.estimator,
                    "epochs": self.budget.epochs,
                    "total_epochs": self.budget.total_epochs,
                    "fraction": self.budget.fraction,
                    "losses_read": self.reading.source,
                    "window_share": self.reading.share,
                    "warmup_steps": self.reading.warmup_steps,
                    "tse_e_last_epochs": self.reading.last_epochs,
                    "tse_ema_decay": self.reading.decay,
                    "tse_e_and_tse_ema_epochs": self.budget.epochs + self.one_epoch_more,
                    "runs": [run.to_dict() for run in self.runs],
                    "ranking": list(self.ranking),
                    "best": list(self.best),
                    "tied": None if self.tied is None else [list(members) for members in self.tied],
                    "seed_noise": None if noise is None else {"deviation": noise.deviation, "freedom": noise.freedom},
                    "calibration": None if self.calibration is None else self.calibration.to_dict(),
                    "quality": None if quality is None else dict(vars(quality)),
                    "predictions": [prediction.to_dict() for prediction in self.predictions],
                    "warnings": list(self.warnings),
                }
            )
        )

    def __str__(self) -> str:
        seen = f"{self.budget.epochs:g} of {self.budget.total_epochs:g} epochs ({100 * self.budget.fraction:.3g} %)"
        which = f"{self.estimator}: {ESTIMATORS[self.estimator].words}"
        if self.estimator in ("window", "power_law"):
            which += f", {'validation' if self.reading.source == 'validation' else 'training'} losses"
        head = f"{len(self.runs)} runs, {seen} seen\nranked by {which}"
        if self.one_epoch_more:
            head += (
                f"\ntse_e and tse_ema read {self.budget.epochs + 1:g} epochs, as the code released with the paper does"
            )
        warnings = "\n".join(f"warning: {text}" for text in self.warnings)
        return "\n\n".join(part for part in (head, self._run_table(), self._line_text(), warnings) if part)

    def _run_table(self) -> str:
        predicted = {one.run: one for one in self.predictions}
        heads = ["run", "rank", "score", "tse", "tse_e", "tse_ema"]
        if predicted:
            one = self.predictions[0]
            heads += ["predicted", f"{one.student_level:.0%} Student t", f"{one.jackknife_level:.0%} jackknife+"]
        if any(run.final is not None for run in self.runs):
            heads.append("final")
        order = {name: index for index, name in enumerate(self.ranking)}
        rows = []
        for run in sorted(self.runs, key=lambda one: order.get(one.run, len(order))):
            row = [run.run, "-" if run.rank is None else f"{run.rank:g}", significant(run.score)]
            row += [significant(run.values[name], 6) for name in ("sum", "tse_e", "tse_ema")]
            if predicted:
                row += _prediction_cells(predicted.get(run.run))
            if "final" in heads:
                row.append(significant(run.final))
            rows.append(row)
        return text_table(heads, rows)

    def _line_text(self) -> str:
        lines = []
        if self.calibration:
            line = self.calibration
            lines.append(f"L = {line.slope:.4g} s {line.intercept:+.4g} from {line.n_runs} runs (Eq. 8)")
        if self.quality:
            q = self.quality
            lines.append(
                f"R2 = {number(q.r_squared, 3)}, rho = {number(q.rho, 3)} over {q.n_runs} runs, "
                f"{number(q.rho_best_third, 3)} in the best third"
            )
        if self.tied is not None and len(self.best) > 1:
            lines.append(f"tied for the best within seed noise: {', '.join(self.best)}")
        return "\n".join(lines)


def _prediction_cells(prediction: Prediction | None) -> list[str]:
    if prediction is None:
        return ["-", "-", "-"]
    mark = "*" if prediction.extrapolated else ""
    ends = [f"[{significant(low)}, {significant(high)}]" for low, high in (prediction.student, prediction.jackknife)]
    return [f"{significant(prediction.predicted)}{mark}", *ends]
