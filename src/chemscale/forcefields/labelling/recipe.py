"""What decides the frames: the molecules, the sampling, the seed, and the versions that make and label geometries."""

import math
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from pydantic import Field

from chemscale.base.config import Config, nearest
from chemscale.base.errors import ConfigError, DataError
from chemscale.chem.embedded_library import distinct_molecules, library_size
from chemscale.chem.molecule_files import count_lines, file_layout, read_smiles
from chemscale.chem.smiles import MoleculeError, canonical_smiles
from chemscale.chem.sources import SOURCES, file_sha256, resolve
from chemscale.forcefields.labelling.sampling import Sampling
from chemscale.forcefields.labelling.small_molecules import small_molecules
from chemscale.forcefields.labelling.xtb import METHOD, require_tblite

SMALL, EMBEDDED = "small", "embedded"
_SPARE = 1.1


class LabelRecipe(Config):
    """Everything that decides the bytes of the frames; equal recipes give equal frames on one kind of machine."""

    n: int = Field(ge=1, description="frames")
    molecules: str = Field(description="`small`, `embedded`, or the name of a file of SMILES without its folder")
    molecules_sha256: str | None = Field(None, description="of the file")
    column: str | None = Field(None, description="SMILES column of the file; none guesses it")
    seed: int = Field(ge=0, description="of molecules and geometries")
    sampling: Sampling
    method: str = Field(METHOD, description="that labels")
    tblite: str = Field(description="its version")
    rdkit: str = Field(description="its version")


def recipe_for(
    molecules: str | Path, n: int, seed: int, column: str | None, sampling: Sampling | None
) -> tuple[LabelRecipe, Path | None]:
    """The recipe of frames of a source of molecules, and its file where it has one.

    Without a `sampling`, a file with few molecules gives more than 12 frames a molecule, so that `n` are reached.

    Raises:
        ConfigError: a value is not allowed, or tblite is not installed.
        DataError: the source is not there.
    """
    if n < 1:
        raise ConfigError(f"n: {n} frames; give a number from 1")
    if seed < 0:
        raise ConfigError(f"seed: {seed}; give an integer from 0")
    name, sha256, path = str(molecules), None, None
    if name in (SMALL, EMBEDDED):
        if column is not None:
            raise ConfigError(f"column: {column!r} was given, but {name!r} molecules come from no file")
    else:
        path = _resolved(name)
        registered = SOURCES.get(name.lower())
        column = column or (registered.column if registered else None)
        file_layout(path, column)  # a file without SMILES is refused before anything is made
        name, sha256 = path.name, file_sha256(path)
    if sampling is None:
        sampling = Sampling() if path is None else _enough_for(n, path)
    recipe = LabelRecipe(
        n=n,
        molecules=name,
        molecules_sha256=sha256,
        column=column,
        seed=seed,
        sampling=sampling,
        tblite=require_tblite(),
        rdkit=version("rdkit"),
    )
    return recipe, path


def molecules_of(recipe: LabelRecipe, path: Path | None) -> Iterator[str]:
    """The molecules in their order, each once, as canonical SMILES; a text that is no molecule comes as it stands.

    Raises:
        DataError: the file is damaged.
    """
    if path is not None:
        return _distinct(text for _, text in read_smiles(path, recipe.column))
    if recipe.molecules == SMALL:
        return small_molecules(recipe.seed)
    return distinct_molecules(library_size(), recipe.seed)


def _resolved(name: str) -> Path:
    try:
        return resolve(name)
    except DataError as error:
        raise DataError(
            f"{error}. Molecules are also built here: {SMALL!r}{nearest(name, [SMALL, EMBEDDED])}"
        ) from None


def _distinct(texts: Iterator[str]) -> Iterator[str]:
    seen = set()
    for text in texts:
        try:
            smiles = canonical_smiles(text)
        except MoleculeError:
            smiles = text
        if smiles not in seen:
            seen.add(smiles)
            yield smiles


def _enough_for(n: int, path: Path) -> Sampling:
    default = Sampling()
    wanted = math.ceil(_SPARE * n / max(1, count_lines(path)))
    return default.model_copy(update={"frames_per_molecule": max(default.frames_per_molecule, wanted)})
