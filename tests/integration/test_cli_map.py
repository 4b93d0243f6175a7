"""`chemscale map`: from a file of molecules and a trained model to the page, and what is said of wrong input."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

CommandLine = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def table(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty molecules with a number, a class with gaps, and three rows that cannot be embedded."""
    smiles = smiles_file.read_text().split()[40:100]
    nitrogen = ["" if place % 9 == 0 else int("N" in text) for place, text in enumerate(smiles)]
    rows = [f"m{place},{text},{len(text) / 7},{nitrogen[place]}" for place, text in enumerate(smiles)]
    rows[3:3] = ["bad,C(C,1,0", "unknown,[Xe],1,0", "empty,,1,0"]
    path = tmp_path_factory.mktemp("map") / "labelled.csv"
    path.write_text("\n".join(["name,smiles,length,nitrogen", *rows]) + "\n")
    return path


def test_a_map_of_a_file(
    trained_run: Path, table: Path, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = command_line("map", str(trained_run), str(table), "--colour", "scaffold,length,Nitrogen,logp")
    assert status == 0, err
    folder = Path("maps") / "labelled"
    assert f"map of 60 molecules: {folder / 'map.html'}" in out and "3 of 63 rows are not on the map" in out
    assert "silhouette by scaffold" in out and "kNN R² of length" in out and "kNN ROC-AUC of nitrogen" in out
    rejects = (folder / "rejects.tsv").read_text().splitlines()
    assert [line.split("\t")[:3] for line in rejects[1:]] == [["3", "5", "C(C"], ["4", "6", "[Xe]"], ["5", "7", ""]]
    places = pd.read_csv(folder / "map.csv")
    assert len(places) == 60 and places["line"][2:4].tolist() == [4, 8] and places["nitrogen"].isna().sum() == 7
    numbers = pd.read_csv(folder / "numbers.csv").set_index(["label", "space"])
    assert numbers.at[("length", "embedding"), "value"] > 0.5
    assert set(numbers["n_molecules"].xs("nitrogen")) == {53}
    page = (folder / "map.html").read_text()
    found = re.search(r'<script type="application/json" id="map">(.*?)</script>', page, re.DOTALL)
    assert found and json.loads(found[1])["names"][:2] == ["m0", "m1"]
    assert "--colour scaffold,length,nitrogen,logp</pre>" in page


def test_the_same_command_gives_the_same_map(
    trained_run: Path, table: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        arguments = ("--limit", "30", "--layer", "1", "--pooling", "max", "--seed", "4", "--out", str(tmp_path / name))
        assert command_line("map", str(trained_run), str(table), *arguments)[0] == 0
    for name in ("map.csv", "numbers.csv", "map.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert "layer 1, max over tokens" in (tmp_path / "one" / "map.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--colour", "lenght"), "did you mean 'length'"),
        (("--colour", ","), "names nothing"),
        (("--colour", "name"), "occurs twice"),
        (("--column", "smile"), "no column 'smile'"),
        (("--limit", "9"), "needs 10 molecules"),
        (("--layer", "9"), "layer"),
        (("--pooling", "median"), "pooling"),
    ],
)
def test_wrong_input_is_one_message(
    trained_run: Path, table: Path, command_line: CommandLine, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    status, _, err = command_line("map", str(trained_run), str(table), "--out", str(tmp_path), *arguments)
    assert status == 2
    assert err.startswith("error: ") and says in err and "Traceback" not in err
    assert not (tmp_path / "map.html").exists()


@pytest.mark.parametrize("below", ["", "x"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    table: Path, command_line: CommandLine, tmp_path: Path, below: str
) -> None:
    (tmp_path / "taken").write_text("kept")
    status, _, err = command_line("map", "no checkpoint", str(table), "--out", str(tmp_path / "taken" / below))
    assert status == 2 and "is a file" in err and "Traceback" not in err
    assert (tmp_path / "taken").read_text() == "kept"


def test_copies_of_one_molecule_are_one_message(
    trained_run: Path, command_line: CommandLine, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "copies.smi").write_text("CCO\n" * 15)
    status, _, err = command_line("map", str(trained_run), str(tmp_path / "copies.smi"), "--out", str(tmp_path / "map"))
    assert status == 2 and "15 molecules have 1 different embedding" in err and "Traceback" not in err
    assert not recwarn and not (tmp_path / "map").exists()


def test_infinite_values_are_missing_and_said_to_be(
    trained_run: Path, table: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    lines = table.read_text().splitlines()
    lines[8] = ",".join([*lines[8].split(",")[:2], "inf", "1"])
    (tmp_path / "infinite.csv").write_text("\n".join(lines) + "\n")
    arguments = ("--colour", "length", "--out", str(tmp_path / "map"))
    status, out, err = command_line("map", str(trained_run), str(tmp_path / "infinite.csv"), *arguments)
    assert status == 0, err
    assert "length: infinite values of the file, 1 in all, are drawn and counted as missing" in out
    assert pd.read_csv(tmp_path / "map" / "map.csv")["length"].isna().sum() == 1
