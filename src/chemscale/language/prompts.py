"""What a molecule begins with: nothing, a part of one, its first tokens, or a scaffold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream_seed
from chemscale.chem.compressed_text import inner_name, open_text, readable
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.chem.selfies_encoding import decode_selfies
from chemscale.chem.smiles import MoleculeError, is_smiles, parse_smiles
from chemscale.chem.sources import resolve
from chemscale.language.huggingface import AnyTokenizer
from chemscale.language.tokenizer import molecule_text

PUBLISHED_LENGTHS = (5, 10, 20, -3)
"""First tokens of a molecule that Frey et al. 2023 prompted with; -3 is all but the last three."""

_SYMBOLS = re.compile(r"(?:\[[^\[\]]+\]|\.)+")
_SPELLINGS_TRIED = 300


@dataclass(frozen=True)
class Prompt:
    """The beginning of a molecule.

    Attributes:
        text: as it was given; "" for none.
        token_ids: `[bos]` and the tokens of the beginning.
        molecule: SMILES of the whole molecule that it was cut from, or of the scaffold; None where there is none.
    """

    text: str
    token_ids: tuple[int, ...]
    molecule: str | None = None

    @property
    def n_tokens(self) -> int:
        """Tokens of the beginning, `[bos]` not counted."""
        return len(self.token_ids) - 1


def no_prompt(tokenizer: AnyTokenizer) -> Prompt:
    """Nothing but the beginning of a sequence."""
    return Prompt("", (tokenizer.bos_id,))


def parse_prompt(text: str, tokenizer: AnyTokenizer, first: int | None = None) -> Prompt:
    """A prompt from any part of a molecule in SMILES or SELFIES.

    A text of bracket symbols that all stand in the vocabulary is SELFIES; any other text is SMILES, and its molecule is
    written in the encoding of the model.

    Args:
        text: the part.
        tokenizer: of the model.
        first: only the first so many tokens; a negative number leaves out so many at the end. None takes all.

    Raises:
        UserError: the text cannot be encoded; the message says why. Or it has fewer tokens than asked for.
    """
    text = text.strip()
    if not text:
        raise UserError("the prompt is empty; leave it out to generate without one")
    ids, molecule = _encode(text, tokenizer)
    return Prompt(text, (tokenizer.bos_id, *_first_tokens(text, ids, first)), molecule)


def read_prompts(source: str, tokenizer: AnyTokenizer, first: int | None = None) -> list[Prompt]:
    """The prompts of a file, one on a line, or of the SMILES column of a table.

    Raises:
        UserError: a prompt cannot be encoded; the message has its line.
        DataError: the file is missing or empty.
    """
    path = resolve(source)
    prompts = []
    for line, text in _lines(path):
        try:
            prompts.append(parse_prompt(text, tokenizer, first))
        except UserError as error:
            raise UserError(f"{path}, line {line}: {error}") from None
    if not prompts:
        raise UserError(f"{path}: holds no prompts; expected one on each line")
    return prompts


def scaffold_prompts(smiles: str, tokenizer: AnyTokenizer, seed: int = 0) -> list[Prompt]:
    """Spellings of a molecule's Bemis-Murcko scaffold, one for each place where it can grow.

    A sequence grows at the atom where its main chain ends. So the scaffold is spelled once for each kind of atom that
    has a hydrogen to give (atoms that symmetry makes equal count once), with that atom at the end. What is kept intact
    is tested: each spelling with one more carbon still holds the scaffold.

    Raises:
        UserError: the text is no molecule, has no rings, cannot be encoded, or can grow nowhere.
    """
    try:
        scaffold = murcko_scaffold(parse_smiles(smiles))
    except MoleculeError as error:
        raise UserError(f"--scaffold {smiles!r} is no molecule: {error}") from None
    if not scaffold:
        raise UserError(f"--scaffold {smiles!r} has no rings, and so no Bemis-Murcko scaffold; use --prompt")
    prompts = []
    for spelling in _spellings_by_last_atom(scaffold, seed):
        try:
            ids, _ = _encode(spelling, tokenizer)
        except UserError as error:
            raise UserError(f"--scaffold {smiles!r}: {error}") from None
        if _still_there(scaffold, spelling, tokenizer):
            prompts.append(Prompt(spelling, (tokenizer.bos_id, *ids), scaffold))
    if not prompts:
        raise UserError(
            f"the scaffold {scaffold} of {smiles!r} can grow nowhere at the end of a sequence; use --prompt"
        )
    return prompts


def _lines(path: Path) -> list[tuple[int, str]]:
    """Tables have their SMILES column read; a list may hold SELFIES, which no reader of molecules knows."""
    if Path(inner_name(path)).suffix.lower() not in (".txt", ".selfies", ""):
        return list(read_smiles(path))
    with readable(path), open_text(path) as stream:
        return [(number, line) for number, line in enumerate(stream, start=1) if line.strip()]


def _encode(text: str, tokenizer: AnyTokenizer) -> tuple[list[int], str | None]:
    """The ids without ends, and the molecule where the text is one."""
    if tokenizer.encoding == "selfies" and _SYMBOLS.fullmatch(text):
        try:
            ids = tokenizer.encode_text(text, ends=False)
            return ids, _decoded(ids, tokenizer)
        except UserError as error:
            if not is_smiles(text):
                raise UserError(f"the prompt {text!r} cannot be encoded: {error}") from None
    try:
        if tokenizer.encoding == "selfies":
            parse_smiles(text)
            return tokenizer.encode(text)[1:-1], text
        return tokenizer.encode_text(text, ends=False), text if is_smiles(text) else None
    except MoleculeError as error:
        raise UserError(
            f"the prompt {text!r} cannot be encoded: {error}. A part of a molecule must be a molecule of its own in "
            "SMILES (close its rings and branches), or SELFIES"
        ) from None
    except UserError as error:
        raise UserError(f"the prompt {text!r} cannot be encoded: {error}") from None


def _decoded(ids: Sequence[int], tokenizer: AnyTokenizer) -> str | None:
    try:
        return tokenizer.decode(ids) or None
    except MoleculeError:
        return None


def _first_tokens(text: str, ids: Sequence[int], first: int | None) -> Sequence[int]:
    if first is None:
        return ids
    if first == 0 or first > len(ids) or -first >= len(ids):
        raise UserError(f"the prompt {text!r} has {len(ids)} tokens; {first} of them cannot be taken")
    return ids[:first]


def _spellings_by_last_atom(scaffold: str, seed: int) -> list[str]:
    """One spelling for each class of equal atoms with a hydrogen that comes last in some spelling."""
    molecule = parse_smiles(scaffold)
    random = Chem.MolToRandomSmilesVect(molecule, _SPELLINGS_TRIED, stream_seed(seed, "scaffold spellings") % 2**31)
    found: dict[int, str] = {}
    for spelling in (scaffold, *random):
        spelled = parse_smiles(spelling)  # its atoms are in the order of the text
        last = spelled.GetAtomWithIdx(spelled.GetNumAtoms() - 1)
        if last.GetTotalNumHs():
            found.setdefault(list(Chem.CanonicalRankAtoms(spelled, breakTies=False))[-1], spelling)
    return [found[atom_class] for atom_class in sorted(found)]


def _still_there(scaffold: str, spelling: str, tokenizer: AnyTokenizer) -> bool:
    text = molecule_text(spelling, tokenizer.encoding)
    grown = decode_selfies(text + "[C]") if tokenizer.encoding == "selfies" else text + "C"
    try:
        molecule = parse_smiles(grown)
    except MoleculeError:
        return False
    pattern = parse_smiles(scaffold)
    return molecule.GetNumAtoms() > pattern.GetNumAtoms() and bool(molecule.HasSubstructMatch(pattern))
