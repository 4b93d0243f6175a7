"""`make_frames`: molecules -> geometries -> GFN2-xTB labels -> a folder of frames, in parallel and resumable.

Every part of 16 molecules is a file of its own until all are there, so work that was cut goes on where it was.
"""

import itertools
import math
import shutil
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.files import disk_explained, folder_lock, read_json, write_json
from chemscale.base.processor import available_cores
from chemscale.base.progress import progress_bar
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import REJECTS, Frames, is_frames_folder
from chemscale.forcefields.labelling.part import PartFrame, read_part
from chemscale.forcefields.labelling.recipe import SMALL, LabelRecipe, molecules_of, recipe_for
from chemscale.forcefields.labelling.sampling import Sampling
from chemscale.forcefields.labelling.worker import Order, Workers
from chemscale.forcefields.preparation import write_frames
from chemscale.forcefields.readers.frame_source import FrameFault

MOLECULES_PER_PART = 16
_PARTS, _RECIPE, _KEY = "parts", "recipe.json", "labelling"


def make_frames(
    out: Path | str,
    *,
    n: int,
    molecules: str | Path = SMALL,
    seed: int = 0,
    column: str | None = None,
    sampling: Sampling | None = None,
    workers: int | None = None,
) -> Frames:
    """Make frames labelled with GFN2-xTB energies and forces.

    The same arguments give the same frames with any number of workers, and after a kill; a folder that is finished with
    them is opened as it is. Geometries and molecules that cannot be labelled go to `rejects.tsv`.

    Args:
        out: the folder to make.
        n: how many frames; fewer come out where a file has too few molecules.
        molecules: `small` (built here, 9 to 21 atoms), `embedded` (drug-like, mostly 30 to 60 atoms), or a file of
            SMILES (see `chem.sources.resolve`).
        seed: of molecules and geometries.
        column: the SMILES column of the file, by name or by number from 1; None guesses it.
        sampling: which geometries; None takes 12 of a molecule, or more where a file has few molecules.
        workers: processes; None takes one per core at hand.

    Raises:
        ConfigError: a value is not allowed, tblite is not installed, or `out` holds something else.
        DataError: the molecules cannot be read, or none gives a frame.
        StorageError: the disk is full, or `out` may not be written to.
        BusyError: another process is working on the same folder.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: {workers}; give a number from 1, or leave it out for one per core")
    out = Path(out).expanduser()
    recipe, path = recipe_for(molecules, n, seed, column, sampling)
    _check_out(out, recipe)
    with disk_explained(out), folder_lock(out, "labelling frames"):
        return _make_locked(out, recipe, path, workers or available_cores())


def _make_locked(out: Path, recipe: LabelRecipe, path: Path | None, workers: int) -> Frames:
    parts = out / _PARTS
    if not is_frames_folder(out):
        if not (parts / _RECIPE).is_file():
            shutil.rmtree(parts, ignore_errors=True)
            write_json(parts / _RECIPE, _state(recipe))
        files = _label_parts(parts, recipe, path, workers)
        try:
            write_frames(_stored(files, recipe.n), out, source=_source(recipe), record={_KEY: _record(recipe, files)})
        except DataError:
            if not _has_frames(files):
                shutil.rmtree(parts, ignore_errors=True)
            raise
    shutil.rmtree(parts, ignore_errors=True)
    return Frames.open(out)


def _label_parts(parts: Path, recipe: LabelRecipe, path: Path | None, workers: int) -> list[Path]:
    """Label as many parts as give `n` frames; returns their files in the order of the molecules."""
    files: list[Path] = []
    waiting: deque[Future[int]] = deque()
    per_part = MOLECULES_PER_PART * recipe.sampling.frames_per_molecule
    made = 0
    with progress_bar("labelling frames with GFN2-xTB", recipe.n, "frames") as bar, Workers(workers) as pool:
        for order in _orders(parts, recipe, molecules_of(recipe, path)):
            while waiting and (len(waiting) >= 2 * workers or made + per_part * len(waiting) >= recipe.n):
                made += waiting.popleft().result()
                bar.update(min(made, recipe.n))
            if made >= recipe.n:
                break
            files.append(Path(order.path))
            waiting.append(pool.label(order))
        while waiting:
            made += waiting.popleft().result()
            bar.update(min(made, recipe.n))
    return files


def _orders(parts: Path, recipe: LabelRecipe, molecules: Iterator[str]) -> Iterator[Order]:
    sampling = recipe.sampling.model_dump(mode="json")
    for number in itertools.count():
        batch = list(itertools.islice(molecules, MOLECULES_PER_PART))
        if not batch:
            return
        path = parts / f"{number:07d}.npz"
        yield Order(str(path), number * MOLECULES_PER_PART, batch, recipe.seed, sampling)


def _first(files: Sequence[Path], n: int) -> Iterator[PartFrame]:
    """The entries of all parts up to the n-th frame."""
    made = 0
    for entry in itertools.chain.from_iterable(map(read_part, files)):
        made += entry.frame is not None
        yield entry
        if made == n:
            return


def _stored(files: Sequence[Path], n: int) -> Iterator[Frame | FrameFault]:
    for entry in _first(files, n):
        yield entry.frame or FrameFault(f"{entry.fault} ({entry.molecule})")


def _has_frames(files: Sequence[Path]) -> bool:
    return any(entry.frame is not None for entry in _first(files, 1))


def _record(recipe: LabelRecipe, files: Sequence[Path]) -> dict[str, Any]:
    """What `frames.json` says of the labels: the recipe, and the forces by how the geometry was made."""
    frames: Counter[tuple[str, float]] = Counter()
    components: Counter[tuple[str, float]] = Counter()
    squares: dict[tuple[str, float], float] = defaultdict(float)
    for entry in _first(files, recipe.n):
        if entry.frame is not None and entry.frame.forces is not None:
            key = (str(entry.kind), entry.temperature)
            frames[key] += 1
            components[key] += entry.frame.forces.size
            squares[key] += float((entry.frame.forces**2).sum())
    geometries = [
        {
            "kind": kind,
            "temperature_kelvin": temperature or None,
            "frames": count,
            "force_rms": round(math.sqrt(squares[kind, temperature] / components[kind, temperature]), 4),
        }
        for (kind, temperature), count in sorted(frames.items())
    ]
    return {"recipe": recipe.model_dump(mode="json"), "geometries": geometries}


def _source(recipe: LabelRecipe) -> str:
    return f"{recipe.method} frames of {recipe.molecules} molecules"


def _state(recipe: LabelRecipe) -> dict[str, Any]:
    """What parts must have in common: all but how many there are."""
    values = {key: value for key, value in recipe.model_dump(mode="json").items() if key != "n"}
    return {**values, "molecules_per_part": MOLECULES_PER_PART}


def _check_out(out: Path, recipe: LabelRecipe) -> None:
    if is_frames_folder(out):
        found = Frames.open(out).record.get(_KEY)
        if found is None:
            raise ConfigError(f"{out}: holds frames that were not labelled here; choose another folder")
        _same(out, found["recipe"], recipe.model_dump(mode="json"))
    elif out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file, expected a folder to make")
    elif (out / _PARTS / _RECIPE).is_file():
        _same(out, read_json(out / _PARTS / _RECIPE), _state(recipe))
    elif out.is_dir():
        own = (REJECTS, _PARTS)
        others = sorted(entry.name for entry in out.iterdir() if entry.name not in own and entry.name[0] != ".")
        if others:
            raise ConfigError(f"{out}: holds other files ({', '.join(others[:5])}); choose an empty or a new folder")


def _same(out: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, after = _flat(found), _flat(wanted)
    changed = [
        f"{key} {before.get(key)!r}, now {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if changed:
        raise ConfigError(f"{out}: holds frames made otherwise ({'; '.join(changed[:5])}); choose another folder")


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in values.items() if key != "sampling"}, **values.get("sampling", {})}
