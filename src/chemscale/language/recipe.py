"""What decides the bytes of a corpus: the source's content, the settings, and the versions that encode."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chemscale.base.config import content_hash, nearest
from chemscale.base.errors import UserError
from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.selfies_encoding import selfies_version
from chemscale.chem.sources import SOURCES, file_sha256, resolve
from chemscale.language.corpus import CORPUS_FORMAT
from chemscale.language.vocabulary import ENCODINGS, Encoding

EMBEDDED = "embedded"
_FINGERPRINT_MOLECULES = 64


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a corpus; two equal recipes give equal bytes.

    Attributes:
        source: the file's name without its folder, or `embedded`.
        source_sha256: hash of the file, or of the embedded library's first molecules.
        column: the SMILES column asked for; None where it is guessed.
        encoding: `selfies` or `smiles`.
        canonical: whether molecules are written in canonical form first.
        drop_duplicates: whether only the first of equal texts is kept.
        limit: how many molecules are read at most.
        selfies_version: the version that encodes; None for SMILES.
        rdkit_version: the version that writes the canonical form; None where it is not asked for.
        format: the layout of the corpus folder.
    """

    source: str
    source_sha256: str
    column: str | None
    encoding: Encoding
    canonical: bool
    drop_duplicates: bool
    limit: int | None
    selfies_version: str | None
    rdkit_version: str | None
    format: int = CORPUS_FORMAT

    def as_json(self) -> dict[str, Any]:
        """The recipe as plain values."""
        return asdict(self)

    @property
    def folder_name(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.source.split('.')[0] or 'corpus'}-{content_hash(self.as_json())}"


def recipe_for(
    source: str | Path,
    encoding: Encoding,
    canonical: bool,
    drop_duplicates: bool,
    limit: int | None,
    column: str | None,
) -> tuple[Recipe, Path | None]:
    """The recipe of a source with settings, and the file to read (None for the embedded library).

    Raises:
        UserError: a setting is not allowed.
        DataError: the source is not there.
    """
    if encoding not in ENCODINGS:
        raise UserError(f"encoding: {encoding!r} is not known{nearest(str(encoding), ENCODINGS)}")
    if limit is not None and limit < 1:
        raise UserError(f"limit: {limit} molecules; give a number from 1, or leave it out for all")
    path = None
    if str(source) == EMBEDDED:
        if limit is None:
            raise UserError("limit: the embedded library needs a number of molecules, for example 20000")
        name, sha256 = EMBEDDED, _embedded_fingerprint()
    else:
        path = resolve(str(source))
        name, sha256 = path.name, file_sha256(path)
        registered = SOURCES.get(str(source).lower())
        column = column or (registered.column if registered else None)
    recipe = Recipe(
        name,
        sha256,
        column,
        encoding,
        canonical,
        drop_duplicates,
        limit,
        selfies_version() if encoding == "selfies" else None,
        version("rdkit") if canonical else None,
    )
    return recipe, path


def _embedded_fingerprint() -> str:
    # The sample's order runs over the whole library, so a library of another size or content has other first molecules.
    return hashlib.sha256("\n".join(distinct_sample(_FINGERPRINT_MOLECULES, seed=0)).encode()).hexdigest()
