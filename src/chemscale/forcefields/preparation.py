"""From files of frames to a prepared folder: read, convert, check, write once; then found in the cache."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.config import content_hash
from chemscale.base.errors import DataError
from chemscale.base.files import cache_folder, data_folder, folder_lock, replacing, write_json
from chemscale.base.progress import Bar, progress_bar
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frame_writer import FrameWriter
from chemscale.forcefields.frames import FRAMES_FORMAT, MOLECULES, RECORD, SUBSETS, Frames, is_frames_folder
from chemscale.forcefields.label_checks import check_labels
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.readers.frame_source import FrameFault, FrameSource
from chemscale.forcefields.sources import SourceFile, files_of, is_name
from chemscale.forcefields.units import OWN_UNITS, LabelUnits, UnitSettings

_UNITS = {"energy": "eV", "length": "angstrom", "forces": "eV/angstrom"}


def frames_for(source: str, *, limit: int | None = None, units: UnitSettings | None = None) -> Frames:
    """The frames of a source: a prepared folder as it is, anything else prepared once into the cache folder.

    Processes that ask for the same frames at the same time wait for the one that prepares them.

    Args:
        source: a name of `sources`, a file of frames, or a prepared folder (./rmd17 for a folder of that name).
        limit: read only the first frames of the source; a prepared folder is given whole.
        units: what the source's units are, where it does not say so or says it wrongly.

    Raises:
        DataError: the source cannot be found, read or understood, holds nothing usable, or its labels contradict
            each other.
    """
    folder = _prepared_folder(source)
    if folder is not None:
        return Frames.open(folder)
    files = files_of(source)
    settings = units or UnitSettings()
    out = _place_in_cache(files, limit, settings)
    if is_frames_folder(out):
        return Frames.open(out)
    with folder_lock(out, "preparing frames", wait_seconds=-1):
        if is_frames_folder(out):
            return Frames.open(out)
        return _prepare(source, files, out, limit, settings)


def prepared_frames(source: str, *, limit: int | None = None, units: UnitSettings | None = None) -> Frames | None:
    """What `frames_for` would give, if nothing has to be prepared for it; else None."""
    folder = _prepared_folder(source)
    if folder is not None:
        return Frames.open(folder)
    try:
        out = _place_in_cache(files_of(source), limit, units or UnitSettings())
    except DataError:  # the source is not on this machine
        return None
    return Frames.open(out) if is_frames_folder(out) else None


def prepare_frames(
    source: str, out: str | Path, *, limit: int | None = None, units: UnitSettings | None = None
) -> Frames:
    """Prepare a folder of frames; a folder that holds finished frames is refused.

    The arguments are those of `frames_for`.

    Raises:
        DataError: as in `frames_for`, or `out` holds something.
        BusyError: another process is preparing the same folder.
    """
    out = Path(out).expanduser()
    files = files_of(source)
    with folder_lock(out, "preparing frames"):
        return _prepare(source, files, out, limit, units or UnitSettings())


def write_frames(
    frames: Iterable[Frame | FrameFault],
    folder: Path,
    *,
    source: str,
    record: Mapping[str, Any],
    subsets: Mapping[str, npt.NDArray[np.integer[Any]]] | None = None,
    units: LabelUnits = OWN_UNITS,
    strict: bool = True,
) -> Frames:
    """Write frames to a folder, one after the other; only a few thousand are in memory at a time.

    Frames that cannot be used (no atoms, unknown elements, positions that are no numbers, two atoms at the same place)
    go to `rejects.tsv`. Forces that are no numbers become NaN and are counted.

    Args:
        frames: in this project's units.
        folder: the folder to make.
        source: where the frames come from, for `frames.json` and for messages.
        record: what else `frames.json` shall say.
        subsets: named row numbers in `frames`, kept with the numbers that the rows have in the folder.
        units: what the labels were converted from, for messages.
        strict: raise an error where forces and energies contradict each other; else `frames.json` tells.

    Raises:
        DataError: the folder holds frames already, no frame can be used, none has a label, or the forces contradict
            the energies.
    """
    if is_frames_folder(folder):
        raise DataError(f"{folder}: holds frames already; choose another folder")
    with FrameWriter(folder) as writer:
        for frame in frames:
            if isinstance(frame, FrameFault):
                writer.reject(frame.reason)
            else:
                writer.append(frame)
        writer.check_usable(source)
        hashes = writer.finish()
    hash_of_subsets = _write_subsets(folder, subsets or {}, writer.kept, writer.n_read)
    arrays = "".join(hashes[name] for name in sorted(hashes))
    content = arrays + (folder / MOLECULES).read_text(encoding="utf-8") + hash_of_subsets
    summary = {
        "format": FRAMES_FORMAT,
        "source": source,
        "units": _UNITS,
        "counts": {"read": writer.n_read, "frames": len(writer.kept), "atoms": writer.n_atoms, **_counts(writer)},
        "species": sorted(writer.species),
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        **record,
        "created_by": f"chemscale {version('chemscale')}",
    }
    try:
        report = check_labels(Frames.of(folder, summary), units, source, strict)
    except DataError:
        writer.remove()
        raise
    write_json(folder / RECORD, {**summary, "label_check": report.as_json()})
    return Frames.open(folder)


def _prepared_folder(source: str) -> Path | None:
    """The folder that a source is, as a path or in the data folder; None where it is something else."""
    if is_name(source):
        return None
    if Path(source).expanduser().is_dir():
        return Path(source).expanduser()
    inside = data_folder() / source
    return inside if is_frames_folder(inside) else None


def _place_in_cache(files: list[SourceFile], limit: int | None, settings: UnitSettings) -> Path:
    identity = [FRAMES_FORMAT, limit, repr(settings), [file.identity() for file in files]]
    return cache_folder() / "frames" / content_hash(identity, length=16)


def _prepare(source: str, files: list[SourceFile], out: Path, limit: int | None, settings: UnitSettings) -> Frames:
    opened = [(file, *open_frames_file(file.path, settings)) for file in files]
    total = sum(len(file.rows(frames.subsets)) if file.subset else frames.n_frames or 0 for file, _, frames in opened)
    record = {
        "files": [
            {
                "path": str(file.path),
                "format": kind.title,
                "units": frames.units.as_json(),
                "units_from": frames.units_from,
                "subset": file.subset,
            }
            for file, kind, frames in opened
        ],
        "limit": limit,
    }
    subsets = opened[0][2].subsets if len(opened) == 1 and opened[0][0].subset is None else {}
    with progress_bar(f"preparing {source}", min(limit or total, total) or None, "frames") as bar:
        frames = itertools.chain.from_iterable(_chosen(file, frames) for file, _, frames in opened)
        return write_frames(
            _counted(itertools.islice(frames, limit), bar),
            out,
            source=source,
            record=record,
            subsets=subsets,
            units=opened[0][2].units,
            strict=not settings.trusted,
        )


def _chosen(file: SourceFile, source: FrameSource) -> Iterator[Frame | FrameFault]:
    """The frames of a file, or of the subset that is asked for, in the order of the file."""
    if file.subset is None:
        yield from source.frames
        return
    wanted = set(file.rows(source.subsets).tolist())
    yield from (frame for row, frame in enumerate(source.frames) if row in wanted)


def _counted(frames: Iterable[Frame | FrameFault], bar: Bar) -> Iterator[Frame | FrameFault]:
    for number, frame in enumerate(frames, start=1):
        yield frame
        if number % 500 == 0:
            bar.update(number)


def _counts(writer: FrameWriter) -> dict[str, Any]:
    names = ("atoms_without_forces", "frames_without_energy", "atoms_with_large_forces", "vacuum_boxes")
    return {
        "rejected": writer.n_rejected,
        "molecules": len(writer.molecules),
        **{name: writer.counts[name] for name in names},
        "reject_reasons": dict(writer.reasons.most_common()),
    }


def _write_subsets(
    folder: Path, subsets: Mapping[str, npt.NDArray[np.integer[Any]]], kept: Sequence[int], n_read: int
) -> str:
    """Keep named row numbers of the source as frame numbers of the folder, in the same order.

    A subset loses the rows that were rejected. One that names rows beyond the `n_read` first, where a limit may have
    cut the source, is left out.

    Returns:
        The hash of names and frame numbers; empty where there are no subsets.
    """
    (folder / SUBSETS).unlink(missing_ok=True)
    place = np.full(n_read, -1)
    place[np.asarray(kept)] = np.arange(len(kept))
    whole = {name: place[rows] for name, rows in subsets.items() if np.all(rows < n_read)}
    kept_rows = {name: places[places >= 0] for name, places in whole.items() if np.any(places >= 0)}
    if not kept_rows:
        return ""
    with replacing(folder / SUBSETS) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **kept_rows)
    return content_hash({name: rows.tolist() for name, rows in kept_rows.items()}, length=64)
