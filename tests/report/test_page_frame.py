"""The frame of all pages: what is escaped, what is left out, and the charts inside."""

import json
import re

import altair as alt
import pandas as pd

from chemscale.report.law_theme import law_config
from chemscale.report.page_frame import PageParts, embedded, fill_page, made_section, panel_grid
from chemscale.report.panels import Panel


def a_chart() -> alt.LayerChart:
    frame = pd.DataFrame({"x": [1.0, 2.0], "name": ["</script>", "b"]})
    chart = alt.layer(alt.Chart(frame).mark_point().encode(x="x:Q", color="name:O"))
    return chart.configure(**law_config(2))


def a_page(notes: tuple[str, ...] = ()) -> str:
    parts = PageParts(
        "A <page>", "one & two", [("<b>1</b>", "run")], notes, "<h2>Here</h2>", {"one": embedded(a_chart())}
    )
    return fill_page(parts)


def test_plain_text_is_escaped_and_html_is_not() -> None:
    text = a_page(("1 < 2",))
    assert "<title>A &lt;page&gt;</title>" in text and "one &amp; two" in text and "<li>1 &lt; 2</li>" in text
    assert "<b><b>1</b></b>" in text and "<h2>Here</h2>" in text


def test_no_notes_is_no_box() -> None:
    assert "class='notes'" not in a_page()


def test_charts_stay_inside_of_their_element() -> None:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', a_page(), re.DOTALL)
    assert found
    charts = json.loads(found[1])
    assert "</script>" in json.dumps(charts["one"]["spec"]["datasets"])


def test_a_chart_has_the_colours_of_both_schemes_and_is_as_wide_as_its_place() -> None:
    chart = embedded(a_chart(), law_config)
    assert chart["spec"]["width"] == "container" and "config" not in chart["spec"]
    assert chart["light"]["background"] == "transparent"
    assert chart["light"]["range"]["ordinal"] == law_config(2, "light")["range"]["ordinal"]
    assert chart["dark"] == law_config(2, "dark")


def test_panels_stand_in_a_grid_with_their_ids() -> None:
    text = panel_grid([Panel("one", "A < B", "why & how", a_chart())], "two", prefix="joint_")
    assert "class='grid two'" in text and "id='joint_one'" in text
    assert "<h3>A &lt; B</h3>" in text and "why &amp; how" in text
    assert "why" not in panel_grid([Panel("one", "A", "why", a_chart())], "two", captions=False)
    assert panel_grid([], "two") == ""


def test_how_it_was_made_is_there_where_something_is_known() -> None:
    text = made_section(["chemscale fit <x>"], {"torch": "2"}, "a = 1", "Study file")
    assert "chemscale fit &lt;x&gt;" in text and "<dt>torch</dt><dd>2</dd>" in text
    assert "<summary>Study file</summary><pre>a = 1</pre>" in text
    assert made_section([], {}, "", "Study file") == ""
