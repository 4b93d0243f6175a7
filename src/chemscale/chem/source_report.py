"""What is known of a source or of a local file: its record, whether it is here, and whether it is whole."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from chemscale.base.errors import DataError
from chemscale.base.files import data_folder
from chemscale.chem.molecule_files import file_layout, read_smiles
from chemscale.chem.sources import SOURCES, file_sha256, find_source_file, get_source, list_sources, resolve

Verdict = Literal["verified", "hash unknown", "wrong", "missing"]


@dataclass(frozen=True)
class SourceInfo:
    """Names and values for a person, in order."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The rows as aligned lines."""
        width = max((len(name) for name, _ in self.rows), default=0)
        return "\n".join([self.title, *(f"  {name:<{width}}  {value}" for name, value in self.rows)])


@dataclass(frozen=True)
class Verification:
    """Whether a source's file is what it should be."""

    name: str
    verdict: Verdict
    path: Path
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the file can be used; one of unknown hash can."""
        return self.verdict in ("verified", "hash unknown")

    def __str__(self) -> str:
        """A line for a person."""
        return f"{self.name}: {self.verdict}: {self.path}: {self.detail}"


def sources_table() -> list[dict[str, str]]:
    """One row per registered source, for a person: name, kind, rows, size, whether it is here, title."""
    return [
        {
            "name": name,
            "kind": source.kind,
            "rows": _number(source.rows),
            "size": readable_size(source.size),
            "here": str(find_source_file(name) or ""),
            "title": source.title,
        }
        for name, source in list_sources()
    ]


def source_info(name_or_path: str, column: str | None = None) -> SourceInfo:
    """All that is known of a registered source, or of a local molecule file (which is read to its end).

    Raises:
        DataError: it is neither, or the file is unreadable.
    """
    if name_or_path.lower() in SOURCES:
        return _registered_info(name_or_path.lower())
    return _file_info(resolve(name_or_path), column)


def verify_source(name: str) -> Verification:
    """Compare the size and the sha256 of a registered source's file with the record.

    Raises:
        DataError: there is no source of this name.
    """
    source = get_source(name)
    path = find_source_file(name)
    if path is None:
        return Verification(name, "missing", data_folder() / source.file_name, f"run `chemscale data get {name}`")
    alternative = source.also_at.get(path.relative_to(data_folder()).as_posix())
    expected = alternative or source.sha256
    size, seen = path.stat().st_size, file_sha256(path)
    if not alternative and source.size is not None and size != source.size:
        return Verification(
            name, "wrong", path, f"has {size:,} bytes, should have {source.size:,}; delete it and get it again"
        )
    if expected is None:
        return Verification(
            name, "hash unknown", path, f"{size:,} bytes, sha256 {seen}; no published hash to compare with"
        )
    if seen != expected:
        return Verification(name, "wrong", path, f"sha256 is {seen}, should be {expected}; delete it and get it again")
    return Verification(name, "verified", path, f"{size:,} bytes, sha256 {seen}")


def readable_size(size: int | None) -> str:
    """Bytes for a person: `1.1 GB`; empty where unknown."""
    if size is None:
        return ""
    for limit, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size} B"


def _registered_info(name: str) -> SourceInfo:
    source, path = get_source(name), find_source_file(name)
    rows = [
        ("kind", source.kind),
        ("rows", _number(source.rows) or "not counted"),
        ("column", source.column or ""),
        ("size", readable_size(source.size) or "unknown"),
        ("sha256", source.sha256 or "unknown"),
        *(("address", url) for url in source.urls),
        ("licence", source.licence),
        ("cite", source.citation),
        ("file", str(path) if path else f"{data_folder() / source.file_name} (absent: `chemscale data get {name}`)"),
    ]
    return SourceInfo(f"{name}: {source.title}", tuple(row for row in rows if row[1]))


def _file_info(path: Path, column: str | None) -> SourceInfo:
    if path.is_dir():
        raise DataError(f"{path}: is a folder, expected a molecule file")
    layout = file_layout(path, column)
    first = [smiles for _, smiles in islice(read_smiles(path, column), 3)]
    rows = (
        ("size", readable_size(path.stat().st_size)),
        ("sha256", file_sha256(path)),
        ("column", layout.name if layout.has_header else f"number {layout.column + 1}, no header"),
        ("columns", ", ".join(layout.columns[:20])),
        ("records", _number(sum(1 for _ in read_smiles(path, column)))),
        ("first", ", ".join(first)),
    )
    return SourceInfo(str(path), tuple(row for row in rows if row[1]))


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
