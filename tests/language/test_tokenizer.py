"""The tokenizer: round trips, unknown symbols, other SELFIES versions, and the same ids in transformers."""

from pathlib import Path

import pytest

from chemscale.base.errors import UserError
from chemscale.chem.selfies_encoding import encode_selfies, split_selfies
from chemscale.chem.smiles import MoleculeError, canonical_smiles, split_smiles
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.vocabulary import Vocabulary

MOLECULES = ["CCO", "c1ccccc1C(=O)N", "C[C@H](F)/C=C/Cl", "[Na+].[O-]C(=O)C", "[13CH4]", "BrC1CC1C#N"]


def tokenizer(encoding: str) -> Tokenizer:
    if encoding == "smiles":
        symbols = {symbol for text in MOLECULES for symbol in split_smiles(text)}
        return Tokenizer(Vocabulary.of(symbols, "smiles", None))
    symbols = {symbol for text in MOLECULES for symbol in split_selfies(encode_selfies(text))}
    return Tokenizer(Vocabulary.of(symbols, "selfies", "2.1.1"))


@pytest.mark.parametrize("encoding", ["selfies", "smiles"])
@pytest.mark.parametrize("smiles", MOLECULES)
def test_round_trip_gives_the_same_molecule(encoding: str, smiles: str) -> None:
    subject = tokenizer(encoding)
    ids = subject.encode(smiles)
    assert (ids[0], ids[-1]) == (subject.bos_id, subject.eos_id)
    assert subject.unk_id not in ids and max(ids) < len(subject)
    assert canonical_smiles(subject.decode(ids)) == canonical_smiles(smiles)


def test_one_id_per_symbol_and_ends_on_request() -> None:
    subject = tokenizer("selfies")
    text = encode_selfies("c1ccccc1C(=O)N")
    assert len(subject.encode_text(text, ends=False)) == len(split_selfies(text))
    assert subject.encode_text(text) == [1, *subject.encode_text(text, ends=False), 2]


def test_decoding_stops_at_the_first_end_and_leaves_padding_out() -> None:
    subject = tokenizer("selfies")
    ids = subject.encode("CCO")
    assert subject.decode([*ids, 0, 0]) == subject.decode([*ids, *subject.encode("CC")]) == "CCO"
    assert subject.decode([]) == subject.decode([1, 2]) == ""


@pytest.mark.parametrize("bad", [3, 10_000, -1])
def test_an_id_without_a_symbol_is_refused(bad: int) -> None:
    with pytest.raises(UserError, match=f"id {bad} "):
        tokenizer("selfies").decode([1, bad, 2])


def test_an_unknown_symbol_is_an_error_that_names_it() -> None:
    with pytest.raises(UserError, match=r"\[P\].*not in the vocabulary"):
        tokenizer("selfies").encode("CP")
    with pytest.raises(UserError, match=r"P: not in the vocabulary"):
        tokenizer("smiles").encode("CP")


def test_text_of_another_kind_is_refused() -> None:
    with pytest.raises(MoleculeError, match="not SELFIES"):
        tokenizer("selfies").encode_text("CCO")
    with pytest.raises(MoleculeError):
        tokenizer("selfies").encode("not a molecule")


def test_text_of_selfies_1_is_refused_with_the_reason() -> None:
    with pytest.raises(UserError, match="SELFIES 1, the vocabulary as in SELFIES 2"):
        tokenizer("selfies").encode_text("[C][Branch1_2][C][=O][O]")


def test_a_vocabulary_of_another_version_is_refused_by_number_and_by_spelling() -> None:
    with pytest.raises(UserError, match=r"written by SELFIES 1\.0\.4.*installed is 2"):
        Tokenizer(Vocabulary(("[C]",), "selfies", "1.0.4"))
    with pytest.raises(UserError, match="spelled as in version 1"):
        Tokenizer(Vocabulary(("[C]", "[Branch1_2]"), "selfies", "2.1.1"))


def test_a_folder_or_a_file_is_loaded(tmp_path: Path) -> None:
    subject = tokenizer("selfies")
    subject.save_huggingface(tmp_path)
    assert Tokenizer.load(tmp_path) == Tokenizer.load(tmp_path / "vocabulary.json") == subject


@pytest.mark.parametrize("encoding", ["selfies", "smiles"])
def test_transformers_gives_the_same_ids(encoding: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    subject = tokenizer(encoding)
    subject.save_huggingface(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    registered = (theirs.pad_token_id, theirs.bos_token_id, theirs.eos_token_id, theirs.unk_token_id)
    assert registered == (0, 1, 2, 3)
    assert len(theirs) == len(subject)
    texts = [encode_selfies(smiles) if encoding == "selfies" else smiles for smiles in MOLECULES]
    for text in texts:
        ids = subject.encode_text(text)
        assert theirs(text)["input_ids"] == ids
        assert theirs.decode(ids, skip_special_tokens=True) == text
    padded = theirs(texts, padding=True)
    assert {len(ids) for ids in padded["input_ids"]} == {max(len(subject.encode_text(text)) for text in texts)}
    assert padded["input_ids"][0][-1] == subject.pad_id
    assert theirs("[Xx]")["input_ids"] == [1, 3, 2]
