"""The molecules of a reference, read once from a stream: which ones they are in 8 bytes each, and a sample of them."""

import hashlib
from array import array
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from chemscale.base.errors import UserError
from chemscale.base.progress import progress_bar
from chemscale.chem.molecule_set import read_or_none
from chemscale.chem.properties import properties_of
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.language.molecule_profiles import Profile, profile
from chemscale.language.reservoir import Reservoir


@dataclass(frozen=True)
class KnownMolecules:
    """A reference.

    Attributes:
        n_molecules: that could be read, repeated ones included.
        keys: `molecule_key` of its different molecules, sorted [n_different].
        profiles: of a random sample, repeated ones included.
    """

    n_molecules: int
    keys: npt.NDArray[np.uint64]
    profiles: tuple[Profile, ...]

    def __contains__(self, key: int) -> bool:
        """Whether a molecule of this key is in the reference."""
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        return place < len(self.keys) and int(self.keys[place]) == key


def molecule_key(smiles: str) -> int:
    """64 bits of the BLAKE2 hash of a canonical SMILES.

    Among ten million molecules, the chance that two share a key is 3e-6.
    """
    return int.from_bytes(hashlib.blake2b(smiles.encode(), digest_size=8).digest())


def read_known(reference: Iterable[str], compared: int | None) -> KnownMolecules:
    """Read a reference as it streams by.

    Args:
        reference: SMILES; what is no molecule is passed over.
        compared: size of the sample; None takes all.

    Raises:
        UserError: nothing can be read.
    """
    keys = array("Q")
    sample: Reservoir[str] = Reservoir(compared)
    n_texts = 0
    total = len(reference) if isinstance(reference, Sized) else None
    with rdBase.BlockLogs(), progress_bar("read the reference", total, "molecules") as bar:
        for n_texts, text in enumerate(reference, start=1):  # noqa: B007 - the count is what an error reports
            molecule = read_or_none(text)
            if molecule is not None:
                smiles = str(Chem.MolToSmiles(molecule))
                keys.append(molecule_key(smiles))
                sample.offer(partial(str, smiles))
            bar.advance()
    if not keys:
        raise UserError(f"reference: none of its {n_texts} texts is a molecule. Give SMILES.")
    different = np.unique(np.frombuffer(keys, dtype=np.uint64))
    return KnownMolecules(len(keys), different, tuple(_profiles(sample.items())))


def _profiles(smiles: list[str]) -> list[Profile]:
    """Profiles of canonical SMILES; one that RDKit does not read again is left out."""
    found = []
    with rdBase.BlockLogs(), progress_bar("measure the reference", len(smiles), "molecules") as bar:
        for text in smiles:
            molecule = read_or_none(text)
            if molecule is not None:
                found.append(profile(molecule, properties_of(molecule), murcko_scaffold(molecule)))
            bar.advance()
    return found
