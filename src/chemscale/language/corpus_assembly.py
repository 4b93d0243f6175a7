"""Join the encoded parts of a corpus into its final files.

The vocabulary is the sorted union of the parts' symbols, and the parts come in the order of the source, so the bytes do
not depend on who made which part. Only one part is in memory at a time; beyond that, one byte per molecule.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.files import replacing
from chemscale.language.corpus import IDS, OFFSETS, VOCABULARY, id_type
from chemscale.language.encoded_part import EncodedPart
from chemscale.language.vocabulary import Encoding, Vocabulary

_MOLECULES_IN_MEMORY = 8_000_000


@dataclass
class Survey:
    """What a first look at the parts tells, before anything is written."""

    n_read: int = 0
    n_encoded: int = 0
    n_rejected: int = 0
    symbols: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)


def survey_parts(parts: Sequence[Path], rejects: Path) -> Survey:
    """Count what the parts hold, and write all their rejects to one file."""
    survey = Survey()
    with replacing(rejects) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("line\ttext\treason\n")
        for path in parts:
            part = EncodedPart.load(path)
            survey.n_read += part.n_read
            survey.n_encoded += len(part.lengths)
            survey.n_rejected += len(part.rejects)
            survey.symbols.update(part.symbols)
            for line, text, reason in part.rejects:
                survey.reasons[reason] += 1
                stream.write(f"{line}\t{_one_field(text)}\t{_one_field(reason)}\n")
    return survey


def assemble(
    folder: Path,
    parts: Sequence[Path],
    survey: Survey,
    encoding: Encoding,
    selfies_version: str | None,
    drop_duplicates: bool,
) -> dict[str, Any]:
    """Write `ids.bin`, `offsets.npy` and `vocabulary.json`; returns what `corpus.json` says of them.

    Raises:
        OSError: the files cannot be written.
    """
    vocabulary = Vocabulary.of(survey.symbols, encoding, selfies_version)
    vocabulary.save(folder / VOCABULARY)
    keep = first_occurrences(parts, survey.n_encoded) if drop_duplicates else np.ones(survey.n_encoded, np.bool_)
    n_kept = int(keep.sum())
    content = hashlib.sha256(vocabulary.sha256.encode())
    longest = {"tokens": 0, "line": 0}
    with (
        replacing(folder / IDS) as ids_file,
        replacing(folder / OFFSETS) as offsets_file,
        ids_file.open("wb") as ids_stream,
        offsets_file.open("wb") as offsets_stream,
    ):
        header = {"descr": "<i8", "fortran_order": False, "shape": (n_kept + 1,)}
        np.lib.format.write_array_header_1_0(offsets_stream, header)
        offsets_stream.write(np.zeros(1, "<i8").tobytes())
        end, seen = 0, 0
        for path in parts:
            part = EncodedPart.load(path)
            kept = keep[seen : seen + len(part.lengths)]
            seen += len(part.lengths)
            ids, lengths = _kept_ids(part, kept, vocabulary)
            offsets = (end + np.cumsum(lengths)).astype("<i8")
            end += int(lengths.sum())
            for stream, array in ((ids_stream, ids), (offsets_stream, offsets)):
                stream.write(array.tobytes())
                content.update(array.tobytes())
            _note_longest(longest, lengths, part.lines[kept])
    return {
        "counts": {
            "read": survey.n_read,
            "kept": n_kept,
            "rejected": survey.n_rejected,
            "duplicates": survey.n_encoded - n_kept,
            "tokens": end,
        },
        "vocabulary": {"size": len(vocabulary), "sha256": vocabulary.sha256},
        "longest": longest,
        "sha256": content.hexdigest(),
    }


def first_occurrences(
    parts: Sequence[Path], n_molecules: int, in_memory: int = _MOLECULES_IN_MEMORY
) -> npt.NDArray[Any]:
    """Which molecules are the first with their text [n_molecules], bool.

    Texts are compared by 128 bits of a hash. The hashes are looked at in as many rounds as keep about `in_memory` of
    them in memory, each round those with one remainder.
    """
    keep = np.zeros(n_molecules, np.bool_)
    rounds = -(-n_molecules // in_memory)
    for remainder in range(rounds):
        digests, places, seen = [], [], 0
        for path in parts:
            with np.load(path) as arrays:
                part = arrays["digests"]
            chosen = np.flatnonzero(part[:, 0] % rounds == remainder)
            digests.append(part[chosen])
            places.append(seen + chosen)
            seen += len(part)
        high, low = np.concatenate(digests).T
        place = np.concatenate(places)
        order = np.lexsort((place, low, high))
        high, low, place = high[order], low[order], place[order]
        first = np.ones(len(place), np.bool_)
        first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        keep[place[first]] = True
    return keep


def _kept_ids(
    part: EncodedPart, kept: npt.NDArray[Any], vocabulary: Vocabulary
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    table = np.array([vocabulary.ids[symbol] for symbol in part.symbols], dtype=id_type(len(vocabulary)))
    ids = part.ids if kept.all() else part.ids[np.repeat(kept, part.lengths)]
    return table[ids] if len(table) else np.zeros(0, id_type(len(vocabulary))), part.lengths[kept]


def _note_longest(longest: dict[str, int], lengths: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]) -> None:
    if len(lengths) and int(lengths.max()) > longest["tokens"]:
        place = int(lengths.argmax())
        longest.update(tokens=int(lengths[place]), line=int(lines[place]))


def _one_field(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
