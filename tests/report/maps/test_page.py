"""The page of a map: what it says, what its script gets, and what a browser shows under the cursor."""

import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chemscale.report.maps.contents import MapReport
from chemscale.report.maps.data import GRID, on_grid, page_data
from chemscale.report.maps.page import render_map_page

BROWSER = os.environ.get("CHEMSCALE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-component-update", "--disable-background-networking", "--enable-logging=stderr",
    "--virtual-time-budget=5000", "--window-size=1400,1100",
)  # fmt: skip
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (CHEMSCALE_BROWSER names one)")


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="map">(.*?)</script>', text, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def after(script: str, text: str, folder: Path) -> str:
    """The DOM of the page without its scripts, after one more script has run; the browser must log nothing."""
    assert BROWSER is not None
    page = folder / "map.html"
    page.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in result.stderr, [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return html.unescape(re.sub(r"<script.*?</script>", "", result.stdout, flags=re.DOTALL))


# A pointer on the place of molecule i in a picture, as a mouse or a finger would have it.
POINTER = """
function pointer(kind, name, i) {
  const p = pictures.find((one) => one.name === name);
  const box = p.top.getBoundingClientRect();
  const at = { clientX: box.left + screenX(p, i), clientY: box.top + screenY(p, i), bubbles: true };
  p.top.dispatchEvent(new PointerEvent(kind, at));
}
"""


@pytest.fixture(scope="module")
def text(made_up_map: MapReport) -> str:
    return render_map_page(made_up_map)


def test_nothing_is_fetched_and_text_from_outside_is_escaped(text: str) -> None:
    page = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r"(?:src|href|srcset)=[\"'][^\"']*", page) == ['href="data:,']
    assert not re.search(r"https?://|@import|url\(", text)
    assert "<h1>Map of &lt;b&gt;</h1>" in page and "12 molecules &amp; more" in page
    assert "chemscale map x &lt;y&gt;" in page and "R² of expt &lt;x&gt;" in page
    assert data_of(text)["names"][3] == "</script>3"


def test_numbers_stand_beside_the_pictures_with_their_meaning(text: str) -> None:
    for part in ("0.250", "−0.100 ± 0.020", "8 in 2 groups", "−0.125 ± 0.050", "0.750 ± 0.062", "0.625 ± 0.125"):
        assert part in text, part
    for part in ("silhouette by …", "1 is perfect", "0.5 is chance", "Radius 2, 1024 bits", "1 of 13 rows"):
        assert part in text, part
    assert "<b>0.25</b><span>silhouette by scaffold; fingerprints 0.50</span>" in text


def test_no_number_is_said(made_up_map: MapReport) -> None:
    assert "No label has enough molecules" in render_map_page(replace(made_up_map, numbers=made_up_map.numbers[:0]))


def test_the_script_gets_molecules_places_and_labels(made_up_map: MapReport) -> None:
    data = json.loads(json.dumps(page_data(made_up_map), allow_nan=False))
    assert data["drawings"][1] == made_up_map.drawings[1].to_json() and data["smiles"] == made_up_map.smiles
    assert [data["scaffolds"][place] for place in data["scaffold"]] == made_up_map.scaffolds
    scaffold, number, toxic = data["labels"]
    assert scaffold["classes"] == ["c1ccccc1", "c1ccncc1", "other", "no ring"] and scaffold["n_rest"] == 2
    assert data["class_drawings"][0][0] and data["class_drawings"][0][1:] == [None] * 3
    assert number["values"][0] is None and number["values"][1] == -9.5 and number["least"] < number["low"]
    assert toxic["values"][:4] == [1, 0, 0, None]


def test_places_fill_the_square_or_keep_their_proportions() -> None:
    points = np.array([[0.0, 0], [4, 1], [2, 0.5]])
    assert on_grid(points, False).tolist() == [[0, 0], [GRID, GRID], [GRID / 2, GRID / 2]]
    assert on_grid(points, True).tolist() == [[0, 0.375 * GRID], [GRID, 0.625 * GRID], [GRID / 2, GRID / 2]]
    assert on_grid(np.ones((3, 2)), True).tolist() == [[GRID / 2, GRID / 2]] * 3


@needs_browser
@pytest.mark.parametrize("picture", ["pca", "tsne"])
def test_the_molecule_under_the_cursor_is_shown(text: str, tmp_path: Path, picture: str) -> None:
    dom = after(POINTER + f'pointer("pointermove", "{picture}", 7)', text, tmp_path)
    values = dom[dom.index('id="values"') :]
    assert '<dd class="code">C[C@H](N)C(=O)O</dd>' in values and '<dd class="code">no ring</dd>' in values
    assert '<dt>line of the file</dt><dd class="">9</dd>' in values
    card = dom[dom.index('id="drawing"') : dom.index('id="name"')]
    assert sorted(re.findall(r'<text[^>]*class="(\w+)">([^<]*)</text>', card)) == [
        ("N", "2"), ("N", "H"), ("N", "N"), ("O", "H"), ("O", "O"), ("O", "O"),
    ]  # fmt: skip
    assert card.count("<line") + card.count("<polygon") >= 6


@needs_browser
def test_a_click_keeps_a_molecule_until_escape(text: str, tmp_path: Path) -> None:
    click = (
        POINTER + 'pointer("pointerdown", "pca", 4); pointer("pointerup", "pca", 4); pointer("pointermove", "pca", 2);'
    )
    dom = after(click, text, tmp_path)
    assert '<dd class="code">CCO</dd>' in dom and "molecule kept" in dom
    escape = (
        'document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })); pointer("pointermove", "pca", 2);'
    )
    dom = after(click + escape, text, tmp_path)
    assert '<dd class="code">c1ccncc1</dd>' in dom and "molecule kept" not in dom


@needs_browser
def test_buttons_change_the_colours_and_the_legend(text: str, tmp_path: Path) -> None:
    dom = after("document.querySelectorAll('#keys button')[2].click()", text, tmp_path)
    legend = dom[dom.index('id="legend"') : dom.index('class="atlas"')]
    assert re.findall(r'title="([^"]*)">[^<]*</span>(?:</span>)?<small class="">([\d,]+)', legend) == [
        ("0", "8"), ("1", "3"), ("not known", "1"),
    ]  # fmt: skip
    dom = after("document.querySelectorAll('#keys button')[1].click()", text, tmp_path)
    assert "linear-gradient" in dom and "≤ " in dom


@needs_browser
def test_arrow_keys_go_from_molecule_to_molecule(text: str, tmp_path: Path) -> None:
    keys = """
    const seen = [];
    for (const key of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) {
      const before = [screenX(pictures[0], state.shown), screenY(pictures[0], state.shown)];
      pictures[0].top.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const now = [screenX(pictures[0], state.shown), screenY(pictures[0], state.shown)];
      const [right, down] = [now[0] - before[0], now[1] - before[1]];
      seen.push({ ArrowRight: right, ArrowLeft: -right, ArrowUp: -down, ArrowDown: down }[key] >= 0);
    }
    document.title = seen.join();
    """
    assert "<title>true,true,true,true</title>" in after(keys, text, tmp_path)


@needs_browser
def test_points_have_the_colours_of_their_classes(text: str, tmp_path: Path) -> None:
    pixel = """
    const p = pictures[1];
    choose(2);
    const dense = window.devicePixelRatio || 1;
    const place = [screenX(p, 0) * dense, screenY(p, 0) * dense];
    const [red, , blue] = p.base.getContext("2d").getImageData(...place, 1, 1).data;
    document.title = `${red > 150 && blue < 90}`;
    """
    assert "<title>true</title>" in after(pixel, text, tmp_path)
