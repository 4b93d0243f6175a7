"""From a file of molecules to a file of vectors, one row for each, in constant memory and on several workers."""

import errno
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from chemscale.base.errors import DataError, StorageError, UserError
from chemscale.base.files import replacing
from chemscale.base.progress import progress_bar
from chemscale.base.worker_processes import available_cores
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import resolve
from chemscale.language.array_file import create_array
from chemscale.language.embedder import Embedder, Pooling
from chemscale.language.embedding_tables import check_parquet, write_parquet
from chemscale.language.embedding_worker import EmbeddingOrder, carry_out_all, embedding_order
from chemscale.language.trained import load_checkpoint

SUFFIXES = (".npy", ".parquet")
# a worker process takes some seconds to load torch and the checkpoint: fewer molecules are done sooner in this one
MOLECULES_WORTH_WORKERS = 10_000
# sorted by length together: enough that padding is small, and few enough that progress is seen
MOLECULES_PER_ORDER = 2_000
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
    """

    out: Path
    n_rows: int
    n_embedded: int
    width: int
    rejects: Path | None
    reasons: Counter[str] = field(default_factory=Counter)


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
        reasons = _fill(vectors, rejects_file, n_rows, path, column, embedder, workers)
    n_rejected = reasons.total()
    if not n_rejected:
        rejects.unlink()
    return EmbeddingReport(out, n_rows, n_rows - n_rejected, embedder.width, rejects if n_rejected else None, reasons)


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
) -> Counter[str]:
    """Write all vectors and rejects; returns how often each reason was met."""
    create_array(vectors, (n_rows, embedder.width), np.float32)
    reasons: Counter[str] = Counter()
    waiting: deque[list[tuple[int, str]]] = deque()
    orders = _orders(vectors, read_smiles(source, column), embedder, waiting)
    n_workers = choose_workers(workers, n_rows)
    done = 0
    with progress_bar("embedding", n_rows, "molecules") as bar, rejects.open("w", encoding="utf-8") as table:
        table.write("row\tline\tsmiles\treason\n")
        for answer in carry_out_all(orders, embedder, n_workers):
            molecules = waiting.popleft()
            for row, reason in answer.reasons:
                line, smiles = molecules[row]
                table.write(f"{done + row}\t{line}\t{one_line(smiles)}\t{one_line(reason)}\n")
                shown = one_line(reason)
                reasons[shown if shown in reasons or len(reasons) < _MOST_REASONS else "other reasons"] += 1
            done += len(molecules)
            bar.advance(len(molecules))
    if done != n_rows:
        raise DataError(f"{source}: changed while it was read; run the same command again")
    if reasons.total() == n_rows:
        raise DataError(
            f"{source}: none of its {n_rows:,} molecules can be embedded; "
            f"most often: {reasons.most_common(1)[0][0]}. If another column holds the SMILES, pass it (--column NAME)"
        )
    return reasons


def _orders(
    vectors: Path,
    molecules: Iterator[tuple[int, str]],
    embedder: Embedder,
    waiting: deque[list[tuple[int, str]]],
) -> Iterator[EmbeddingOrder]:
    first = 0
    while chunk := list(islice(molecules, MOLECULES_PER_ORDER)):
        waiting.append(chunk)
        yield embedding_order(embedder, [text for _, text in chunk], first, vectors)
        first += len(chunk)


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


def one_line(text: str) -> str:
    """A text as a cell of a table: on one line, and cut where it is very long."""
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST_SHOWN else f"{joined[:_LONGEST_SHOWN]} ..."


@contextmanager
def disk_explained(out: Path) -> Iterator[None]:
    """Tell a full disk in one message.

    Raises:
        StorageError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageError(f"{out}: the disk is full; free some space and run the same command again") from None
        raise
