"""Panels side by side: their styles are those asked for."""

from typing import Any

import altair as alt
import pandas as pd

from chemscale.report.law_theme import law_config
from chemscale.report.panels import Panel, alone, compose


def a_panel(name: str, n_colours: int = 1) -> Panel:
    chart = alt.layer(alt.Chart(pd.DataFrame({"x": [1.0]})).mark_point().encode(x="x:Q"))
    return Panel(name, name.title(), "what is drawn", chart.configure(**law_config(n_colours)), n_colours)


def test_panels_stand_in_rows() -> None:
    spec = compose([a_panel("one"), a_panel("two"), a_panel("three", 3)], 2, 300).to_dict()
    assert [len(row["hconcat"]) for row in spec["vconcat"]] == [2, 1]
    assert spec["config"]["range"]["ordinal"] == law_config(3)["range"]["ordinal"]


def test_another_style_is_used_for_all_panels() -> None:
    def blue(n_colours: int, scheme: str) -> dict[str, Any]:
        return {"range": {"ordinal": ["#0000ff"] * n_colours}, "background": scheme}

    spec = alone(a_panel("one", 2), config=blue).to_dict()
    assert spec["config"]["range"]["ordinal"] == ["#0000ff"] * 2
    assert spec["config"]["background"] == "light"
