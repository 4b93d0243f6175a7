"""From a molecule file to an indexed library: built once for a file, a checkpoint and settings, then reused."""

import hashlib
import json
import zipfile
from array import array
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import cache_folder, disk_explained, folder_lock, read_json, write_json
from chemscale.base.progress import progress_bar
from chemscale.chem.fingerprints import WORDS
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import file_sha256, resolve
from chemscale.language.array_file import create_array, row_blocks, write_rows
from chemscale.language.embedder import Embedder, Pooling
from chemscale.language.embedding_files import RejectTable, choose_workers, count_molecules
from chemscale.language.embedding_worker import embed_stream
from chemscale.language.nearest.library import (
    FINGERPRINTS,
    LINES,
    PROJECTION,
    RECORD,
    REJECTS,
    VECTORS,
    Library,
)
from chemscale.language.nearest.projection import Projection
from chemscale.language.nearest.text_column import TEXTS, TextWriter
from chemscale.language.nearest.vector_search import N_COMPONENTS
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.trained import Checkpoint, load_checkpoint

FORMAT = 1
_RAW_VECTORS, _RAW_FINGERPRINTS = "raw-vectors.npy", "raw-fingerprints.npy"


def open_library(
    checkpoint: Path | str | Checkpoint,
    library: Path | str,
    *,
    column: str | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    n_components: int = N_COMPONENTS,
    folder: Path | str | None = None,
    workers: int | None = None,
) -> Library:
    """The index of a molecule file, built the first time and reused afterwards.

    An index belongs to the content of the file, the weights and vocabulary of the checkpoint, and the settings: a
    change of any makes another index. Molecules are written in canonical form; those that cannot be read or embedded
    are named in `rejects.tsv`. Processes that want the same index wait for the one that builds it.

    Args:
        checkpoint: a run folder, a folder in Hugging Face's format, or what `load_checkpoint` gave.
        library: a molecule file or a registered source (see `chem.sources.resolve`).
        column: the SMILES column by name or by number from 1; None guesses it.
        layer: see `Embedder`.
        pooling: see `Embedder`.
        n_components: principal components that are compared; at most the width of the model.
        folder: where the index is; None is a folder of its own in the cache.
        workers: processes; None takes one per core at hand, or this process for a small file.

    Raises:
        DataError: the checkpoint or the file cannot be read, no molecule of it can be embedded, or an index that was
            built before is damaged.
        UserError: a setting is not allowed, or `folder` holds something else.
        StorageError: the disk is full.
    """
    if n_components < 1:
        raise UserError(f"n_components: {n_components}; give a number from 1")
    loaded = checkpoint if isinstance(checkpoint, Checkpoint) else load_checkpoint(checkpoint)
    embedder = Embedder(loaded, layer, pooling)
    path = resolve(str(library))
    recipe = _recipe(embedder, path, column, n_components)
    place = Path(folder) if folder is not None else cache_folder() / "neighbours" / _name(path, recipe)
    if _is_built(place, recipe):
        return _opened(place, embedder)
    with disk_explained(place), folder_lock(place, "building an index", wait_seconds=-1):
        if not _is_built(place, recipe):
            _build(place, recipe, path, column, embedder, workers)
    return _opened(place, embedder)


def _opened(place: Path, embedder: Embedder) -> Library:
    try:
        library = Library(place, embedder)
        rows = {len(part) for part in (library.smiles, library.lines, library.index, library.fingerprints.fingerprints)}
        if rows != {library.record["n_molecules"]}:
            raise ValueError(f"its files have {sorted(rows)} rows, expected {library.record['n_molecules']}")
    # What NumPy says of files that are cut, empty, no arrays, or gone.
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, FileNotFoundError) as error:
        raise DataError(f"{place}: this index is damaged ({error}); delete the folder, and it is built anew") from error
    return library


def _recipe(embedder: Embedder, path: Path, column: str | None, n_components: int) -> dict[str, Any]:
    tokenizer = embedder.checkpoint.tokenizer
    ids = tokenizer.vocabulary.ids if isinstance(tokenizer, Tokenizer) else tokenizer.ids
    return {
        "format": FORMAT,
        "library": file_sha256(path),
        "column": column,
        "checkpoint": embedder.checkpoint.sha256,
        "vocabulary": hashlib.sha256(json.dumps(sorted(ids.items())).encode()).hexdigest(),
        "layer": embedder.layer,
        "pooling": embedder.pooling,
        "n_components": n_components,
        "rdkit": version("rdkit"),
        "selfies": version("selfies"),
    }


def _name(path: Path, recipe: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    return f"{path.name.split('.')[0]}-{digest}"


def _is_built(place: Path, recipe: dict[str, Any]) -> bool:
    """Whether the index is there and whole.

    Raises:
        UserError: the folder holds another index, or something else.
    """
    if not (place / RECORD).is_file():
        if not place.exists():
            return False
        if not place.is_dir():
            raise UserError(f"{place}: is a file, expected a folder for the index")
        own = (_RAW_VECTORS, _RAW_FINGERPRINTS, VECTORS, FINGERPRINTS, LINES, PROJECTION, REJECTS, TEXTS, "offsets.npy")
        others = sorted(entry.name for entry in place.iterdir() if entry.name[0] != "." and entry.name not in own)
        if others:
            raise UserError(f"{place}: holds other files ({', '.join(others[:5])}); choose an empty or a new folder")
        return False
    found = read_json(place / RECORD)["recipe"]
    changed = [key for key in recipe if found.get(key) != recipe[key]]
    if changed:
        raise UserError(
            f"{place}: holds an index of something else ({', '.join(changed)} changed since it was built); "
            "choose another folder, or delete this one"
        )
    return True


def _build(
    place: Path, recipe: dict[str, Any], path: Path, column: str | None, embedder: Embedder, workers: int | None
) -> None:
    kept, n_rows = _embed_all(place, path, column, embedder, workers)
    raw = np.load(place / _RAW_VECTORS, mmap_mode="r")
    projection = Projection.fit(row_blocks(raw, kept), recipe["n_components"])
    projection.save(place / PROJECTION)
    _write_all(place / VECTORS, (projection(block) for block in row_blocks(raw, kept)), len(kept))
    bits = np.load(place / _RAW_FINGERPRINTS, mmap_mode="r")
    _write_all(place / FINGERPRINTS, row_blocks(bits, kept), len(kept))
    del raw, bits
    for name in (_RAW_VECTORS, _RAW_FINGERPRINTS):
        (place / name).unlink()
    record = {
        "recipe": recipe,
        "source": str(path),
        "n_read": n_rows,
        "n_molecules": len(kept),
        # n molecules span n - 1 directions; the others have no variance, but keep a query apart from them.
        "n_components": min(len(projection.components), len(kept) - 1),
        "explained_variance": projection.explained,
    }
    write_json(place / RECORD, record)


def _embed_all(
    place: Path, path: Path, column: str | None, embedder: Embedder, workers: int | None
) -> tuple[npt.NDArray[np.int64], int]:
    """Write vectors and fingerprints of all rows; returns the rows to keep, and how many there are.

    SMILES and lines of the rows that are kept, and the rejects, are written for good.
    """
    n_rows = count_molecules(path, column)
    vectors, fingerprints = place / _RAW_VECTORS, place / _RAW_FINGERPRINTS
    create_array(vectors, (n_rows, embedder.width), np.float32)
    create_array(fingerprints, (n_rows, WORDS), np.uint64)
    kept, lines = array("q"), array("q")  # eight bytes a molecule
    with (
        progress_bar("indexing", n_rows, "molecules") as bar,
        (place / REJECTS).open("w", encoding="utf-8") as stream,
        (place / TEXTS).open("wb") as texts,
    ):
        table, writer = RejectTable(stream), TextWriter(place, texts)
        chosen = choose_workers(workers, n_rows)
        for chunk, answer in embed_stream(read_smiles(path, column), embedder, chosen, vectors, fingerprints):
            rejected = {row for row, _ in answer.reasons}
            for row, (line, _) in enumerate(chunk):
                if row not in rejected:
                    kept.append(table.n_rows + row)
                    lines.append(line)
                    writer.add(answer.smiles[row])
            table.add(chunk, answer.reasons)
            bar.advance(len(chunk))
        writer.finish()
    table.check(path, n_rows)
    np.save(place / LINES, np.array(lines, dtype=np.int64))
    return np.array(kept, dtype=np.int64), n_rows


def _write_all(path: Path, blocks: Iterator[npt.NDArray[Any]], n_rows: int) -> None:
    first = 0
    for block in blocks:
        if first == 0:
            create_array(path, (n_rows, block.shape[1]), block.dtype)
        write_rows(path, first, block)
        first += len(block)
