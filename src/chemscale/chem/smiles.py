"""SMILES: canonical form, the reason why a text is no molecule, and tokens."""

import re

from rdkit import Chem, rdBase

from chemscale.base.errors import DataError

_TOKEN = re.compile(
    r"""\[[^\[\]]+\]        # an atom in brackets, with isotope, stereo, hydrogens, charge
      | Br | Cl             # the two-letter atoms of the organic subset
      | [BCNOPSFI*]         # its one-letter atoms and the wildcard
      | [bcnops]            # its aromatic atoms
      | %[0-9]{2}           # ring closures from 10 up
      | %\([0-9]{3,5}\)     # ring closures from 100 up
      | [0-9]               # ring closures 0 to 9
      | [-=\#$:/\\~]        # bonds
      | [().]               # branches, and the dot between fragments
    """,
    re.VERBOSE,
)


class MoleculeError(DataError):
    """A text is no molecule, or one that an encoding cannot write; the message is the reason."""


def canonical_smiles(smiles: str) -> str:
    """The canonical isomeric SMILES of a molecule, as this machine's RDKit writes it.

    Raises:
        MoleculeError: the text is empty, not SMILES, or no molecule (valence, aromaticity).
    """
    return str(Chem.MolToSmiles(parse_smiles(smiles)))


def parse_smiles(smiles: str) -> Chem.Mol:
    """The sanitised RDKit molecule of a SMILES; RDKit's own log stays silent.

    Raises:
        MoleculeError: the text is empty, not SMILES, or no molecule; the message has RDKit's reason.
    """
    text = smiles.strip()
    if not text:
        raise MoleculeError("empty text")
    if len(text.split()) > 1:
        raise MoleculeError("white space inside: expected one SMILES")
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text)
        if molecule is None:
            raise MoleculeError(_reason(text))
    if molecule.GetNumAtoms() == 0:
        raise MoleculeError("no atoms")
    return molecule


def is_smiles(text: str) -> bool:
    """Whether a text reads as a molecule with at least one atom."""
    try:
        parse_smiles(text)
    except MoleculeError:
        return False
    return True


def split_smiles(smiles: str) -> list[str]:
    """The tokens of a SMILES: bracket atoms, atoms, bonds, ring closures, branches, dots; they join to the text.

    Raises:
        MoleculeError: a character belongs to no token; the message has it and its position (from 1).
    """
    tokens = _TOKEN.findall(smiles)
    if sum(map(len, tokens)) != len(smiles):
        position = _first_gap(smiles)
        raise MoleculeError(f"{smiles[position]!r} at character {position + 1} is no SMILES token")
    return tokens


def _first_gap(smiles: str) -> int:
    position = 0
    while match := _TOKEN.match(smiles, position):
        position = match.end()
    return position


def _reason(text: str) -> str:
    molecule = Chem.MolFromSmiles(text, sanitize=False)
    if molecule is None:
        return "not SMILES: the syntax is wrong"
    problems = Chem.DetectChemistryProblems(molecule)
    if not problems:
        return "no valid molecule"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return problems[0].Message() + more
