"""From a file of molecules to a file of vectors, one row for each, in constant memory and on several workers."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import disk_explained, replacing
from chemscale.base.processor import available_cores
from chemscale.base.progress import progress_bar
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import resolve
from chemscale.language.array_file import create_array
from chemscale.language.embedder import Embedder, Pooling
from chemscale.language.embedding_tables import check_parquet, write_parquet
from chemscale.language.embedding_worker import embed_stream
from chemscale.language.trained import load_checkpoint

SUFFIXES = (".npy", ".parquet")
# a worker process takes some seconds to load torch and the checkpoint: fewer molecules are done sooner in this one
MOLECULES_WORTH_WORKERS = 10_000
_LONGEST_SHOWN, _MOST_REASONS = 200, 1_000


@dataclass(frozen=True)
class EmbeddingReport:
    """What was embedded, and where it is.

    Attributes:
        out: the file of vectors.
        n_rows: its rows: one for each molecule of the source, blank lines left out.
        n_embedded: rows that hold a vector; the others are NaN.
        width: numbers in a vector.
        rejects: row (from 0), line of the source, SMILES and reason of every row without a vector; None where all have.
        reasons: the most frequent ones, with their counts.
        n_beyond: molecules with a vector and more tokens than `trained_tokens`: no position beyond was ever trained.
        trained_tokens: see `Checkpoint`.
    """

    out: Path
    n_rows: int
    n_embedded: int
    width: int
    rejects: Path | None
    reasons: Counter[str] = field(default_factory=Counter)
    n_beyond: int = 0
    trained_tokens: int | None = None


def embed_file(
    checkpoint: Path | str,
    source: Path | str,
    out: Path | str,
    *,
    column: str | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    canonical: bool = False,
    workers: int | None = None,
) -> EmbeddingReport:
    """Embed every molecule of a file: row i of the result is the i-th molecule, NaN where it cannot be embedded.

    Args:
        checkpoint: a run folder, or a folder in Hugging Face's format.
        source: a molecule file or a registered source (see `chem.sources.resolve`).
        out: `.npy` (float32 [n_rows, width]) or `.parquet` (columns line, smiles, embedding); whole or absent.
        column: the SMILES column by name or by number from 1; None guesses it.
        layer: see `Embedder`.
        pooling: see `Embedder`.
        canonical: see `Embedder`.
        workers: processes with one thread each; None takes one per core at hand, or this process for a small file.

    Raises:
        UserError: a setting is not allowed.
        DataError: the checkpoint or the file cannot be read, or none of its molecules can be embedded.
        StorageError: the disk is full.
    """
    out = Path(out)
    check_embedding_file(out)
    embedder = Embedder(load_checkpoint(checkpoint), layer, pooling, canonical)
    path = resolve(str(source))
    n_rows = count_molecules(path, column)
    rejects = out.with_name(f"{out.name}.rejects.tsv")
    with disk_explained(out), replacing(rejects) as rejects_file, _vectors_file(out, path, column) as vectors:
        reasons, n_beyond = _fill(vectors, rejects_file, n_rows, path, column, embedder, workers)
    n_rejected = reasons.total()
    if not n_rejected:
        rejects.unlink()
    return EmbeddingReport(
        out,
        n_rows,
        n_rows - n_rejected,
        embedder.width,
        rejects if n_rejected else None,
        reasons,
        n_beyond,
        embedder.checkpoint.trained_tokens,
    )


def check_embedding_file(out: Path) -> None:
    """Refuse a result file of a kind that cannot be written here.

    Raises:
        UserError: the suffix is unknown, or pyarrow is missing for `.parquet`.
    """
    if out.suffix not in SUFFIXES:
        raise UserError(f"{out}: embeddings are written as {' or '.join(SUFFIXES)}, not as {out.suffix or 'this'!r}")
    if out.suffix == ".parquet":
        check_parquet()


@contextmanager
def _vectors_file(out: Path, source: Path, column: str | None) -> Iterator[Path]:
    """Give a file for the vectors; on success it is, or is turned into, the result."""
    if out.suffix == ".npy":
        with replacing(out) as temporary:
            yield temporary
        return
    with replacing(out) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".embedding-") as name:
        vectors = Path(name) / "vectors.npy"
        yield vectors
        write_parquet(table, vectors, read_smiles(source, column))


def _fill(
    vectors: Path,
    rejects: Path,
    n_rows: int,
    source: Path,
    column: str | None,
    embedder: Embedder,
    workers: int | None,
) -> tuple[Counter[str], int]:
    """Write all vectors and rejects; returns how often each reason was met, and `n_beyond`."""
    n_beyond = 0
    create_array(vectors, (n_rows, embedder.width), np.float32)
    molecules = read_smiles(source, column)
    with progress_bar("embedding", n_rows, "molecules") as bar, rejects.open("w", encoding="utf-8") as stream:
        table = RejectTable(stream)
        for chunk, answer in embed_stream(molecules, embedder, choose_workers(workers, n_rows), vectors):
            table.add(chunk, answer.reasons)
            n_beyond += answer.n_beyond
            bar.advance(len(chunk))
    table.check(source, n_rows)
    return table.reasons, n_beyond


class RejectTable:
    """Rows that were left out, as a table of tab-separated text, and how often each reason was met."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.n_rows = stream, 0
        self.reasons: Counter[str] = Counter()
        stream.write("row\tline\tsmiles\treason\n")

    def add(self, molecules: Sequence[tuple[int, str]], reasons: Iterable[tuple[int, str]]) -> None:
        """Note the next molecules (line, SMILES), and why some of them (by place among them) were left out."""
        for place, reason in reasons:
            line, smiles = molecules[place]
            shown = _one_line(reason)
            self.stream.write(f"{self.n_rows + place}\t{line}\t{_one_line(smiles)}\t{shown}\n")
            known = shown in self.reasons or len(self.reasons) < _MOST_REASONS
            self.reasons[shown if known else "other reasons"] += 1
        self.n_rows += len(molecules)

    def check(self, source: Path, n_rows: int) -> None:
        """Refuse a file that changed on the way, or gave nothing.

        Raises:
            DataError: see above.
        """
        if self.n_rows != n_rows:
            raise DataError(f"{source}: changed while it was read; run the same command again")
        if self.reasons.total() == n_rows:
            raise DataError(
                f"{source}: none of its {n_rows:,} molecules can be embedded; "
                f"most often: {self.reasons.most_common(1)[0][0]}. "
                "If another column holds the SMILES, pass it (--column NAME)"
            )


def choose_workers(workers: int | None, n_molecules: int) -> int:
    """How many processes to use: as many as asked for; else one per core, or this one alone for few molecules.

    Raises:
        UserError: fewer than one is asked for.
    """
    if workers is None:
        return 1 if n_molecules < MOLECULES_WORTH_WORKERS else available_cores()
    if workers < 1:
        raise UserError(f"workers: {workers}; give a number from 1, or leave it out for one per core")
    return workers


def count_molecules(path: Path, column: str | None) -> int:
    """How many molecules a file has, readable or not.

    Raises:
        DataError: it has none, or cannot be read.
    """
    count = sum(1 for _ in read_smiles(path, column))
    if not count:
        raise DataError(f"{path}: holds no molecule")
    return count


def _one_line(text: str) -> str:
    """A text as a cell of a table: on one line, and cut where it is very long."""
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST_SHOWN else f"{joined[:_LONGEST_SHOWN]} ..."
