"""The page over the tunes of several families: what each found, and where its own page is."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chemscale.base.files import write_atomically
from chemscale.report.html_table import table_html
from chemscale.report.page_frame import PageParts, fill_page, made_section
from chemscale.report.tables import loss_text
from chemscale.report.tuning.labels import percent


@dataclass(frozen=True)
class FamilyTuneRow:
    """One family's line of the page.

    Attributes:
        family: its name; its page is in the folder of that name.
        best: settings of the best run, dotted key -> value.
        loss: final loss of the best run; None where none came to an end.
        n_runs, n_finished, n_tied: runs in all, trained to the end, and tied for the best with it.
        saved: share of the training FLOPs that was saved.
        r_squared, rho: how well the early scores of finished runs predict their final losses; None where not known.
    """

    family: str
    best: Mapping[str, object]
    loss: float | None
    n_runs: int
    n_finished: int
    n_tied: int
    saved: float
    r_squared: float | None
    rho: float | None


@dataclass(frozen=True)
class FamilyTunesReport:
    """What stands on the page."""

    title: str
    rows: Sequence[FamilyTuneRow]
    loss_unit: str = ""
    commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config_text: str = ""
    notes: Sequence[str] = ()


def write_family_tunes(report: FamilyTunesReport, folder: Path) -> Path:
    """Write `report.html` into `folder`; returns its path."""
    unit = f" ({report.loss_unit})" if report.loss_unit else ""
    heads = ["family", "best settings", f"final loss{unit}", "runs finished", "tied with the best", "FLOPs saved"]
    heads += ["R² of predictions", "ρ of scores"]
    kinds = ["text", "text", "", "", "", "", "", ""]
    rows = "".join(
        "<tr>"
        + "".join(f"<td class='{kind}'>{cell}</td>" for cell, kind in zip(_cells(row), kinds, strict=True))
        + "</tr>"
        for row in report.rows
    )
    caption = (
        "Every family is searched and ranked by itself: early losses of two families do not say which of their "
        "configurations are good. R² and the rank correlation ρ are those of early scores with final losses, over the "
        "runs of a family that were trained to the end."
    )
    section = f"<h2>Families</h2><p class='caption'>{caption}</p>{table_html(heads, kinds, rows)}"
    made = made_section(report.commands, report.environment, report.config_text, "Tuning file")
    page = folder / "report.html"
    parts = PageParts(report.title, _lead(report), _cards(report), report.notes, section + made, {})
    write_atomically(page, fill_page(parts))
    return page


def _lead(report: FamilyTunesReport) -> str:
    runs = sum(row.n_runs for row in report.rows)
    return f"{', '.join(row.family for row in report.rows)} · {len(report.rows)} families · {runs} runs"


def _cards(report: FamilyTunesReport) -> list[tuple[str, str]]:
    return [
        (loss_text(row.loss), html.escape(f"{row.family}: {_settings(row)}"))
        for row in report.rows
        if row.loss is not None
    ]


def _cells(row: FamilyTuneRow) -> list[str]:
    name = html.escape(row.family)
    return [
        f"<a href='{name}/report.html'>{name}</a>",
        html.escape(_settings(row)),
        "–" if row.loss is None else f"<b>{loss_text(row.loss, 4)}</b>",
        f"{row.n_finished}<small> of {row.n_runs}</small>",
        str(row.n_tied),
        percent(row.saved),
        *("–" if number is None or math.isnan(number) else f"{number:.3f}" for number in (row.r_squared, row.rho)),
    ]


def _settings(row: FamilyTuneRow) -> str:
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in row.best.items()) or "none came to its end"
