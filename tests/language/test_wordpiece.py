"""Published WordPiece tokenizers: parity with the library, and the refusals that it lacks."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from chemscale.base.errors import DataError, UserError
from chemscale.chem.selfies_encoding import encode_selfies, split_selfies
from chemscale.chem.smiles import MoleculeError
from chemscale.language.wordpiece import WordPieceTokenizer

SPECIAL = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = list("[]=#12BCNORaehinlpgx_")
VERSION_2 = ["[C]", "[=C]", "[O]", "[=O]", "[N]", "[Branch1]", "[=Branch1]", "[Ring1]", "[=Ring1]", "[NH1]"]
VERSION_1 = ["[C]", "[=C]", "[O]", "[=O]", "[N]", "[Branch1_1]", "[Branch1_2]", "[Ring1]", "[Expl=Ring1]", "[NHexpl]"]


def layout(symbols: list[str]) -> dict[str, Any]:
    """A tokenizer.json as the published ones are: special symbols, letters, pieces, whole symbols."""
    words = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), "##ran", "##Branch", *symbols]
    ids = {word: index for index, word in enumerate(words)}
    ends = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    template = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": name, **added} for index, name in enumerate(SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"\[(.*?)\]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": template,
            "pair": template,
            "special_tokens": ends,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    }


def saved(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture
def version_2(tmp_path: Path) -> WordPieceTokenizer:
    return WordPieceTokenizer.load(saved(tmp_path, layout(VERSION_2)))


@pytest.fixture
def version_1(tmp_path: Path) -> WordPieceTokenizer:
    return WordPieceTokenizer.load(saved(tmp_path, layout(VERSION_1)).parent)


TEXTS = [
    "[C][=C][O]",
    encode_selfies("CC(=O)N"),
    encode_selfies("C[C@H](F)Cl"),
    "[13C][C]",
    "[Na+1].[C]",
    "CCO",
    "[Branch1_2][Expl=Ring1]",
    "[C]x[C",
    "",
    "[" + "C" * 200 + "]",
    "[]",
]


@pytest.mark.parametrize("symbols", [VERSION_1, VERSION_2])
@pytest.mark.parametrize("text", TEXTS)
def test_the_published_behaviour_is_the_librarys(symbols: list[str], text: str, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the tokenizers library is not installed")
    path = saved(tmp_path, layout(symbols))
    theirs = tokenizers.Tokenizer.from_file(str(path)).encode(text).ids
    assert WordPieceTokenizer.load(path).encode_as_published(text) == theirs


def test_special_ids_are_those_of_the_published_files(version_2: WordPieceTokenizer) -> None:
    ids = (version_2.unk_id, version_2.pad_id, version_2.bos_id, version_2.eos_id)
    assert ids == (0, 1, 2, 3)
    assert len(version_2) == len(version_2.ids)
    assert version_2.selfies_major == 2


def test_a_molecule_goes_through_and_back(version_2: WordPieceTokenizer) -> None:
    ids = version_2.encode("CC(=O)N")
    assert ids == version_2.encode_as_published(encode_selfies("CC(=O)N"))
    assert len(ids) == len(split_selfies(encode_selfies("CC(=O)N"))) + 2
    assert version_2.decode([*ids, 1, 1]) == "CC(=O)N"
    assert version_2.encode_text("[C]", ends=False) == [version_2.ids["[C]"]]


def test_selfies_2_is_refused_by_a_version_1_vocabulary(version_1: WordPieceTokenizer) -> None:
    assert version_1.selfies_major == 1
    with pytest.raises(UserError, match="spelled as in SELFIES 1, installed is 2"):
        version_1.encode("CC(=O)N")
    with pytest.raises(UserError, match=r"\[=Branch1\].*spelled as in SELFIES 2.*SELFIES 1"):
        version_1.encode_text("[C][=Branch1][C][=O][N]")
    assert version_1.decode(version_1.encode_text("[C][C][Branch1_2][C][=O][N]")) == "CC(=O)N"


def test_selfies_1_is_refused_by_a_version_2_vocabulary(version_2: WordPieceTokenizer) -> None:
    with pytest.raises(UserError, match=r"spelled as in SELFIES 1.*SELFIES 2"):
        version_2.encode_text("[C][Branch1_2][C][=O][N]")


@pytest.mark.parametrize("smiles", ["C.N", "[13CH4]", "C[C@H](F)Cl"])
def test_a_symbol_without_an_id_is_refused(version_2: WordPieceTokenizer, smiles: str) -> None:
    with pytest.raises(UserError, match="no id in this vocabulary"):
        version_2.encode(smiles)


def test_a_smiles_given_for_selfies_is_refused(version_2: WordPieceTokenizer) -> None:
    with pytest.raises(MoleculeError, match="not SELFIES"):
        version_2.encode_text("CCO")


@pytest.mark.parametrize("bad", [0, 4, 9_999, -1])
def test_an_id_without_a_symbol_is_refused(version_2: WordPieceTokenizer, bad: int) -> None:
    with pytest.raises(UserError, match=f"id {bad} "):
        version_2.decode([2, bad, 3])


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("model", "type"), "BPE", "'BPE', expected 'WordPiece'"),
        (("model", "continuing_subword_prefix"), "@@", "'@@'"),
        (("normalizer",), {"type": "Lowercase"}, "normalizer"),
        (("pre_tokenizer", "pattern"), {"Regex": "."}, "splits at '.'"),
        (("pre_tokenizer",), None, "splits at None"),
        (("model", "vocab"), {"[C]": 0}, r"lacks \[PAD\]"),
        (("model", "max_input_chars_per_word"), "many", "many"),
    ],
)
def test_a_file_of_another_layout_says_in_what(
    tmp_path: Path, place: tuple[str, ...], value: object, message: str
) -> None:
    values = copy.deepcopy(layout(VERSION_2))
    table = values
    for key in place[:-1]:
        table = table[key]
    table[place[-1]] = value
    with pytest.raises(DataError, match=message):
        WordPieceTokenizer.load(saved(tmp_path, values))


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        WordPieceTokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("not JSON")
    with pytest.raises(DataError, match="is not a tokenizer file"):
        WordPieceTokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(DataError, match="is not a ChemGPT tokenizer"):
        WordPieceTokenizer.load(tmp_path)
