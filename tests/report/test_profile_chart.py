"""Profile panels: the curve, its limits and its title."""

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream
from chemscale.report.profile_chart import profile_chart, profile_panels
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.profile_curve import profile_curves


def saturating(noise: float = 0.02, n: int = 8) -> LawFit:
    sizes = np.geomspace(1e4, 1e8, n)
    scatter = np.exp(noise * stream(12, "profiles").standard_normal(n))
    return fit_law("saturating", {"n": sizes}, (1.5 + 40 * sizes**-0.3) * scatter)


def test_every_parameter_has_its_curve_limits_and_title() -> None:
    fit = saturating()
    panels = profile_panels(fit)
    assert [panel.name for panel in panels] == ["profile_l_inf", "profile_alpha", "profile_beta"]
    for panel, curve in zip(panels, profile_curves(fit), strict=True):
        sets = [pd.DataFrame(rows) for rows in panel.chart.to_dict()["datasets"].values()]
        assert any(len(frame) == len(curve.values) and np.allclose(frame["root"], curve.roots) for frame in sets)
        limits = next(frame for frame in sets if list(frame.columns) == ["root"])
        assert limits["root"].tolist() == pytest.approx([-curve.limit, curve.limit])
        assert panel.title.startswith({"L_inf": "L_inf", "alpha": "α", "beta": "β"}[curve.parameter] + " = ")
        assert "95 % interval" in panel.title
    assert len(profile_chart(fit).to_dict()["vconcat"][0]["hconcat"]) == 3


def test_an_open_end_is_called_open() -> None:
    sizes = np.geomspace(1e4, 1e6, 7)
    wiggle = np.exp(0.02 * np.array([-1, 1, -0.5, 0.5, 1, -0.3, 0.2]))
    fit = fit_law("saturating", {"n": sizes}, (2 + 40 * sizes**-0.6) * wiggle)
    assert fit.intervals["beta"][1] == np.inf
    last = profile_panels(fit)[-1]
    assert last.title.endswith("to open")
    sets = [pd.DataFrame(rows) for rows in last.chart.to_dict()["datasets"].values()]
    assert all(np.isfinite(frame.to_numpy(float)).all() for frame in sets)
