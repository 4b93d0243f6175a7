"""The vocabulary: ids, order, files, and what is refused."""

import json
from pathlib import Path

import pytest

from chemscale.base.errors import DataError, UserError
from chemscale.language.vocabulary import Vocabulary


def test_special_symbols_have_the_first_ids_and_the_others_follow_sorted() -> None:
    vocabulary = Vocabulary.of(["[O]", "[C]", "[=O]", "[C]"], "selfies", "2.1.1")
    assert vocabulary.all_symbols == ("[pad]", "[bos]", "[eos]", "[unk]", "[=O]", "[C]", "[O]")
    assert [vocabulary.ids[name] for name in ("[pad]", "[bos]", "[eos]", "[unk]", "[C]")] == [0, 1, 2, 3, 5]
    assert (vocabulary.pad_id, vocabulary.bos_id, vocabulary.eos_id, vocabulary.unk_id) == (0, 1, 2, 3)
    assert len(vocabulary) == 7


def test_a_file_round_trip_keeps_everything(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(["c", "\\", "Cl"], "smiles", None)
    vocabulary.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json") == vocabulary
    assert Vocabulary.load(tmp_path / "v.json").sha256 == vocabulary.sha256


def test_the_hash_sees_everything_that_gives_an_id_its_meaning() -> None:
    first = Vocabulary(("[C]", "[O]"), "selfies", "2.1.1")
    others = [
        Vocabulary(("[O]", "[C]"), "selfies", "2.1.1"),
        Vocabulary(("[C]", "[O]"), "selfies", "1.0.4"),
        Vocabulary(("[C]", "[O]"), "smiles", None),
    ]
    assert len({first.sha256, *(other.sha256 for other in others)}) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((("[C]", "[C]"), "selfies", "2.1.1"), "once"),
        ((("[pad]",), "selfies", "2.1.1"), "special"),
        ((("[C]",), "selfies", None), "selfies_version"),
        ((("[C]",), "letters", None), "encoding"),
    ],
)
def test_what_is_no_vocabulary_is_refused(values: tuple[tuple[str, ...], str, str | None], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Vocabulary(*values)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', "\x00", '{"format": 9, "special": []}'])
def test_a_bad_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "v.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"v\.json"):
        Vocabulary.load(path)


def test_a_missing_file_and_other_special_symbols_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Vocabulary.load(tmp_path / "v.json")
    Vocabulary(("[C]",), "selfies", "2.1.1").save(tmp_path / "v.json")
    values = json.loads((tmp_path / "v.json").read_text())
    values["special"] = values["special"][::-1]
    (tmp_path / "v.json").write_text(json.dumps(values))
    with pytest.raises(DataError, match="another format"):
        Vocabulary.load(tmp_path / "v.json")
