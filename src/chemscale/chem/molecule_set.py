"""A list of SMILES read once: the molecules and their canonical SMILES."""

from collections.abc import Sequence
from dataclasses import dataclass

from rdkit import Chem, rdBase


@dataclass(frozen=True)
class MoleculeSet:
    """Texts and what they mean, in their order.

    Attributes:
        molecules: [n_texts] sanitised molecules; None where a text is no molecule.
        smiles: [n_texts] their canonical SMILES; "" where a text is no molecule.
    """

    molecules: tuple[Chem.Mol | None, ...]
    smiles: tuple[str, ...]

    @property
    def valid(self) -> list[Chem.Mol]:
        """The molecules that could be read, in order, repeated ones included."""
        return [molecule for molecule in self.molecules if molecule is not None]

    @property
    def valid_smiles(self) -> list[str]:
        """The canonical SMILES of `valid`."""
        return [smiles for smiles in self.smiles if smiles]


def read_set(texts: Sequence[str]) -> MoleculeSet:
    """Read SMILES; what is no molecule becomes None and is never an error."""
    with rdBase.BlockLogs():
        molecules = tuple(map(read_or_none, texts))
        smiles = tuple("" if molecule is None else str(Chem.MolToSmiles(molecule)) for molecule in molecules)
    return MoleculeSet(molecules, smiles)


def read_or_none(text: str) -> Chem.Mol | None:
    """The sanitised molecule of a SMILES; None for an empty text, two words, wrong syntax or valence, or no atoms.

    As MOSES reads, except that a name after the SMILES makes the text invalid here.
    """
    words = text.split()
    if len(words) != 1:
        return None
    molecule = Chem.MolFromSmiles(words[0])
    return molecule if molecule is not None and molecule.GetNumAtoms() else None
