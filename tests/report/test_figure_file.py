"""One figure in a file."""

from pathlib import Path

import altair as alt
import pandas as pd
import pytest

from chemscale.base.errors import ConfigError
from chemscale.report.figure_file import check_figure_path, write_figure


@pytest.fixture
def chart() -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame({"x": [1, 2], "y": [3, 4]})).mark_point().encode(x="x:Q", y="y:Q").properties(width=100)
    )


def test_the_suffix_names_the_format(chart: alt.Chart, tmp_path: Path) -> None:
    assert write_figure(chart, tmp_path / "a.svg").read_text().startswith("<svg")
    assert write_figure(chart, tmp_path / "new folder" / "a.PNG").read_bytes().startswith(b"\x89PNG")
    page = write_figure(chart, tmp_path / "a.html").read_text()
    assert "<html" in page and 'src="http' not in page and "import(" not in page.split("vegaEmbed")[0][:500]


def test_a_png_has_twice_the_pixels(chart: alt.Chart, tmp_path: Path) -> None:
    def width(path: Path) -> int:
        return int.from_bytes(path.read_bytes()[16:20], "big")

    svg = write_figure(chart, tmp_path / "a.svg").read_text()
    drawn = float(svg.split('width="')[1].split('"')[0])
    assert width(write_figure(chart, tmp_path / "a.png")) == pytest.approx(2 * drawn, abs=2)


@pytest.mark.parametrize(("name", "said"), [("a.pdf", "suffix '.pdf'"), ("figure", "no suffix"), ("a.", "no suffix")])
def test_other_suffixes_are_refused(chart: alt.Chart, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"{said}.*.svg, .png, .html"):
        write_figure(chart, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_good_path_comes_back() -> None:
    assert check_figure_path(Path("out/a.SVG")) == Path("out/a.SVG")
