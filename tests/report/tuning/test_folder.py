"""The folder of a tuning's report, and its page as a browser sees it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.folder import write_tuning_report

BROWSER = os.environ.get("CHEMSCALE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-component-update", "--disable-background-networking", "--enable-logging=stderr",
    "--virtual-time-budget=15000", "--window-size=1300,1200",
)  # fmt: skip
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (CHEMSCALE_BROWSER names one)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, replayed: TuningReport) -> Path:
    path = tmp_path_factory.mktemp("tuning")
    (path / "figures").mkdir()
    (path / "figures" / "old.png").write_bytes(b"")
    assert write_tuning_report(replayed, path) == path / "report.html"
    return path


def test_the_folder_is_complete_and_holds_nothing_old(folder: Path) -> None:
    names = {
        "stop_timeline", "curves_by_decision", "score_map", "predicted_against_true", "predictions",
        "saving_against_regret",
    }  # fmt: skip
    tables = {"runs.csv", "decisions.csv", "comparison.csv"}
    assert {path.name for path in folder.iterdir()} == {"report.html", "figures", *tables}
    assert {path.name for path in (folder / "figures").iterdir()} == {f"{n}.{s}" for n in names for s in ("svg", "png")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (folder / "figures").glob("*.png"))


def test_the_tables_hold_the_numbers(folder: Path, replayed: TuningReport) -> None:
    runs = pd.read_csv(folder / "runs.csv").set_index("run")
    assert dict(runs["final"]) == pytest.approx(dict(replayed.final))
    assert len(pd.read_csv(folder / "decisions.csv")) == len(replayed.decisions)
    assert set(pd.read_csv(folder / "comparison.csv")["kind"]) == {"estimator", "policy", "policy at a share"}


def test_no_address_is_fetched(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    charts = re.search(r'<script type="application/json" id="charts">(.*?)</script>', text, re.DOTALL)
    assert charts and len(json.loads(charts[1])) == 10
    assert '"url"' not in charts[1]
    page = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r"(?:src|href|srcset)=[\"'][^\"']*", page) == ['href="data:,']


@needs_browser
def test_a_browser_draws_all_charts_without_errors(folder: Path, tmp_path: Path) -> None:
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", (folder / "report.html").as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    drawn = re.findall(r'id="([a-z_0-9]+)"><div class="chart-wrapper[^>]*><svg', result.stdout)
    assert len(drawn) == 10, drawn
    assert "CONSOLE" not in result.stderr, [line for line in result.stderr.splitlines() if "CONSOLE" in line]
