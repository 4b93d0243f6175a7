"""The report's folder and its page, also as a browser sees it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import DataError
from chemscale.report.contents import StudyReport
from chemscale.report.figures import draw_figures
from chemscale.report.folder import write_report
from chemscale.report.page import render_page

StudyMaker = Callable[..., StudyReport]

BROWSER = os.environ.get("CHEMSCALE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-component-update", "--disable-background-networking", "--enable-logging=stderr",
    "--virtual-time-budget=15000",
)  # fmt: skip
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (CHEMSCALE_BROWSER names one)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, made_up_study: StudyMaker) -> Path:
    path = tmp_path_factory.mktemp("report")
    assert write_report(made_up_study(), path) == path / "report.html"
    return path


def seen_by_browser(page: Path, profile: Path, width: int = 1300) -> tuple[str, str]:
    """The page's DOM after its scripts ran, and what the browser logged."""
    assert BROWSER is not None
    command = [
        BROWSER,
        *FLAGS,
        f"--user-data-dir={profile}",
        f"--window-size={width},1200",
        "--dump-dom",
        page.as_uri(),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return result.stdout, result.stderr


class Addresses(HTMLParser):
    """Every address that a browser would fetch by itself, and every one to click."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "data", "srcset")]


def test_the_folder_is_complete(folder: Path) -> None:
    names = {
        "loss_against_model_size", "loss_against_data_size", "exponents_of_model_size", "exponents_of_data_size",
        "learning_curves",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {"report.html", "figures", "table.csv", "fits.csv", "curves.csv"}
    assert {path.name for path in (folder / "figures").iterdir()} == {f"{n}.{s}" for n in names for s in ("svg", "png")}
    for path in (folder / "figures").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000
    assert all(path.read_text().startswith("<svg") for path in (folder / "figures").glob("*.svg"))


def test_the_tables_hold_the_numbers(folder: Path, made_up_study: StudyMaker) -> None:
    study = made_up_study()
    pd.testing.assert_frame_equal(pd.read_csv(folder / "table.csv"), study.table, check_dtype=False)
    fits = pd.read_csv(folder / "fits.csv")
    assert len(fits) == 7
    law = study.fits[0].law
    assert law is not None
    assert fits.loc[0, "beta"] == pytest.approx(law.beta)
    assert tuple(fits.loc[0, ["beta_low", "beta_high"]]) == pytest.approx(law.intervals["beta"])
    assert len(pd.read_csv(folder / "curves.csv")) == len(study.curves)


def test_no_address_is_fetched(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    addresses = Addresses()
    addresses.feed(text)
    assert addresses.found == ["link href=data:,"]
    styles = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert styles and "url(" not in styles[1] and "@import" not in styles[1]
    charts = re.search(r'<script type="application/json" id="charts">(.*?)</script>', text, re.DOTALL)
    assert charts
    specs = json.loads(charts[1])
    assert len(specs) == 7 and all('"url"' not in json.dumps(chart["spec"]) for chart in specs.values())


def test_text_from_outside_is_escaped(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "<title>A &lt;study&gt; &amp; more</title>" in text
    assert "<script>window.broken" not in text


def test_the_page_names_what_failed_and_how_it_was_made(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    for part in ("chemgpt-w16-n1000-s1: failed", "chemgpt-w16-n10000-s0: diverged", "Losses are per real token."):
        assert part in text
    for part in ("chemscale study demo --out runs/demo", "2.13.0", "float32 (24 runs)", "α, 95 % interval"):
        assert part in text


@needs_browser
@pytest.mark.parametrize("width", [1300, 600])
def test_a_browser_draws_all_charts_without_errors(folder: Path, tmp_path: Path, width: int) -> None:
    dom, log = seen_by_browser(folder / "report.html", tmp_path / "profile", width)
    drawn = re.findall(r'id="([a-z_0-9]+)"><div class="chart-wrapper[^>]*><svg', dom)
    assert len(drawn) == 7, drawn
    shown = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert shown.count("<tr>") == 1 + 24 + 2 + 7
    assert len(re.findall(r"mark-symbol role-mark", dom)) >= 10
    assert "CONSOLE" not in log, [line for line in log.splitlines() if "CONSOLE" in line]


@needs_browser
def test_a_click_on_a_heading_sorts_the_runs(folder: Path, tmp_path: Path, made_up_study: StudyMaker) -> None:
    click = (
        "<script>for (const button of document.querySelectorAll('th button'))"
        " if (button.textContent === 'best loss') button.click();</script></body>"
    )
    page = tmp_path / "clicked.html"
    page.write_text((folder / "report.html").read_text().replace("</body>", click))
    dom, _ = seen_by_browser(page, tmp_path / "profile")
    body = dom[dom.index('class="" aria-sort="ascending"') :]
    runs = re.findall(r"chemgpt-w\d+-n\d+-s\d", body)
    table = made_up_study().table.set_index("run")["validation_loss"]
    assert runs[:22] == list(table.dropna().sort_values().index)
    assert set(runs[22:24]) == set(table.index[table.isna()])


def page_of(report: StudyReport) -> str:
    return render_page(report, draw_figures(report))


def test_an_earlier_report_is_replaced(tmp_path: Path, made_up_study: StudyMaker) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "old.png").write_bytes(b"")
    write_report(made_up_study(widths=(16, 32, 64), data_sizes=(1000,), bad=False, evaluations=0), tmp_path)
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {"loss_against_model_size"}


def test_a_study_without_a_law_says_why(made_up_study: StudyMaker) -> None:
    text = page_of(made_up_study(widths=(16, 32), data_sizes=(1000,), bad=False))
    assert "at least 3 different sizes, got 2" in text
    assert "No figure against training molecules: all finished runs have the same one." in text


def test_nothing_finished_is_a_page_too(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    failed = replace(study, table=study.table.assign(status="failed", validation_loss=np.nan), fits=())
    text = page_of(failed)
    assert "no run has finished with a finite loss" in text and "12 more runs are not finished" in text


def test_two_hundred_runs_fit_on_a_page(made_up_study: StudyMaker) -> None:
    study = made_up_study(widths=tuple(range(16, 176, 8)), data_sizes=(100, 300, 1000, 3000, 10000), evaluations=20)
    text = page_of(study)
    assert len(study.table) == 200
    assert text.count("class='status") + text.count("class='text status") == 200
    assert len(text) < 4_000_000


def test_a_foreign_table_with_two_columns_is_a_page() -> None:
    table = pd.DataFrame({"run": ["a", "b"], "validation_loss": [1.0, 2.0]})
    text = page_of(StudyReport(title="theirs", table=table))
    assert "the study table has no column" in text and "No law was fitted" in text


def test_a_table_without_losses_is_refused() -> None:
    with pytest.raises(DataError, match="no column 'validation_loss'; did you mean 'valid_loss'"):
        StudyReport(title="x", table=pd.DataFrame({"run": ["a"], "valid_loss": [1.0]}))
