"""From a source of molecules to a prepared corpus: encode in parts, in parallel, then join the parts.

Every part is a file of its own until the corpus is whole, so a preparation that was cut goes on where it was.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import cache_folder, disk_explained, folder_lock, read_json, write_json
from chemscale.base.processor import available_cores
from chemscale.base.progress import progress_bar
from chemscale.chem.embedded_library import distinct_molecules
from chemscale.chem.molecule_files import count_lines, read_smiles
from chemscale.chem.sources import SOURCES, resolve
from chemscale.language.corpus import CORPUS_FORMAT, RECORD, REJECTS, Corpus, is_corpus_folder
from chemscale.language.corpus_assembly import Survey, assemble, survey_parts
from chemscale.language.encoding_worker import WorkOrder, carry_out_all
from chemscale.language.recipe import EMBEDDED, Recipe, recipe_for
from chemscale.language.vocabulary import Encoding

PART_LINES = 2_000
_PARTS, _RECIPE = "parts", "recipe.json"


def prepare_corpus(
    source: str | Path,
    out: str | Path,
    *,
    encoding: Encoding = "selfies",
    canonical: bool = False,
    drop_duplicates: bool = False,
    limit: int | None = None,
    workers: int | None = None,
    column: str | None = None,
) -> Corpus:
    """Prepare a corpus folder: SMILES -> (canonical form) -> SELFIES or SMILES tokens -> ids in a memory-mapped file.

    The same source and settings give the same bytes with any number of workers, and after a kill; a folder that is
    already finished with them is opened as it is. Lines that cannot be encoded go to `rejects.tsv`.

    Args:
        source: `embedded`, a registered source, or a molecule file (see `chem.sources.resolve`).
        out: the folder to make.
        encoding: `selfies` (one id per SELFIES symbol) or `smiles` (one per SMILES token).
        canonical: write each molecule in RDKit's canonical form first.
        drop_duplicates: keep only the first molecule of those with the same text. Two spellings of one molecule have
            the same text only with `canonical`.
        limit: read at most so many molecules, from the start; for `embedded` how many there shall be.
        workers: processes; None takes one per core at hand.
        column: the SMILES column by name or by number from 1; None guesses it.

    Raises:
        DataError: the source is missing or unreadable, or has no molecule that can be encoded.
        StorageError: the disk is full, or `out` may not be written to.
        UserError: a setting is not allowed, or `out` holds something else.
        BusyError: another process is preparing the same folder.
    """
    if workers is not None and workers < 1:
        raise UserError(f"workers: {workers}; give a number from 1, or leave it out for one per core")
    out = Path(out)
    recipe, path = recipe_for(source, encoding, canonical, drop_duplicates, limit, column)
    _check_out(out, recipe)
    with disk_explained(out), folder_lock(out, "preparing a corpus"):
        return _prepare_locked(out, recipe, path, workers)


def corpus_for(
    source: str | Path,
    *,
    encoding: Encoding = "selfies",
    canonical: bool = False,
    drop_duplicates: bool = False,
    limit: int | None = None,
    workers: int | None = None,
    column: str | None = None,
) -> Corpus:
    """The corpus of a source: a prepared folder as it is, anything else prepared once into the cache folder.

    Processes that ask for the same corpus at the same time wait for the one that prepares it. The arguments are those
    of `prepare_corpus`; for a prepared folder they are what it was made with, whatever is given here.

    Raises:
        DataError, UserError: as in `prepare_corpus`.
    """
    if str(source) != EMBEDDED and str(source).lower() not in SOURCES:
        found = resolve(str(source))
        if found.is_dir():
            return Corpus.open(found)
    recipe, path = recipe_for(source, encoding, canonical, drop_duplicates, limit, column)
    out = cache_folder() / "corpora" / recipe.folder_name
    if is_corpus_folder(out):
        return Corpus.open(out)
    with disk_explained(out), folder_lock(out, "preparing a corpus", wait_seconds=-1):
        return _prepare_locked(out, recipe, path, workers)


def _prepare_locked(out: Path, recipe: Recipe, path: Path | None, workers: int | None) -> Corpus:
    parts = out / _PARTS
    if is_corpus_folder(out):
        shutil.rmtree(parts, ignore_errors=True)
        return Corpus.open(out)
    state = {"recipe": recipe.as_json(), "part_lines": PART_LINES}
    if not (parts / _RECIPE).is_file() or read_json(parts / _RECIPE) != state:
        shutil.rmtree(parts, ignore_errors=True)
        write_json(parts / _RECIPE, state)
    files = _encode_parts(parts, recipe, path, workers or available_cores())
    return _join(out, files, recipe)


def _encode_parts(parts: Path, recipe: Recipe, path: Path | None, workers: int) -> list[Path]:
    """Encode the parts that are not there yet; returns all of them, in the order of the source."""
    files: list[Path] = []
    with progress_bar(f"preparing {recipe.source}", _total(recipe, path), "molecules") as bar:
        orders = _orders(parts, recipe, _records(recipe, path), files, bar.advance)
        for n_lines in carry_out_all(orders, workers):
            bar.advance(n_lines)
    return files


def _orders(
    parts: Path,
    recipe: Recipe,
    records: Iterator[tuple[int, str]],
    files: list[Path],
    skip: Callable[[float], None],
) -> Iterator[WorkOrder]:
    while batch := list(itertools.islice(records, PART_LINES)):
        path = parts / f"{len(files):07d}.npz"
        files.append(path)
        if path.exists():
            skip(len(batch))
        else:
            yield WorkOrder(str(path), recipe.encoding, recipe.canonical, batch)


def _records(recipe: Recipe, path: Path | None) -> Iterator[tuple[int, str]]:
    if path is None:
        return enumerate(distinct_molecules(recipe.limit or 0, seed=0), start=1)
    return itertools.islice(read_smiles(path, recipe.column), recipe.limit)


def _total(recipe: Recipe, path: Path | None) -> int | None:
    if path is None:
        return recipe.limit
    return min(recipe.limit or 2**62, count_lines(path))


def _join(out: Path, files: list[Path], recipe: Recipe) -> Corpus:
    survey = survey_parts(files, out / REJECTS)
    if survey.n_encoded == 0:
        shutil.rmtree(out / _PARTS, ignore_errors=True)
        raise DataError(_nothing_usable(recipe, survey, out))
    summary = assemble(out, files, survey, recipe.encoding, recipe.selfies_version, recipe.drop_duplicates)
    record = {
        "format": CORPUS_FORMAT,
        "recipe": recipe.as_json(),
        **summary,
        "created_by": f"chemscale {version('chemscale')}",
    }
    write_json(out / RECORD, record)
    shutil.rmtree(out / _PARTS, ignore_errors=True)
    return Corpus.open(out)


def _nothing_usable(recipe: Recipe, survey: Survey, out: Path) -> str:
    if survey.n_read == 0:
        return f"{recipe.source}: holds no molecule"
    reasons = "; ".join(f"{reason} ({count:,} lines)" for reason, count in survey.reasons.most_common(3))
    return (
        f"{recipe.source}: none of its {survey.n_read:,} lines can be encoded: {reasons}. "
        f"See {out / REJECTS}; if another column holds the SMILES, pass it (--column NAME)"
    )


def _check_out(out: Path, recipe: Recipe) -> None:
    if is_corpus_folder(out):
        found = Corpus.open(out).record["recipe"]
        changed = [key for key, value in recipe.as_json().items() if found.get(key) != value]
        if changed:
            raise UserError(
                f"{out}: holds a corpus made otherwise ({', '.join(changed)} differ); choose another folder"
            )
    elif out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file, expected a folder to make")
    elif out.is_dir() and not (out / _PARTS / _RECIPE).is_file():
        own = (REJECTS, _PARTS)
        others = sorted(
            entry.name for entry in out.iterdir() if entry.name not in own and not entry.name.startswith(".")
        )
        if others:
            raise UserError(f"{out}: holds other files ({', '.join(others[:5])}); choose an empty or a new folder")
