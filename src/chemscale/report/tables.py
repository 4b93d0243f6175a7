"""The tables of a report: fits and runs, as data frames for CSV and as HTML for the page."""

import html
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from chemscale.report.axes import short, title_of
from chemscale.report.contents import StudyReport
from chemscale.report.html_table import table_html
from chemscale.report.remarks import group_names, remarks
from chemscale.scaling.groups import GroupFit
from chemscale.scaling.range import Verdict

_METRICS = {
    "seen_loss": "loss, random frames",
    "force_mae": "force MAE (meV/Å)",
    "force_rmse": "force RMSE (meV/Å)",
    "energy_mae": "energy MAE (meV/atom)",
    "energy_rmse": "energy RMSE (meV/atom)",
    "energy_drift": "mean energy error (meV/atom)",
    "seen_force_mae": "force MAE, random frames (meV/Å)",
    "seen_energy_mae": "energy MAE, random frames (meV/atom)",
}
_RUN_COLUMNS = {
    "run": "run",
    "status": "status",
    "family": "family",
    "capacity": "capacity",
    "n_parameters": "parameters",
    "data_points": "data",
    "seed": "seed",
    "validation_loss": "best loss",
    "final_validation_loss": "last loss",
    "train_loss": "training loss",
    **_METRICS,
    "tokens_seen": "tokens seen",
    "steps": "steps",
    "training_flops": "FLOPs",
    "seconds": "time",
    "peak_memory_bytes": "memory",
    "precision": "precision",
    "attention": "attention",
}
VERDICTS: dict[Verdict, str] = {
    "straight": "holds",
    "ends left out": "holds in its range",
    "bent": "does not hold: points bend",
    "scattered": "holds, scatter beyond seeds",
    "too few points": "too few points to test",
    "all": "not tested",
    "given": "not tested",
    "as published": "not tested",
}
_SHORT = {"n_parameters", "n_parameters_total", "data_points", "tokens", "tokens_seen", "training_flops", "steps"}
_TEXT = {"run", "status", "precision", "attention", "family"}


def fits_frame(fits: Sequence[GroupFit]) -> pd.DataFrame:
    """One row per fit with plain numbers, for `fits.csv`; a group without a law has its reason in `problem`."""
    rows = []
    for fit in fits:
        row: dict[str, Any] = {"x": fit.x, "y": fit.y, "group": fit.group, "value": fit.value}
        if fit.law is not None:
            law, ends = fit.law, fit.law.intervals
            row |= {"alpha": law.alpha, "alpha_low": ends["alpha"][0], "alpha_high": ends["alpha"][1]}
            row |= {"beta": law.beta, "beta_low": ends["beta"][0], "beta_high": ends["beta"][1]}
            row |= {"alpha_standard_error": law.standard_errors["alpha"]}
            row |= {"beta_standard_error": law.standard_errors["beta"], "level": law.level}
            row |= {"r_squared": law.r_squared, "n_points": law.n_points, "verdict": law.verdict}
            row |= {"range_low": law.range[0], "range_high": law.range[1]}
            row |= {"left_out": "; ".join(f"{out.point.resource:g}: {out.reason}" for out in law.left_out)}
            row |= {"warnings": "; ".join(law.warnings)}
        row |= {"problem": fit.problem, "n_runs": fit.n_runs, "not_used": "; ".join(fit.not_used)}
        rows.append(row)
    return pd.DataFrame(rows)


def fits_html(fits: Sequence[GroupFit], data_unit: str) -> str:
    """The fits of one resource as an HTML table, warnings and left-out points in words."""
    group = title_of(fits[0].group, data_unit) if fits[0].group else "runs"
    level = next((f"{100 * fit.law.level:g} %" for fit in fits if fit.law), "")
    heads = [group, "α", f"α, {level} interval", f"β ± {level} interval", "standard error of β", "R²"]
    heads += ["points used", "range", "law"]
    named = zip(fits, group_names(fits), strict=True)
    rows = "".join(f"<tr>{_fit_cells(fit, name)}</tr>" for fit, name in named)
    lines = (
        f"<li><b>{html.escape(', '.join(names))}</b> {html.escape(text)}</li>" for text, names in remarks(fits).items()
    )
    return (
        table_html(heads, ["", "", "", "", "", "", "", "", "text"], rows) + f"<ul class='remarks'>{''.join(lines)}</ul>"
    )


def runs_html(report: StudyReport) -> str:
    """All runs as a sortable HTML table: the columns that every study has, and those that vary."""
    table = report.table
    varying = [name for name in table.columns if "." in str(name) and name not in _RUN_COLUMNS]
    fixed = [name for name in _RUN_COLUMNS if name in table.columns and _tells_something(report, name)]
    columns = [*fixed[:2], *varying, *fixed[2:]]
    heads = [_RUN_COLUMNS.get(name, name) for name in columns]
    kinds = ["text" if name in _TEXT else "" for name in columns]
    rows = []
    for _, run in table.iterrows():
        cells = (_run_cell(name, run[name], kind) for name, kind in zip(columns, kinds, strict=True))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return table_html(heads, kinds, "".join(rows), sortable=True)


def loss_text(loss: float, decimals: int = 3) -> str:
    """A loss with `decimals` places, and with as many significant digits where it is below 0.1."""
    return f"{loss:.{decimals}f}" if not abs(loss) < 0.1 else f"{loss:.{decimals}g}"


def _tells_something(report: StudyReport, column: str) -> bool:
    if column == "family":
        return report.table[column].nunique() > 1
    if column in _METRICS:
        return bool(report.table[column].notna().any())
    return column != "capacity" or report.model_size == "capacity"


def _fit_cells(fit: GroupFit, name: str) -> str:
    first = f"<td>{html.escape(name)}</td>"
    if fit.law is None:
        return first + "<td>–</td>" * 7 + "<td class='text'>no law</td>"
    law = fit.law
    (alpha_low, alpha_high), (low, high) = law.intervals["alpha"], law.intervals["beta"]
    cells = [
        f"{law.alpha:.4g}",
        f"{alpha_low:.3g} – {alpha_high:.3g}",
        f"<b>{law.beta:.3f}</b> ± {(high - low) / 2:.3f}",
        f"{law.standard_errors['beta']:.4f}",
        f"{law.r_squared:.4f}",
        f"{law.n_points}<small> of {law.n_points + len(law.left_out)}</small>",
        f"{short(law.range[0])} – {short(law.range[1])}",
    ]
    return first + "".join(f"<td>{cell}</td>" for cell in cells) + f"<td class='text'>{VERDICTS[law.verdict]}</td>"


def _run_cell(name: str, value: Any, kind: str) -> str:
    if name == "status":
        return f"<td class='text status {html.escape(str(value))}'>{html.escape(str(value))}</td>"
    if kind == "text" or isinstance(value, str):
        return f"<td class='text'>{html.escape(str(value))}</td>"
    number = float(value) if pd.notna(value) else float("nan")
    if not math.isfinite(number):
        return "<td data-value=''>–</td>"
    return f"<td data-value='{number!r}'>{_number_text(name, number)}</td>"


def _number_text(name: str, number: float) -> str:
    if name == "seconds":
        return (
            f"{number / 3600:.1f} h"
            if number >= 7200
            else f"{number / 60:.1f} min"
            if number >= 120
            else f"{number:.1f} s"
        )
    if name == "peak_memory_bytes":
        return f"{number / 2**20:.0f} MiB"
    if name.endswith("loss"):
        return loss_text(number, 4)
    if name in _METRICS:
        return f"{number:.4g}"
    return short(number) if name in _SHORT else f"{number:.6g}"
