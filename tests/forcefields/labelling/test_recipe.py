"""What decides the frames."""

from itertools import islice
from pathlib import Path

import pytest

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.labelling.recipe import molecules_of, recipe_for
from chemscale.forcefields.labelling.small_molecules import small_molecules

pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")


def test_built_in_molecules_need_no_file() -> None:
    recipe, path = recipe_for("small", 100, 5, None, None)
    assert path is None
    assert list(islice(molecules_of(recipe, path), 20)) == list(islice(small_molecules(5), 20))
    recipe, path = recipe_for("embedded", 100, 5, None, None)
    assert len(set(islice(molecules_of(recipe, path), 20))) == 20


def test_a_file_gives_each_molecule_once_and_texts_that_are_none_as_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "some.smi"
    file.write_text("OCC\nCCO\nnonsense\n\nC\n")
    recipe, path = recipe_for(file, 100, 0, None, None)
    assert list(molecules_of(recipe, path)) == ["CCO", "nonsense", "C"]
    assert recipe.molecules == "some.smi"
    assert recipe.molecules_sha256


def test_few_molecules_give_more_frames_each(tmp_path: Path) -> None:
    file = tmp_path / "some.smi"
    file.write_text("CCO\nCC\n")
    assert recipe_for(file, 10, 0, None, None)[0].sampling.frames_per_molecule == 12
    assert recipe_for(file, 1000, 0, None, None)[0].sampling.frames_per_molecule == 550


@pytest.mark.parametrize(
    ("n", "seed", "molecules", "column", "message"),
    [
        (0, 0, "small", None, "n: 0 frames; give a number from 1"),
        (10, -1, "small", None, "seed: -1"),
        (10, 0, "small", "smiles", "column: 'smiles' was given"),
    ],
)
def test_values_that_are_not_allowed(n: int, seed: int, molecules: str, column: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe_for(molecules, n, seed, column, None)


def test_a_file_without_molecules_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.smi"
    file.write_text("")
    with pytest.raises(DataError, match="is empty"):
        recipe_for(file, 10, 0, None, None)
    (tmp_path / "some.py").write_text("print()")
    with pytest.raises(DataError, match="hold no SMILES"):
        recipe_for(tmp_path / "some.py", 10, 0, None, None)


def test_a_source_that_is_not_there_names_what_could_be_meant() -> None:
    with pytest.raises(DataError, match=r"source 'smal': no file .* did you mean 'small'"):
        recipe_for("smal", 10, 0, None, None)
