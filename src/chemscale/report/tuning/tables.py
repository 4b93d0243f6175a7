"""The tables of a tuning, as data frames for CSV and as HTML for the page."""

import html
import math
from typing import Any

import pandas as pd

from chemscale.report.html_table import table_html
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.labels import percent, plain_setting, value_text
from chemscale.report.tuning.runs import TunedRuns
from chemscale.report.tuning.theme import DIVERGED, KEPT
from chemscale.tpe import ESTIMATORS, Comparison


def runs_frame(report: TuningReport, runs: TunedRuns) -> pd.DataFrame:
    """One row per run, the best first, with its settings, for `runs.csv`."""
    table = runs.table
    names = list(dict.fromkeys(name for values in report.settings.values() for name in values))
    varying = [name for name in names if name in runs.names]
    settings = {name: [report.settings.get(run, {}).get(name, "") for run in table["run"]] for name in varying}
    clash = {name: f"setting {name}" for name in varying if name in table.columns}
    return pd.concat(
        [table[["run"]], pd.DataFrame(settings).rename(columns=clash), table.drop(columns=["run", "label"])], axis=1
    )


def decisions_frame(report: TuningReport) -> pd.DataFrame:
    """One row per decision in time order, for `decisions.csv`; an empty score is one that is not finite."""
    columns = ["run", "action", "share", "epoch", "score", "reason"]
    rows = [
        {
            "run": decision.run,
            "action": decision.action,
            "share": decision.at,
            "epoch": decision.at * report.total_epochs,
            "score": decision.score if math.isfinite(decision.score) else math.nan,
            "reason": decision.reason,
        }
        for decision in report.decisions
    ]
    return pd.DataFrame(rows, columns=columns)


def comparison_frame(report: TuningReport) -> pd.DataFrame:
    """Estimators at every share, then policies, then policies at every share, for `comparison.csv`."""
    rows: list[dict[str, Any]] = []
    if report.comparison is not None:
        rows += [
            {"kind": "estimator", "name": row.estimator, "share": row.fraction}
            | {key: value for key, value in vars(row).items() if key not in ("estimator", "fraction")}
            for row in report.comparison.estimators
        ]
        rows += [
            {"kind": "policy", "name": row.policy, "share": math.nan} | _policy_values(row)
            for row in report.comparison.policies
        ]
    rows += [
        {"kind": "policy at a share", "name": point.family, "share": point.share} | _policy_values(point.row)
        for point in report.policy_points
    ]
    return pd.DataFrame(rows, columns=None if rows else ["kind", "name", "share"])


def runs_html(report: TuningReport, runs: TunedRuns) -> str:
    """All runs as a sortable HTML table."""
    columns: list[tuple[str, str]] = [("place", ""), ("run", "text")]
    columns += [(name, "") for name in runs.names]
    columns += [("outcome", "text"), ("stopped at", ""), ("epochs", ""), ("score", "")]
    optional = {"predicted": "predicted", "final": "final", "cooled": "cooled"}
    columns += [(title, "") for name, title in optional.items() if runs.table[name].notna().any()]
    columns.append(("last decision", "text"))
    rows = []
    for row in runs.table.to_dict("records"):
        settings = report.settings.get(row["run"], {})
        cells = {name: _setting_cell(settings.get(name, "")) for name in runs.names} | _run_cells(row)
        rows.append(f"<tr>{''.join(cells[name] for name, _ in columns)}</tr>")
    heads = [plain_setting(name) for name, _ in columns]
    return table_html(heads, [kind for _, kind in columns], "".join(rows), sortable=True)


def policies_html(comparison: Comparison) -> str:
    """The policies of a comparison as an HTML table."""
    heads = [
        "policy",
        "regret here",
        "saved here",
        "expected regret",
        "of the median",
        "best kept",
        "or its tie",
        "saved",
    ]
    rows = []
    for row in comparison.policies:
        mean = row.expected
        here = [_loss(row.regret), percent(row.saved)]
        means = [_loss(mean.regret), _number(mean.normalised_regret), percent(mean.p_best_kept)]
        cells = [*here, *means, f"<b>{percent(mean.p_tie_kept)}</b>", f"<b>{percent(mean.saved)}</b>"]
        rows.append(_row(html.escape(row.policy), cells))
    return table_html(heads, ["text", *[""] * 7], "".join(rows))


def estimators_html(comparison: Comparison) -> str:
    """Spearman's rho of every estimator at every share of the budget (all runs, best third), and its regret."""
    shares = sorted({row.fraction for row in comparison.estimators})
    names = list(dict.fromkeys(row.estimator for row in comparison.estimators))
    found = {(row.estimator, row.fraction): row for row in comparison.estimators}
    heads = ["estimator", *[f"{what} at {percent(at)}" for at in shares for what in ("ρ", "regret")]]
    rows = []
    for name in names:
        cells = []
        for at in shares:
            row = found.get((name, at))
            if row is None:
                cells += ["–", "–"]
                continue
            cells.append(f"{_number(row.rho)} <small>{_number(row.rho_best_third)}</small>")
            cells.append(_loss(row.regret))
        words = f"{html.escape(name)} <small>{html.escape(ESTIMATORS[name].words)}</small>"
        rows.append(_row(words, cells))
    return table_html(heads, ["text", *[""] * (len(heads) - 1)], "".join(rows))


def _policy_values(row: Any) -> dict[str, Any]:
    values = {key: value for key, value in vars(row).items() if key not in ("policy", "expected")}
    return values | {f"expected_{key}": value for key, value in vars(row.expected).items()}


def _row(first: str, cells: list[str]) -> str:
    return f"<tr><td class='text'>{first}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _setting_cell(value: Any) -> str:
    text = html.escape(value_text(value)) if value != "" else "–"
    return f"<td data-value='{html.escape(str(value), quote=True)}'>{text}</td>"


def _run_cells(row: dict[Any, Any]) -> dict[str, str]:
    """The cells of one run by column title."""
    mark = " <small>best</small>" if row["best"] else " <small>tied</small>" if row["tied"] else ""
    colour = {KEPT: "status finished", DIVERGED: "status"}.get(row["outcome"], "")
    cells = {
        "place": _cell(row["place"], f"{row['place']:.0f}"),
        "run": f"<td class='text'>{html.escape(row['run'])}{mark}</td>",
        "outcome": f"<td class='text {colour}'>{html.escape(row['outcome'])}</td>",
        "stopped at": _cell(row["stopped_at"], percent(row["stopped_at"]) if math.isfinite(row["stopped_at"]) else ""),
        "epochs": _cell(row["trained"], f"{row['trained']:.4g}"),
        "last decision": f"<td class='text'>{html.escape(row['reason'])}</td>",
    }
    half = (row["high"] - row["low"]) / 2
    star = "*" if row["extrapolated"] else ""
    cells["predicted"] = _cell(row["predicted"], f"{_loss(row['predicted'])}{star} <small>± {_loss(half)}</small>")
    return cells | {name: _cell(row[name], _loss(row[name])) for name in ("score", "final", "cooled")}


def _cell(value: float, text: str) -> str:
    if math.isnan(value):
        return "<td data-value=''>–</td>"
    return f"<td data-value='{value!r}'>{text}</td>" if math.isfinite(value) else "<td data-value=''>diverged</td>"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def _loss(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "–" if math.isnan(value) else "diverged"
