"""Laws of one resource: points, lines, bands and dashes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.report.law_chart import CurveTitles, law_chart, law_panel
from chemscale.scaling import fit_power_law
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit

SIZES = np.geomspace(1e4, 1e7, 7)


def saturating(floor: float = 1.5, seeds: int = 1) -> LawFit:
    sizes = np.repeat(SIZES, seeds)
    scatter = np.exp(0.01 * stream(13, "laws").standard_normal(len(sizes)))
    return fit_law("saturating", {"n_parameters": sizes}, (floor + 40 * sizes**-0.3) * scatter)


def frame_with(chart: Any, *columns: str) -> pd.DataFrame:
    frames = [pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()]
    return next(frame for frame in frames if set(columns) <= set(frame.columns))


def test_the_line_and_the_band_are_those_of_every_group() -> None:
    fits = {"1k": saturating(2.0), "10k": saturating(1.0)}
    chart = law_chart(fits, CurveTitles("parameters", "loss", "molecules"))
    lines = frame_with(chart, "piece")
    for label, fit in fits.items():
        own = lines[lines["label"] == label]
        np.testing.assert_allclose(own["loss"], fit.predict(own["x"]))
        np.testing.assert_allclose(own["low"], fit.interval(own["x"])[0])
    assert len(frame_with(chart, "role")) == 14
    titles = {layer["encoding"]["x"]["title"] for layer in chart.to_dict()["layer"]}
    assert titles == {"parameters"}


def test_a_law_is_carried_on_for_one_decade_and_no_more() -> None:
    other = fit_law("power", {"n": SIZES * 1e4}, 5 * SIZES**-0.1)
    lines = frame_with(law_chart({"a": saturating(), "b": other}), "piece")
    own = lines[lines["label"] == "a"]
    inside = own["part"] == "law"
    assert own[inside]["x"].between(SIZES[0] * 0.999, SIZES[-1] * 1.001).all()
    assert own["x"].max() == pytest.approx(10 * SIZES[-1])
    beyond = own[~inside]["x"]
    assert ((beyond <= SIZES[0] * 1.001) | (beyond >= SIZES[-1] * 0.999)).all()


@pytest.mark.parametrize(("scale", "is_cut"), [(0.4, False), (0.6, True), (40.0, False)])
def test_a_score_is_shown_to_its_end_or_to_one(scale: float, is_cut: bool) -> None:
    score = fit_law("increasing", {"fraction": np.geomspace(0.01, 1, 7)}, scale * np.geomspace(0.01, 1, 7) ** 0.1 / 0.7)
    panel = law_panel({"all": score})
    lines = frame_with(panel.chart, "piece")
    domain = panel.chart.to_dict()["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert domain[0] < lines["loss"].min() and domain[1] > lines["loss"].max()
    assert ("Cut at 1" in panel.caption) == is_cut
    if is_cut:
        assert lines[["loss", "high"]].max().max() <= 1 and lines["x"].max() < 10
    else:
        assert lines["x"].max() == pytest.approx(10)
        assert lines["loss"].max() == pytest.approx(scale / 0.7 * 10**0.1)


def test_left_out_points_are_hollow_and_bent_laws_are_guides() -> None:
    floored = np.geomspace(1e4, 1e7, 8)
    left_out = fit_power_law(floored, 30 * np.minimum(floored, floored[-3]) ** -0.17)
    assert left_out.left_out
    panel = law_panel({"all": left_out})
    assert frame_with(panel.chart, "role")["role"].tolist().count("left out of the fit") == 2
    assert "Hollow" in panel.caption and "Dotted" not in panel.caption
    dense = np.geomspace(1e4, 1e8, 12)
    bent = fit_power_law(dense, (2 + 60 * dense**-0.3) * np.exp(0.002 * stream(14, "bent").standard_normal(12)))
    assert bent.verdict == "bent"
    panel = law_panel({"all": bent})
    assert set(frame_with(panel.chart, "piece")["part"]) == {"guide"}
    assert "Dotted" in panel.caption


def test_seeds_are_bars_of_one_standard_deviation() -> None:
    fit = saturating(seeds=3)
    points = frame_with(law_chart({"all": fit}), "role")
    np.testing.assert_allclose(np.log(points["high"] / points["loss"]), fit.cells.log_spread)
    assert (points["n_seeds"] == 3).all()
    assert "Bars" in law_panel({"all": fit}).caption
    assert "Bars" not in law_panel({"all": saturating()}).caption


def test_single_runs_can_be_shown() -> None:
    runs = pd.DataFrame({"label": "all", "x": SIZES, "loss": 2.0, "seed_name": "s"})
    assert len(frame_with(law_chart({"all": saturating()}, runs=runs), "seed_name")) == 7


def test_the_title_is_the_law() -> None:
    assert law_panel({"all": saturating()}).title == "L(R) = L_inf + α R^−β"
    both = {"floor": saturating(), "power": fit_power_law(SIZES, 5 * SIZES**-0.1)}
    assert law_panel(both).title == "Fitted laws"


def test_joint_laws_and_nothing_are_refused() -> None:
    with pytest.raises(FitError, match="no fit to draw"):
        law_chart({})
    size, data = (part.reshape(-1) for part in np.meshgrid(SIZES, SIZES))
    joint = fit_law("additive", {"N": size, "D": data}, 1 + 9 * size**-0.2 + 9 * data**-0.3)
    with pytest.raises(FitError, match="all: the law 'additive' takes parameters, data; draw it as a surface"):
        law_chart({"all": joint})
