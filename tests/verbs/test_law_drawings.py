"""Figures of laws as files: which, and under what names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream
from chemscale.scaling.table_fit import TableColumns
from chemscale.verbs import law_drawings, laws
from chemscale.verbs.law_drawings import draw, slugs


def table(groups: tuple[str, ...] = ("a",)) -> pd.DataFrame:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e4, 1e7, 5), np.geomspace(1e3, 1e6, 4)))
    noise = np.exp(0.01 * stream(41, "drawings").standard_normal(20))
    one = pd.DataFrame({"N": size, "D": data, "loss": (1.8 + 20 * size**-0.35 + 30 * data**-0.37) * noise})
    return pd.concat([one.assign(source=group) for group in groups], ignore_index=True)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["org/a", "b c"], ["org_a", "b_c"]),
        (["a/b", "a b", "A\\b"], ["a_b", "a_b-2", "A_b-3"]),
        (["1.23M", "x-y_z"], ["1.23M", "x-y_z"]),
        (["../../etc", "", "::"], [".._.._etc", "", "_"]),
    ],
)
def test_slugs_are_parts_of_file_names(names: list[str], expected: list[str]) -> None:
    assert slugs(names) == expected
    assert len(slugs(["x" * 500])[0]) < 100


def test_a_group_with_a_slash_stays_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law_drawings, "write_figure", lambda chart, path: path)
    fits = laws.fit(table(("org/a", "org/b")), TableColumns(parameters="N", data="D", y="loss", group="source"))
    written = draw(fits, tmp_path / "x.svg")
    assert [path.name for path in written] == ["x-org_a.svg", "x-org_b.svg"]
    written = draw(fits, tmp_path / "all")
    assert "additive-org_a-loss_surface.svg" in [path.name for path in written]
    assert {path.parent for path in written} == {tmp_path / "all"}


def test_every_law_of_a_study_has_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"N": "n_parameters", "D": "data_points", "loss": "validation_loss"}
    study = table().rename(columns=named).assign(family="chemgpt", training_flops=1e9)
    study["run"] = [f"run {index}" for index in range(len(study))]
    study.to_csv(tmp_path / "table.csv", index=False)
    drawn: dict[Path, str] = {}
    monkeypatch.setattr(law_drawings, "write_figure", lambda chart, path: drawn.setdefault(path, chart.to_json()))
    written = draw(laws.fit(tmp_path / "table.csv", TableColumns()), tmp_path / "all", tmp_path / "table.csv")
    names = [path.name for path in drawn]
    assert len(names) == len(written)
    assert {"power-n_parameters-law.svg", "power-data_points-law.svg", "additive-loss_surface.svg"} <= set(names)
    assert "additive-isoflop_valleys.svg" not in names
    assert "non-embedding parameters" in drawn[tmp_path / "all" / "additive-loss_surface.svg"]
