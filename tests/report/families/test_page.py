"""The folder and the page of several families: what a reader gets, also of thin and broken studies."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from chemscale.report.contents import StudyReport
from chemscale.report.families.contents import FamiliesReport, compare_families
from chemscale.report.families.figures import FamilyFigures, draw_family_figures
from chemscale.report.families.folder import write_families_report
from chemscale.report.families.page import render_families_page
from chemscale.report.families.tables import interval_text
from chemscale.report.families.terminal import print_families
from chemscale.scaling import fit_study
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.table_fit import TableColumns, fit_table

Maker = Callable[..., tuple[pd.DataFrame, pd.DataFrame]]
FAMILIES = ("schnet", "painn", "allegro", "spookynet")


def report_of(
    table: pd.DataFrame, curves: pd.DataFrame, split: str = "formulas", joint: bool = False
) -> FamiliesReport:
    study = StudyReport(
        title="Force <fields>",
        table=table,
        curves=curves,
        commands=["chemscale study frey2023/nff-laptop"],
        config_text="x = 1",
        notes=["A note."],
        loss_unit="eV/Å",
        data_unit="frames",
        model_size="capacity",
        curve_axis="epoch",
    )
    parts = {}
    for family in FAMILIES:
        mine = table[table["family"] == family]
        law = None
        if joint:
            columns = TableColumns(y="validation_loss", parameters="capacity", data="data_points")
            law = fit_table(mine, columns, "additive", skip_invalid=True).entries[0].fit
        parts[family] = replace(
            study,
            title=family,
            table=mine,
            curves=curves[curves["run"].isin(mine["run"])] if len(curves) else curves,
            fits=fit_study(mine, model_size="capacity"),
            joint=law if isinstance(law, LawFit) else None,
        )
    return FamiliesReport(study, parts, compare_families(study, FAMILIES, split=split))


@pytest.fixture(scope="module")
def report(families_study: Maker) -> FamiliesReport:
    table, curves = families_study(models=((16, 2), (16, 4), (64, 4)), data_sizes=(100, 1000, 10000), seeds=(0, 1))
    return report_of(table, curves, joint=True)


@pytest.fixture(scope="module")
def folder(report: FamiliesReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families")
    alone = replace(report, parts={"painn": report.parts["painn"]})  # one family's own page is enough
    assert write_families_report(alone, path) == path / "report.html"
    return path


def test_the_folder_holds_the_page_every_family_s_own_the_figures_and_the_numbers(folder: Path) -> None:
    assert (folder / "families" / "painn" / "report.html").exists()
    figures = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert figures == {
        f"families_{name}" for name in ("laws", "held_out", "data", "capacity", "time", "curves", "maps")
    }
    laws = pd.read_csv(folder / "family_laws.csv")
    assert laws.groupby("y").size().to_dict() == {"loss_ratio": 4, "seen_loss": 4, "validation_loss": 4}
    assert laws.loc[laws["y"] == "validation_loss", "published_beta"].tolist()[:3] == [0.17, 0.26, 0.23]
    assert laws.loc[laws["y"] == "seen_loss", "published_beta"].isna().all()
    assert len(pd.read_csv(folder / "exponent_differences.csv")) == 6
    assert len(pd.read_csv(folder / "rank_correlations.csv")) == 2 * 4 * 3


def test_the_page_says_what_a_group_meeting_asks(folder: Path, report: FamiliesReport) -> None:
    page = (folder / "report.html").read_text()
    for text in (
        "Force &lt;fields&gt;",
        "Loss against data at capacity 64",
        "published β",
        "other data (ANI-1x",
        "Differences of exponents",
        "Memorisation or generalisation",
        "never trained on",
        "widens",
        "Loss against capacity",
        "Loss against training time (processor seconds)",
        "too few: 3 of at least 5",
        "Learning curves",
        "Joint law of every family",
        "families/painn/report.html",
        "of processor time in all",
    ):
        assert text in page, text
    for fit in report.comparison.laws.fits.values():
        assert fit.law is not None
        assert f"<b>{fit.law.beta:.3f}</b>" in page
    assert "nats" not in page.split("<script>")[0] and "molecules</th>" not in page


@pytest.fixture(scope="module")
def figures(report: FamiliesReport) -> FamilyFigures:
    return draw_family_figures(report)


def test_every_chart_has_a_place_and_every_place_a_chart(report: FamiliesReport, figures: FamilyFigures) -> None:
    page = render_families_page(report, figures)
    for name in figures.charts():
        assert page.count(f"id='{name}'") == 1
    assert page.count("class='chart wait'") == len(figures.charts())


def test_families_have_one_colour_each_and_the_same_axes(figures: FamilyFigures) -> None:
    charts = figures.charts()
    laws = charts["family_laws"]
    assert len(laws["light"]["range"]["ordinal"]) == len(set(laws["dark"]["range"]["ordinal"])) == 4
    domains = {
        str(layer["encoding"]["y"]["scale"]["domain"])
        for name, chart in charts.items()
        if name.startswith("capacity_")
        for layer in chart["spec"]["layer"]
    }
    assert len(domains) == 1


def test_one_capacity_one_seed_and_two_data_sizes_still_make_a_page(families_study: Maker) -> None:
    table, curves = families_study(models=((16, 4),), data_sizes=(100, 1000), seeds=(0,), seen=False, bad=False)
    thin = report_of(table, curves.iloc[:0], split="random")
    figures = draw_family_figures(thin)
    assert not figures.capacity and not figures.data and not figures.held_out and not figures.curves
    page = render_families_page(thin, figures)
    assert "no law: a power law needs at least 3 different sizes, got 2" in page
    assert "All finished runs have the same one." in page
    assert "Memorisation" not in page


def test_a_family_whose_runs_all_diverged_is_named_and_left_out(families_study: Maker) -> None:
    table, curves = families_study(models=((16, 2), (16, 4)), seeds=(0,))
    lost = table["family"] == "allegro"
    table.loc[lost, ["validation_loss", "seen_loss"]] = np.nan
    table.loc[lost, "status"] = "diverged"
    broken = report_of(table, curves)
    page = render_families_page(broken, draw_family_figures(broken))
    assert "no law: no finished run of model size 64" in page
    assert "no law of allegro" in page


def test_the_terminal_says_the_same(report: FamiliesReport) -> None:
    text = _printed(report, 160)
    assert "at capacity 64, loss on held-out formulas" in text
    assert "0.26 ± 0.05" in text and "Frey et al. 2023, Table A.1: other data" in text
    assert "schnet - painn" in text and "Memorisation or generalisation" in text and "widens" in text
    assert "too few: 3 of at least 5" in text
    for fit in report.comparison.laws.fits.values():
        assert fit.law is not None
        assert f"{fit.law.beta:.3f} {interval_text(fit.law.intervals['beta'], 2)}" in text


def test_eighty_columns_hold_every_family_and_number(report: FamiliesReport) -> None:
    text = _printed(report, 80)
    assert "…" not in text
    for family in report.comparison.families:
        assert family in text


def test_a_narrow_terminal_is_no_error(report: FamiliesReport) -> None:
    assert "schnet" in _printed(report, 60)


def _printed(report: FamiliesReport, width: int) -> str:
    stream = io.StringIO()
    print_families(report.comparison, Console(file=stream, width=width))
    return stream.getvalue()
