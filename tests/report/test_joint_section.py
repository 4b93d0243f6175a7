"""The page's section on a joint law."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chemscale.report.contents import StudyReport
from chemscale.report.figures import draw_figures
from chemscale.report.folder import write_report
from chemscale.report.joint_section import joint_section
from chemscale.report.law_figures import joint_panels
from chemscale.report.page import render_page
from chemscale.scaling.fitting import fit_law

StudyMaker = Callable[..., StudyReport]
BROWSER = os.environ.get("CHEMSCALE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (CHEMSCALE_BROWSER names one)")


def with_joint_law(study: StudyReport) -> StudyReport:
    table = study.usable
    inputs = {"parameters": table["n_parameters"].to_numpy(), "data": table["data_points"].to_numpy()}
    return replace(study, joint=fit_law("additive", inputs, table["validation_loss"].to_numpy()))


@pytest.fixture(scope="module")
def study(made_up_study: StudyMaker) -> StudyReport:
    """Runs that follow an additive law."""
    made_up = made_up_study(
        widths=(16, 32, 64, 128, 256), data_sizes=(1000, 3000, 10000, 30000), bad=False, evaluations=0
    )
    table = made_up.table
    losses = 0.45 + 6 * table["n_parameters"] ** -0.22 + 9 * table["data_points"] ** -0.3
    scatter = np.exp(0.008 * np.random.default_rng(0).standard_normal(len(table)))
    return with_joint_law(replace(made_up, table=table.assign(validation_loss=losses * scatter)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, study: StudyReport) -> Path:
    path = tmp_path_factory.mktemp("joint")
    write_report(study, path)
    return path


def test_the_page_has_the_parameters_and_every_figure(folder: Path, study: StudyReport) -> None:
    text = (folder / "report.html").read_text()
    assert study.joint is not None
    assert "<h2>Joint law</h2>" in text and "L(N, D) = E + A/N^α + B/D^β" in text
    assert f"<b>{study.joint.parameters['alpha']:.4g}</b>" in text
    charts = re.search(r'<script type="application/json" id="charts">(.*?)</script>', text, re.DOTALL)
    assert charts
    specs = json.loads(charts[1])
    joint = {name for name in specs if name.startswith("joint_")}
    assert {"joint_loss_surface", "joint_loss_map", "joint_regime_map", "joint_isoflop_valleys"} <= joint
    assert all(f"id='{name}'" in text for name in joint)
    for name in joint:
        assert specs[name]["spec"]["width"] == "container"
        assert specs[name]["light"]["style"]["note"] != specs[name]["dark"]["style"]["note"]


def test_the_figures_are_files_too(folder: Path) -> None:
    names = {path.stem for path in (folder / "figures").glob("joint_*.svg")}
    assert names == {
        f"joint_{name}"
        for name in (
            "loss_surface", "loss_map", "regime_map", "isoflop_valleys", "exponents", "residuals", "profiles",
        )
    }  # fmt: skip


def test_budgets_are_the_measured_training_flops(study: StudyReport) -> None:
    figures = draw_figures(study)
    assert figures.joint is not None
    valleys = next(panel for panel in figures.joint.fit if panel.name == "isoflop_valleys")
    assert "a budget C." in valleys.caption


def test_molecules_without_measured_flops_have_no_budgets(study: StudyReport) -> None:
    without = draw_figures(replace(study, table=study.table.drop(columns="training_flops"))).joint
    assert without is not None
    assert "isoflop_valleys" not in [panel.name for panel in without.fit]
    assert "D counts examples and no tokens" in without.fit[0].caption


def test_warnings_and_open_ends_are_said(study: StudyReport) -> None:
    assert study.joint is not None
    fit = replace(
        study.joint,
        warnings=("something <odd>",),
        intervals=study.joint.intervals | {"E": (0.0, np.inf)},
    )
    text = joint_section(fit, joint_panels(study.joint))
    assert "<li>Something &lt;odd&gt;.</li>" in text and "0 – open" in text


def test_a_study_without_a_joint_law_has_no_section(made_up_study: StudyMaker) -> None:
    made_up = made_up_study(evaluations=0)
    assert "Joint law" not in render_page(made_up, draw_figures(made_up))


def test_a_law_that_does_not_fit_is_a_page_too(made_up_study: StudyMaker) -> None:
    made_up = with_joint_law(made_up_study(evaluations=0))
    assert made_up.joint is not None and made_up.joint.status.startswith("at a bound")
    assert "at a bound" in render_page(made_up, draw_figures(made_up))


@needs_browser
def test_a_browser_draws_every_figure_without_errors(folder: Path, tmp_path: Path) -> None:
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-component-update", "--disable-background-networking", "--enable-logging=stderr",
        "--virtual-time-budget=15000", f"--user-data-dir={tmp_path}", "--window-size=1300,1200", "--dump-dom",
        (folder / "report.html").as_uri(),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    drawn = re.findall(r'id="(joint_[a-z_0-9]+)"><div class="chart-wrapper[^>]*><svg', result.stdout)
    assert len(drawn) == 13, drawn
    assert "CONSOLE" not in result.stderr, [line for line in result.stderr.splitlines() if "CONSOLE" in line]
