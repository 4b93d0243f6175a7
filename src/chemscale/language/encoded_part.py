"""One part of a corpus in preparation: some lines of the source, encoded, with ids of the part's own vocabulary.

A part knows nothing of the others, so parts can be made in any order and by any process; `language.preparation` joins
them. This module and what it imports are what a worker process loads: no torch.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chemscale.base.files import replacing
from chemscale.chem.smiles import MoleculeError, canonical_smiles, parse_smiles
from chemscale.language.tokenizer import molecule_text, split_text
from chemscale.language.vocabulary import Encoding

MAX_CHARACTERS = 10_000
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class EncodedPart:
    """Molecules of consecutive source lines.

    Attributes:
        n_read: lines that were given.
        symbols: the part's vocabulary, in the order of first use.
        ids: ids in that vocabulary, end to end [n_tokens], uint32.
        lengths: tokens of every molecule [n_molecules], int64.
        lines: the source line of every molecule [n_molecules], int64.
        digests: 128 bits of a hash of every molecule's text [n_molecules, 2], uint64.
        rejects: line number, text and reason of every line that was left out.
    """

    n_read: int
    symbols: tuple[str, ...]
    ids: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    digests: npt.NDArray[np.uint64]
    rejects: list[tuple[int, str, str]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write the part, whole or not at all."""
        text = json.dumps({"n_read": self.n_read, "symbols": self.symbols, "rejects": self.rejects}).encode()
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                text=np.frombuffer(text, np.uint8),
                ids=self.ids,
                lengths=self.lengths,
                lines=self.lines,
                digests=self.digests,
            )

    @classmethod
    def load(cls, path: Path) -> "EncodedPart":
        """Read a part that `save` wrote."""
        with np.load(path) as arrays:
            text = json.loads(arrays["text"].tobytes())
            rejects = [(line, smiles, reason) for line, smiles, reason in text["rejects"]]
            return cls(
                text["n_read"],
                tuple(text["symbols"]),
                arrays["ids"],
                arrays["lengths"],
                arrays["lines"],
                arrays["digests"],
                rejects,
            )


def encode_part(records: Sequence[tuple[int, str]], encoding: Encoding, canonical: bool) -> EncodedPart:
    """Encode `(line number, SMILES)` records; what cannot be encoded becomes a reject with its reason."""
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    ids: list[int] = []
    lengths, lines, digests, rejects = [], [], [], []
    for line, smiles in records:
        try:
            text = _checked_text(smiles, encoding, canonical)
            symbols = split_text(text, encoding)
        except MoleculeError as error:
            rejects.append((line, smiles[:MAX_CHARACTERS], str(error)))
            continue
        ids.extend(map(index.__getitem__, symbols))
        lengths.append(len(symbols))
        lines.append(line)
        digests.append(hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest())
    return EncodedPart(
        len(records),
        tuple(index),
        np.array(ids, np.uint32),
        np.array(lengths, np.int64),
        np.array(lines, np.int64),
        np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2),
        rejects,
    )


def _checked_text(smiles: str, encoding: Encoding, canonical: bool) -> str:
    if "\ufffd" in smiles:
        raise MoleculeError("not UTF-8 text")
    if len(smiles) > MAX_CHARACTERS:
        raise MoleculeError(f"longer than {MAX_CHARACTERS:,} characters")
    if canonical:
        smiles = canonical_smiles(smiles)
    elif encoding == "smiles":
        parse_smiles(smiles)
    return molecule_text(smiles, encoding)
