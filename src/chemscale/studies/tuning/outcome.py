"""What a tune answers: the best configuration, what is tied with it, what was saved, what the others would reach."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chemscale.base.config import to_toml
from chemscale.base.files import finite
from chemscale.studies.tuning.config import TuneConfig
from chemscale.studies.tuning.decisions_log import TuneDecision
from chemscale.studies.tuning.records import TunedRun
from chemscale.studies.tuning.saving import Saving
from chemscale.tpe import Curve, SeedNoise, TpeResult
from chemscale.tpe.text import significant, text_table


@dataclass(frozen=True, eq=False)
class TuneOutcome:
    """What a tune found.

    Attributes:
        title: of the study.
        folder: of the tune.
        settings: the [tune] table.
        total_epochs: the full budget of every run.
        scored_at: share of the budget at which all runs stood, and which `estimate` reads.
        varying: dotted keys of what varies.
        runs: every run, from best to worst.
        best: name of the best run; None where none came to an end with a finite loss.
        best_values: its whole configuration (its fork's, where that came to a lower loss), as `best.toml` holds it.
        best_settings: what sets it apart: the varying keys without the seed, and a fork's schedule.
        tied: the best run and those that seed noise does not tell apart from it.
        noise: seed noise of a final loss; None where it is not known.
        constant_ranking: runs trained to the end, by final loss.
        cooled_ranking: runs that were forked, by the loss of their forks.
        decisions: in time order.
        estimate: scores and predictions from the first part of all curves.
        saving: what was spent, against all runs to the end.
        curves: what every run has shown, as far as it was trained.
        environment: versions and machine.
        warnings: what a reader should know.
    """

    title: str
    folder: Path
    settings: TuneConfig
    total_epochs: float
    scored_at: float
    varying: tuple[str, ...]
    runs: tuple[TunedRun, ...]
    best: str | None
    best_values: Mapping[str, Any]
    best_settings: Mapping[str, Any]
    tied: tuple[str, ...]
    noise: SeedNoise | None
    constant_ranking: tuple[str, ...]
    cooled_ranking: tuple[str, ...]
    decisions: tuple[TuneDecision, ...]
    estimate: TpeResult
    saving: Saving
    curves: tuple[Curve, ...]
    environment: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def best_toml(self) -> str:
        """The best run's configuration as a TOML file; empty where there is none."""
        return to_toml(self.best_values) if self.best else ""

    @property
    def set_line(self) -> str:
        """The best configuration as command-line settings."""
        words = [word for key, value in self.best_settings.items() for word in ("--set", f"{key}={_plain(value)}")]
        return shlex.join(words)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain JSON types; numbers that are not finite are None."""
        noise = self.noise
        return dict(
            finite(
                {
                    "title": self.title,
                    "tune": self.settings.model_dump(mode="json"),
                    "total_epochs": self.total_epochs,
                    "scored_at": self.scored_at,
                    "varying": list(self.varying),
                    "best": self.best,
                    "best_settings": dict(self.best_settings),
                    "set": self.set_line,
                    "tied": list(self.tied),
                    "seed_noise": None if noise is None else {"deviation": noise.deviation, "freedom": noise.freedom},
                    "ranking": [run.run for run in self.runs],
                    "constant_ranking": list(self.constant_ranking),
                    "cooled_ranking": list(self.cooled_ranking),
                    "runs": [run.to_dict() for run in self.runs],
                    "decisions": [decision.to_dict() for decision in self.decisions],
                    "estimate": self.estimate.to_dict(),
                    "saving": self.saving.to_dict(),
                    "environment": dict(self.environment),
                    "warnings": list(self.warnings),
                }
            )
        )

    def __str__(self) -> str:
        parts = (self._head(), self._table(), self._line(), self._answer(), self._warned())
        return "\n\n".join(part for part in parts if part)

    def _head(self) -> str:
        counts = {status: sum(run.status == status for run in self.runs) for status in _STATUS_WORDS}
        told = ", ".join(f"{count} {_STATUS_WORDS[status]}" for status, count in counts.items() if count)
        scored = f"scored by {self.estimate.estimator} at {100 * self.scored_at:.3g} % of {self.total_epochs:g} epochs"
        return f"{self.title}\npolicy {self.settings.policy}, {scored}\n{len(self.runs)} runs: {told}"

    def _table(self) -> str:
        predicted = {one.run: one for one in self.estimate.predictions}
        cooled = any(run.cooled is not None for run in self.runs)
        heads = ["run", *(key.rpartition(".")[2] for key in self.varying), "status", "epochs", "score"]
        level = f"{self.settings.level:.0%} interval"
        heads += [*(["predicted", level] if predicted else []), "final", *(["cooled"] if cooled else [])]
        rows = []
        for run in self.runs:
            row = [run.run, *(_plain(run.settings[key]) for key in self.varying), run.status, f"{run.epochs:.4g}"]
            row.append(significant(run.score))
            if predicted:
                one = predicted.get(run.run)
                ends = "-" if one is None else f"[{significant(one.student[0])}, {significant(one.student[1])}]"
                row += [significant(one.predicted if one else None), ends]
            rows.append([*row, significant(run.final), *([significant(run.cooled)] if cooled else [])])
        return text_table(heads, rows)

    def _line(self) -> str:
        lines = []
        if line := self.estimate.calibration:
            lines.append(f"predicted by L = {line.slope:.4g} s {line.intercept:+.4g} from {line.n_runs} runs (Eq. 8)")
        if quality := self.estimate.quality:
            within = f"rho = {significant(quality.rho, 3)} over the {quality.n_runs} runs with a final loss"
            lines.append(f"R2 = {significant(quality.r_squared, 3)}, {within}")
        return "\n".join(lines)

    def _answer(self) -> str:
        if self.best is None:
            return "best   none: no run came to its end with a finite loss"
        lines = [f"best   {self.best}", f"       {self.set_line}"]
        others = [run for run in self.tied if run != self.best]
        if others:
            lines.append(f"tied   with it within seed noise: {', '.join(others)}")
        saved, spent = self.saving.shares(), self.saving.spent
        lines.append(
            f"saved  {saved['steps']:.1%} of the steps, {saved['seconds']:.1%} of the seconds, "
            f"{saved['flops']:.1%} of the FLOPs (spent {spent.steps:,.0f} steps, {spent.seconds:,.0f} s, "
            f"{spent.flops:.3g} FLOPs)"
        )
        return "\n".join(lines)

    def _warned(self) -> str:
        return "\n".join(f"warning: {text}" for text in self.warnings)


_STATUS_WORDS = {
    "finished": "finished",
    "calibration": "finished for calibration",
    "stopped": "stopped",
    "diverged": "diverged",
    "failed": "failed",
}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
