"""All figures of a fit, for the page, for files and as one picture."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream
from chemscale.report.figure_file import write_figure
from chemscale.report.law_figures import curve_panels, joint_panels, law_figures, main_figure, table_panels
from chemscale.scaling import fit_power_law
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.table_fit import TableColumns, fit_table


def grid_table(noise: float = 0.01) -> pd.DataFrame:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e10, 5)))
    scatter = np.exp(noise * stream(15, "figures").standard_normal(30))
    losses = (1.8 + 478 * size**-0.35 + 2143 * data**-0.37) * scatter
    return pd.DataFrame({"n_parameters": size, "tokens": data, "validation_loss": losses})


def grid_fit(law: str = "additive", noise: float = 0.01) -> LawFit:
    table = grid_table(noise)
    inputs = {"parameters": table["n_parameters"].to_numpy(), "data": table["tokens"].to_numpy()}
    return fit_law(law, inputs, table["validation_loss"].to_numpy())


def curve(law: str = "saturating") -> LawFit:
    sizes = np.geomspace(1e4, 1e7, 7)
    scatter = np.exp(0.01 * stream(16, "curve").standard_normal(7))
    return fit_law(law, {"n": sizes}, (1.5 + 40 * sizes**-0.3) * scatter)


def test_a_joint_law_has_all_its_figures() -> None:
    figures = law_figures(joint_panels(grid_fit()))
    assert list(figures) == [
        "loss_surface", "loss_map", "regime_map", "isoflop_valleys", "exponents", "residuals", "profiles",
    ]  # fmt: skip
    panels = joint_panels(grid_fit())
    assert len({panel.name for panel in panels.all}) == len(panels.all) == 4 + 1 + 3 + 5


def test_the_main_figure_has_four_panels_and_the_numbers(tmp_path: Path) -> None:
    fit = grid_fit()
    spec = main_figure(joint_panels(fit)).to_dict()
    assert [len(row["hconcat"]) for row in spec["vconcat"]] == [2, 2]
    heading = [spec["title"]["text"], *spec["title"]["subtitle"]]
    assert heading[0] == "L(N, D) = E + A/N^α + B/D^β"
    assert f"α = {fit.parameters['alpha']:.4g} [" in heading[1] and "30 cells" in heading[2]
    svg = write_figure(main_figure(joint_panels(fit)), tmp_path / "main.svg").read_text()
    width = float(svg.split('width="')[1].split('"')[0])
    assert width < 1200
    assert "NaN" not in svg and "undefined" not in svg


@pytest.mark.parametrize("law", ["kaplan", "log-quadratic"])
def test_a_law_without_regimes_fills_its_picture_with_residuals(law: str) -> None:
    panels = joint_panels(grid_fit(law))
    titles = [panel["title"]["text"] for row in main_figure(panels).to_dict()["vconcat"] for panel in row["hconcat"]]
    assert titles == ["Loss surface", "Measured loss", "IsoFLOP valleys", "Residuals against fitted loss"]


def test_exact_points_have_no_profiles() -> None:
    panels = joint_panels(grid_fit(noise=0.0))
    assert panels.profiles == [] and "profiles" not in law_figures(panels)


def test_other_laws_stand_in_the_forest() -> None:
    panels = joint_panels(grid_fit(), others={"kaplan": grid_fit("kaplan")})
    rows = [row for rows in panels.exponents[0].chart.to_dict()["datasets"].values() for row in rows]
    assert {row["exponent"] for row in rows} == {"α", "β", "α_N", "α_D"}


def test_one_curve_has_residuals_and_profiles_and_several_have_a_forest() -> None:
    assert set(law_figures(curve_panels({"all": curve()}))) == {"law", "exponents", "residuals", "profiles"}
    both = curve_panels({"floor": curve(), "power": curve("power")})
    assert set(law_figures(both)) == {"law", "exponents"}
    sizes = np.geomspace(1e4, 1e7, 7)
    alone = curve_panels({"all": fit_power_law(sizes, 5 * sizes**-0.1)})
    assert set(law_figures(alone)) == {"law"}
    assert len(main_figure(both).to_dict()["vconcat"]) == 2


def test_only_the_columns_of_a_study_have_titles_in_words() -> None:
    table = grid_table()
    found = fit_table(table, TableColumns(parameters="n_parameters", data="tokens"))
    study = table.assign(run="run", family="chemgpt")
    for given, titles in (
        (study, ("non-embedding parameters", "training tokens")),
        (table, ("n_parameters", "tokens")),
    ):
        surface = table_panels(found, given)[""].fit[0].chart.to_dict()["layer"][0]["encoding"]
        assert (surface["x"]["title"], surface["y"]["title"]) == titles
    assert column_titles_of_curve(study) == ("non-embedding parameters", "validation loss")
    assert column_titles_of_curve(table) == ("n_parameters", "validation_loss")


def column_titles_of_curve(table: pd.DataFrame) -> tuple[str, str]:
    found = fit_table(table, TableColumns(x="n_parameters", group="tokens"), "saturating")
    encoding = table_panels(found, table)[""].fit[0].chart.to_dict()["layer"][1]["encoding"]
    return encoding["x"]["title"], encoding["y"]["title"]


def test_a_group_takes_the_measured_flops_of_its_own_rows() -> None:
    table = grid_table()
    parts = [
        table.assign(family=name, training_flops=factor * table["n_parameters"] * table["tokens"])
        for name, factor in (("painn", 6e3), ("schnet", 6e6))
    ]
    both = pd.concat(parts, ignore_index=True)
    found = fit_table(both, TableColumns(parameters="n_parameters", data="tokens", group="family"))
    drawn = {name: panels.fit[0].chart.to_dict() for name, panels in table_panels(found, both).items()}
    marks = {
        name: sorted(
            row["text"] for rows in spec["datasets"].values() for row in rows if set(row) == {"x", "y", "text"}
        )
        for name, spec in drawn.items()
    }
    assert marks["painn"] == ["1e19", "1e20", "1e21", "1e22"] and marks["schnet"] == ["1e22", "1e23", "1e24", "1e25"]


def test_the_panels_of_a_table_are_named_by_its_groups() -> None:
    table = grid_table()
    lines = table_panels(fit_table(table, TableColumns(x="n_parameters", group="tokens"), "saturating"))
    spec = lines[""].fit[0].chart.to_dict()
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["100M", "316M", "1B", "3.16B", "10B"]
    families = pd.concat([table.assign(family=name) for name in ("painn", "schnet")], ignore_index=True)
    groups = fit_table(families, TableColumns(parameters="n_parameters", data="tokens", group="family"))
    assert list(table_panels(groups)) == ["painn", "schnet"]


def test_a_table_without_groups_is_one_curve() -> None:
    table = grid_table()
    part = table[table["tokens"] == table["tokens"].max()]
    panels = table_panels(fit_table(part, TableColumns(x="n_parameters")))
    assert list(panels) == [""] and panels[""].fit[0].n_colours == 1
