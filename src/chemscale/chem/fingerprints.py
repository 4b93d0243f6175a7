"""Morgan fingerprints as rows of bits, and Tanimoto similarities between them.

A fingerprint has 1024 bits at radius 2, as in MOSES and in Frey et al. 2023. A row holds them packed into sixteen
64-bit words, so that the bits two molecules share are counted sixteen words at a time.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

RADIUS, N_BITS = 2, 1024
WORDS = N_BITS // 64
Fingerprints = npt.NDArray[np.uint64]


def morgan_fingerprints(molecules: Iterable[Chem.Mol], radius: int = RADIUS) -> Fingerprints:
    """The fingerprints of molecules [n_molecules, WORDS]."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=N_BITS)
    rows = [DataStructs.BitVectToBinaryText(generator.GetFingerprint(molecule)) for molecule in molecules]
    return np.frombuffer(b"".join(rows), dtype=np.uint64).reshape(len(rows), WORDS)


def unpacked(fingerprints: Fingerprints) -> npt.NDArray[np.uint8]:
    """One number, 0 or 1, for each bit [n_molecules, N_BITS]."""
    return np.unpackbits(fingerprints.view(np.uint8), axis=1, bitorder="little")


def tanimoto(query: Fingerprints, library: Fingerprints) -> npt.NDArray[np.float64]:
    """Tanimoto similarities, |a and b| / |a or b| [n_queries, n_library]; 1 for two empty fingerprints."""
    ones_query = np.bitwise_count(query).sum(1, dtype=np.int64)
    ones_library = np.bitwise_count(library).sum(1, dtype=np.int64)
    shared = np.empty((len(query), len(library)), dtype=np.int64)
    for row, words in enumerate(query):
        shared[row] = np.bitwise_count(library & words).sum(1, dtype=np.int64)
    union = ones_query[:, None] + ones_library[None, :] - shared
    return np.where(union == 0, 1.0, shared / np.maximum(union, 1))
