"""The folder of a map: figures, tables, and nothing of an earlier one."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.report.maps.contents import MapReport, Picture, map_frame
from chemscale.report.maps.figures import draw_map, draw_maps
from chemscale.report.maps.folder import write_map
from chemscale.report.maps.theme import class_colours, shown_range


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, made_up_map: MapReport) -> Path:
    path = tmp_path_factory.mktemp("map")
    (path / "figures").mkdir()
    (path / "figures" / "map_old.png").write_bytes(b"")
    assert write_map(made_up_map, path) == path / "map.html"
    return path


def test_the_folder_is_complete(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"map.html", "map.csv", "numbers.csv", "figures"}
    names = {"map_scaffold", "map_expt__x_", "map_toxic"}
    assert {path.name for path in (folder / "figures").iterdir()} == {f"{n}.{s}" for n in names for s in ("svg", "png")}


def test_the_tables_hold_the_map(folder: Path, made_up_map: MapReport) -> None:
    table = pd.read_csv(folder / "map.csv", dtype={"toxic": str})
    assert table["smiles"].tolist() == list(made_up_map.smiles) and table["line"].tolist() == list(range(2, 14))
    np.testing.assert_allclose(table[["tsne_1", "tsne_2"]], made_up_map.pictures[1].points)
    assert table["toxic"].tolist()[:3] == ["1", "0", "0"] and pd.isna(table["toxic"][3])
    assert pd.isna(table["expt <x>"][0]) and table["scaffold"][2] == "c1ccncc1"
    numbers = pd.read_csv(folder / "numbers.csv")
    assert numbers["value"].tolist() == [0.25, 0.5, -0.125, 0.75, 0.625]


def test_figures_show_every_molecule_twice_in_the_colours_of_the_page(folder: Path, made_up_map: MapReport) -> None:
    svg = (folder / "figures" / "map_toxic.svg").read_text()
    colours = class_colours(made_up_map.labels[2])
    for colour, count in zip(colours, (8, 3), strict=True):
        assert len(re.findall(rf'<path [^>]*fill="{colour}"', svg)) in (2 * count, 2 * count + 1)


def test_thousands_of_molecules_are_drawn(made_up_map: MapReport) -> None:
    n = 6000
    label = replace(made_up_map.labels[1], values=np.arange(float(n)))
    picture = Picture("pca", "PCA", np.random.default_rng(0).normal(size=(n, 2)), ("", ""), "", False)
    chart = draw_map(replace(made_up_map, smiles=["C"] * n, pictures=[picture]), label).to_dict()
    assert json.dumps(chart).count('"label": ') == n


def test_extremes_do_not_take_the_colours(made_up_map: MapReport) -> None:
    label = replace(made_up_map.labels[1], values=np.concatenate([np.linspace(0, 1, 99), [1e6]]))
    assert shown_range(label)[1] < 2
    assert shown_range(replace(label, values=np.ones(5))) == (1, 2)


def test_one_figure_for_each_label(made_up_map: MapReport) -> None:
    assert list(draw_maps(made_up_map)) == ["map_scaffold", "map_expt__x_", "map_toxic"]


def test_names_that_are_alike_have_files_of_their_own(made_up_map: MapReport) -> None:
    labels = [replace(made_up_map.labels[2], name=name) for name in ("a b", "a_b", "A b", "a_b_2")]
    assert list(draw_maps(replace(made_up_map, labels=labels))) == ["map_a_b", "map_a_b_2", "map_A_b_3", "map_a_b_2_2"]


def test_a_label_never_replaces_another_column(made_up_map: MapReport) -> None:
    names = ("line", "smiles", "murcko_scaffold", "pca_1", "label_line")
    labels = [replace(made_up_map.labels[2], name=name) for name in names]
    table = map_frame(replace(made_up_map, labels=labels))
    pd.testing.assert_frame_equal(table.iloc[:, :7], map_frame(replace(made_up_map, labels=[])))
    assert list(table.columns[7:]) == [
        "label_line",
        "label_smiles",
        "label_murcko_scaffold",
        "label_pca_1",
        "label_label_line",
    ]
