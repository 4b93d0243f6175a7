"""A prepared corpus on disk: token ids of every molecule in one memory-mapped file.

ids.bin          the ids of all molecules end to end, without `[bos]` and `[eos]`, uint16 (uint32 where needed)
offsets.npy      where each molecule starts in it, int64 [n_molecules + 1]
vocabulary.json  what an id means
corpus.json      source, settings, counts and hashes; written last: a folder without it is unfinished
rejects.tsv      line number, text and reason of every line that was left out
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.language.vocabulary import Vocabulary

CORPUS_FORMAT = 1
RECORD, IDS, OFFSETS, VOCABULARY, REJECTS = "corpus.json", "ids.bin", "offsets.npy", "vocabulary.json", "rejects.tsv"


@dataclass(frozen=True)
class Corpus:
    """Token ids of molecules, read from disk only where they are asked for.

    Attributes:
        folder: where the files are.
        ids: all ids end to end [n_tokens], memory-mapped, without `[bos]` and `[eos]`.
        offsets: molecule `i` is `ids[offsets[i]:offsets[i + 1]]` [n_molecules + 1], memory-mapped.
        vocabulary: what an id means.
        record: the content of `corpus.json`.
    """

    folder: Path
    ids: npt.NDArray[np.unsignedinteger[Any]]
    offsets: npt.NDArray[np.int64]
    vocabulary: Vocabulary
    record: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> "Corpus":
        """Open a prepared corpus folder.

        Raises:
            DataError: the folder is missing, unfinished, of another format, or its files do not fit each other.
        """
        folder = Path(folder)
        record = _read_record(folder)
        vocabulary = Vocabulary.load(folder / VOCABULARY)
        if vocabulary.sha256 != record["vocabulary"]["sha256"] or len(vocabulary) != record["vocabulary"]["size"]:
            raise DataError(f"{folder / VOCABULARY}: is not the vocabulary that corpus.json names; prepare it again")
        n_molecules, n_tokens = record["counts"]["kept"], record["counts"]["tokens"]
        ids = _map_ids(folder / IDS, id_type(len(vocabulary)), n_tokens)
        offsets = _map_offsets(folder / OFFSETS, n_molecules, n_tokens)
        return cls(folder, ids, offsets, vocabulary, record)

    def __len__(self) -> int:
        """How many molecules there are."""
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> npt.NDArray[np.unsignedinteger[Any]]:
        """The ids of one molecule [tokens]."""
        position = range(len(self))[index]
        return np.array(self.ids[self.offsets[position] : self.offsets[position + 1]])

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the folder's name, not its content, to another process."""
        return Corpus.open, (self.folder,)

    def __str__(self) -> str:
        """A line for a person."""
        counts = self.record["counts"]
        return (
            f"{self.folder}: {counts['kept']:,} molecules, {counts['tokens']:,} tokens, "
            f"{len(self.vocabulary)} ids ({self.vocabulary.encoding}), {counts['rejected']:,} rejected, "
            f"{counts['duplicates']:,} duplicates dropped, longest {self.record['longest']['tokens']} tokens"
        )

    @property
    def n_tokens(self) -> int:
        """How many ids there are, without `[bos]` and `[eos]`."""
        return len(self.ids)

    @property
    def sha256(self) -> str:
        """A hash over the molecules and the meaning of their ids, as `corpus.json` records it."""
        return str(self.record["sha256"])

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of every molecule, without `[bos]` and `[eos]` [n_molecules]."""
        return np.diff(self.offsets)

    def gather(
        self, indices: npt.NDArray[np.integer[Any]] | Sequence[int]
    ) -> tuple[npt.NDArray[np.unsignedinteger[Any]], npt.NDArray[np.int64]]:
        """The ids of some molecules, end to end, in one vectorised read.

        Args:
            indices: which molecules [n], in any order, repeats allowed.

        Returns:
            The ids [sum of lengths] in the type of the store, and the lengths [n].

        Raises:
            IndexError: an index is outside 0 .. n_molecules - 1.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(self)):
            raise IndexError(f"molecule index outside 0 .. {len(self) - 1}")
        starts = self.offsets[chosen]
        lengths = self.offsets[chosen + 1] - starts
        ends = np.cumsum(lengths)
        shift = starts - (ends - lengths)
        positions = np.repeat(shift, lengths)
        positions += np.arange(len(positions), dtype=np.int64)
        return np.take(self.ids, positions), lengths


def id_type(vocabulary_size: int) -> np.dtype[Any]:
    """The smallest type that holds every id: uint16 up to 65,536 ids, then uint32, little-endian."""
    return np.dtype("<u2") if vocabulary_size <= 2**16 else np.dtype("<u4")


def is_corpus_folder(folder: Path) -> bool:
    """Whether a folder holds a finished corpus."""
    return (folder / RECORD).is_file()


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; make one with `chemscale data prepare FILE --out {folder}`")
    if not path.is_file():
        raise DataError(
            f"{folder}: no {RECORD}, so it is no corpus or its preparation was cut; run the preparation again"
        )
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = record["format"]
        if found == CORPUS_FORMAT:
            _ = (record["counts"]["kept"], record["counts"]["tokens"], record["vocabulary"]["sha256"], record["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: is not the record of a corpus ({type(error).__name__}: {error})") from None
    if found != CORPUS_FORMAT:
        raise DataError(f"{path}: format {found}, this version reads {CORPUS_FORMAT}; prepare the corpus again")
    return record


def _map_ids(path: Path, dtype: np.dtype[Any], n_tokens: int) -> npt.NDArray[np.unsignedinteger[Any]]:
    size = path.stat().st_size if path.is_file() else -1
    expected = n_tokens * dtype.itemsize
    if size != expected:
        seen = "is missing" if size < 0 else f"has {size:,} bytes"
        raise DataError(f"{path}: {seen}, expected {expected:,}; prepare the corpus again")
    return np.memmap(path, dtype=dtype, mode="r", shape=(n_tokens,))


def _map_offsets(path: Path, n_molecules: int, n_tokens: int) -> npt.NDArray[np.int64]:
    try:
        offsets = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read ({error}); prepare the corpus again") from None
    fits = offsets.shape == (n_molecules + 1,) and offsets.dtype == np.int64
    if not fits or offsets[0] != 0 or offsets[-1] != n_tokens:
        raise DataError(f"{path}: does not fit the counts in corpus.json; prepare the corpus again")
    return offsets
