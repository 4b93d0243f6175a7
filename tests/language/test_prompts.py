"""Prompts: parts of molecules in two spellings, first tokens, scaffolds, files."""

from pathlib import Path

import pytest

from chemscale.base.errors import UserError
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.chem.selfies_encoding import decode_selfies, selfies_version
from chemscale.chem.smiles import canonical_smiles, parse_smiles
from chemscale.language.prompts import parse_prompt, read_prompts, scaffold_prompts
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.vocabulary import Vocabulary

SYMBOLS = ["[C]", "[=C]", "[#C]", "[N]", "[O]", "[=O]", "[F]", "[=N]", "[P]", "[S]"]
SYMBOLS += ["[Branch1]", "[=Branch1]", "[#Branch1]", "[Branch2]", "[=Branch2]", "[#Branch2]"]
SYMBOLS += ["[Ring1]", "[=Ring1]", "[Ring2]"]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(Vocabulary.of(SYMBOLS, "selfies", selfies_version()))


@pytest.fixture
def smiles_tokenizer() -> Tokenizer:
    return Tokenizer(Vocabulary.of("CNOFcno()123=", "smiles", None))


def test_a_smiles_and_its_selfies_are_the_same_prompt(tokenizer: Tokenizer) -> None:
    ours = parse_prompt("CC(=O)N", tokenizer)
    assert ours.token_ids == tuple(tokenizer.encode("CC(=O)N")[:-1])
    same = parse_prompt("[C][C][=Branch1][C][=O][N]", tokenizer)
    assert same.token_ids == ours.token_ids
    assert canonical_smiles(str(same.molecule)) == "CC(N)=O"


def test_first_tokens_are_counted_from_either_end(tokenizer: Tokenizer) -> None:
    whole = parse_prompt("CC(=O)NCC", tokenizer)
    assert parse_prompt("CC(=O)NCC", tokenizer, first=3).token_ids == whole.token_ids[:4]
    assert parse_prompt("CC(=O)NCC", tokenizer, first=-3).token_ids == whole.token_ids[:-3]
    assert parse_prompt("CC(=O)NCC", tokenizer, first=3).molecule == "CC(=O)NCC"
    for first in (0, 9, -8):
        with pytest.raises(UserError, match=f"has 8 tokens; {first} of them cannot be taken"):
            parse_prompt("CC(=O)NCC", tokenizer, first=first)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "empty"),
        ("C(=O)N(", "syntax is wrong"),
        ("C[Si]C", r"\[Si\]: not in the vocabulary of 23 symbols"),
        ("[C][Xx]", r"\[Xx\]: not in the vocabulary"),
        ("C(C)(C)(C)(C)C", "valence"),
        ("not a molecule", "white space"),
    ],
)
def test_a_prompt_that_cannot_be_encoded_is_refused_with_the_reason(
    tokenizer: Tokenizer, text: str, reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        parse_prompt(text, tokenizer)


def test_a_model_that_writes_smiles_takes_any_beginning(smiles_tokenizer: Tokenizer) -> None:
    prompt = parse_prompt("c1ccc(C(=O)N", smiles_tokenizer)
    assert smiles_tokenizer.decode_text(prompt.token_ids) == "c1ccc(C(=O)N" and prompt.molecule is None


@pytest.mark.parametrize("smiles", ["CC(C)Oc1ccc(NC(=O)c2ccncc2)cc1", "CC1CCCN1Cc1ccccc1F", "c1ccccc1C"])
def test_a_scaffold_stays_whole_and_grows_in_several_places(tokenizer: Tokenizer, smiles: str) -> None:
    scaffold = murcko_scaffold(parse_smiles(smiles))
    prompts = scaffold_prompts(smiles, tokenizer)
    grown = set()
    for prompt in prompts:
        assert prompt.molecule == scaffold
        text = tokenizer.decode_text(prompt.token_ids)
        assert canonical_smiles(decode_selfies(text)) == scaffold
        larger = parse_smiles(decode_selfies(text + "[C][F]"))
        assert larger.HasSubstructMatch(parse_smiles(scaffold))
        grown.add(canonical_smiles(decode_selfies(text + "[C][F]")))
    assert len(grown) == len(prompts), "each spelling grows in a place of its own"
    assert len(prompts) > 1 or scaffold == "c1ccccc1"
    assert prompts == scaffold_prompts(smiles, tokenizer)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [("CCO", "no rings"), ("c1ccccc", "no molecule"), ("c1ccsc1B", r"\[S\]: not in the vocabulary")],
)
def test_a_scaffold_that_cannot_be_used_is_refused(tokenizer: Tokenizer, smiles: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        scaffold_prompts(smiles, Tokenizer(Vocabulary.of(SYMBOLS[:3], "selfies", selfies_version())))


def test_prompts_of_a_file(tokenizer: Tokenizer, tmp_path: Path) -> None:
    lines = tmp_path / "prompts.txt"
    lines.write_text("CC(=O)N\n\n[C][C][O]\n")
    assert [prompt.text for prompt in read_prompts(str(lines), tokenizer)] == ["CC(=O)N", "[C][C][O]"]
    table = tmp_path / "prompts.csv"
    table.write_text("name,smiles\na,CC(=O)N\nb,CCO\n")
    assert [prompt.n_tokens for prompt in read_prompts(str(table), tokenizer, first=2)] == [2, 2]
    lines.write_text("CCO\nC[Si]\n")
    with pytest.raises(UserError, match=r"prompts.txt, line 2: .*\[Si\]"):
        read_prompts(str(lines), tokenizer)
    lines.write_bytes(b"\xef\xbb\xbfCCO\r\nCC(=O)N\r\n")
    assert [prompt.text for prompt in read_prompts(str(lines), tokenizer)] == ["CCO", "CC(=O)N"]
    lines.write_bytes(b"CC\xffO\n")
    with pytest.raises(UserError, match=r"prompts.txt, line 1"):
        read_prompts(str(lines), tokenizer)
    with pytest.raises(UserError, match="is a folder"):
        read_prompts(str(tmp_path), tokenizer)
    lines.write_text("\n")
    with pytest.raises(UserError, match="holds no prompts"):
        read_prompts(str(lines), tokenizer)
