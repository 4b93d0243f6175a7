"""The verb map: embed molecules with a trained language model and draw where they lie."""

import importlib.metadata
import inspect
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.base.files import check_folder, replacing
from chemscale.base.progress import progress_bar
from chemscale.chem.compressed_text import inner_name
from chemscale.chem.depiction import Depiction, depict
from chemscale.chem.fingerprints import morgan_fingerprints, unpacked
from chemscale.chem.molecule_labels import SCAFFOLD, MoleculeLabel, check_label_names, molecule_label
from chemscale.chem.molecule_table import MoleculeTable, read_molecule_table
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.chem.smiles import MoleculeError, parse_smiles
from chemscale.chem.sources import SOURCES, resolve
from chemscale.language.embedder import Embedder, Embeddings, Pooling
from chemscale.language.embedding_files import RejectTable
from chemscale.language.maps.projection import (
    N_NEIGHBOURS,
    neighbours_kept,
    principal_components,
    require_sklearn,
    tsne_points,
    used_perplexity,
)
from chemscale.language.trained import load_checkpoint
from chemscale.report.maps.contents import MapReport, Picture
from chemscale.report.maps.folder import write_map
from chemscale.verbs.map_numbers import map_numbers

Vectors = npt.NDArray[np.floating]
FEWEST = 10
_LONGEST_NAME = 120
_MANY = 20_000  # from here on t-SNE takes minutes
_BLOCK = 1024
_PACKAGES = ("chemscale", "torch", "rdkit", "scikit-learn")


@dataclass(frozen=True)
class MapResult:
    """A map that was drawn.

    Attributes:
        page: the HTML page; everything else lies beside it.
        report: what it shows.
        n_rows: rows of the file that were read.
        rejects: row (from 0), line, SMILES and reason of what was left out; None where nothing was.
    """

    page: Path
    report: MapReport
    n_rows: int
    rejects: Path | None


def draw_map(
    checkpoint: Path | str,
    source: str,
    *,
    colours: Sequence[str] = (SCAFFOLD,),
    out: Path | None = None,
    column: str | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    seed: int = 0,
    limit: int | None = None,
) -> MapResult:
    """Embed the molecules of a file, project them, and write a page that shows the molecule under the cursor.

    Args:
        checkpoint: a run folder, or a folder in Hugging Face's format.
        source: a registered source, or a file of molecules.
        colours: `scaffold`, columns of the file, or properties of `chem.properties`.
        out: folder of the page; default `maps/<name of the source>`.
        column: the SMILES column; None guesses it.
        layer: whose states are pooled, see `Embedder`.
        pooling: how, see `Embedder`.
        seed: of t-SNE, folds and shuffles.
        limit: only the first so many rows.

    Raises:
        UserError: scikit-learn is missing, `out` is no folder, a name of a colour is wrong, the file or checkpoint
            cannot be read, or fewer than ten of its molecules can be embedded, or fewer than four differently.
    """
    require_sklearn()
    name = source.lower() if source.lower() in SOURCES else Path(inner_name(resolve(source))).stem
    folder = Path("maps") / name if out is None else out
    check_folder(folder)
    table = read_molecule_table(resolve(source), column, limit)
    names = check_label_names(colours, list(table.columns.columns))
    for name_of_column in set(names) & set(table.columns.columns):
        molecule_label(name_of_column, [], table.columns)  # refuse it before the work and not after it
    trained = load_checkpoint(checkpoint)
    molecules, reasons = _parse(table)
    rows = [row for row in range(len(table)) if row not in reasons]
    _check_enough(len(rows), len(table), reasons)
    _warn_of_minutes(len(rows))
    embedded = _embed(Embedder(trained, layer=layer, pooling=pooling), [table.smiles[row] for row in rows])
    reasons |= {rows[row]: reason for row, reason in embedded.reasons.items()}
    kept = [place for place, row in enumerate(rows) if row not in reasons]
    _check_enough(len(kept), len(table), reasons)
    mapped = _Mapped(
        table.take([rows[place] for place in kept]), [molecules[rows[place]] for place in kept], embedded.vectors[kept]
    )
    settings = {"checkpoint": Path(checkpoint).name, "layer": str(layer), "pooling": pooling, "seed": str(seed)}
    report = _map_report(mapped, name, names, seed, settings, _left_out(len(reasons), len(table)))
    options = {"column": column, "layer": layer, "pooling": pooling, "seed": seed, "limit": limit}
    report = replace(report, commands=[_command(checkpoint, source, names, options)])
    with progress_bar("write page and figures", None):
        page = write_map(report, folder)
    return MapResult(page, report, len(table), _write_rejects(table, reasons, folder))


@dataclass(frozen=True)
class _Mapped:
    """Molecules of a file with their vectors [n_molecules, width]."""

    table: MoleculeTable
    molecules: list[Chem.Mol]
    vectors: Vectors


def _map_report(
    mapped: _Mapped, name: str, colours: Sequence[str], seed: int, settings: dict[str, str], notes: Sequence[str]
) -> MapReport:
    """Project, draw and measure what was embedded."""
    table, molecules = mapped.table, mapped.molecules
    labels = [molecule_label(colour, molecules, table.columns) for colour in colours]
    scaffolds = [murcko_scaffold(molecule) for molecule in molecules]
    pictures = _pictures(mapped.vectors, seed)
    bits = unpacked(morgan_fingerprints(molecules)).astype(np.float32)
    numbers, silent = map_numbers(mapped.vectors, bits, scaffolds, labels, seed)
    width = mapped.vectors.shape[1]
    lead = f"{len(table):,} molecules · embedded in {width} dimensions by {settings['checkpoint']}"
    return MapReport(
        title=f"Map of {name}",
        lead=f"{lead}, layer {settings['layer']}, {settings['pooling']} over tokens",
        smiles=table.smiles,
        lines=table.lines,
        names=_names(table.columns),
        scaffolds=scaffolds,
        drawings=_drawings(molecules),
        scaffold_drawings=_scaffold_drawings(labels),
        labels=labels,
        pictures=pictures,
        numbers=numbers,
        notes=[*notes, *_infinite(labels), *silent],
        facts=settings | {package: importlib.metadata.version(package) for package in _PACKAGES},
    )


def _command(checkpoint: Path | str, source: str, colours: Sequence[str], options: Mapping[str, object]) -> str:
    """The command line of the same map; options that were left as they are do not stand in it."""
    defaults = inspect.signature(draw_map).parameters
    words = ["chemscale", "map", str(checkpoint), source, "--colour", ",".join(colours)]
    for name, value in options.items():
        if value != defaults[name].default:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def _parse(table: MoleculeTable) -> tuple[dict[int, Chem.Mol], dict[int, str]]:
    molecules, reasons = {}, {}
    for row, smiles in enumerate(table.smiles):
        try:
            molecules[row] = parse_smiles(smiles)
        except MoleculeError as error:
            reasons[row] = str(error)
    return molecules, reasons


def _check_enough(n_good: int, n_rows: int, reasons: dict[int, str]) -> None:
    if n_good >= FEWEST:
        return
    first = f"; the first reason: {next(iter(reasons.values()))}" if reasons else ""
    raise DataError(f"{n_good} of {n_rows} molecules can be mapped{first}. A map needs {FEWEST} molecules or more.")


def _warn_of_minutes(n_molecules: int) -> None:
    if n_molecules > _MANY:
        print(
            f"t-SNE of {n_molecules:,} molecules takes minutes; --limit N maps the first N rows only", file=sys.stderr
        )


def _embed(embedder: Embedder, smiles: Sequence[str]) -> Embeddings:
    """Embed molecules with a progress bar; blocks change a vector by the rounding of float32 at most."""
    vectors: list[Vectors] = []
    reasons: dict[int, str] = {}
    with progress_bar("embedding", len(smiles), "molecules") as bar:
        for start in range(0, len(smiles), _BLOCK):
            block = embedder.embed(smiles[start : start + _BLOCK])
            vectors.append(block.vectors)
            reasons |= {start + row: reason for row, reason in block.reasons.items()}
            bar.advance(len(block.vectors))
    return Embeddings(np.concatenate(vectors), reasons)


def _left_out(n_bad: int, n_rows: int) -> list[str]:
    if not n_bad:
        return []
    return [f"{n_bad:,} of {n_rows:,} rows are not on the map: rejects.tsv has their lines and reasons."]


def _infinite(labels: Sequence[MoleculeLabel]) -> list[str]:
    return [
        f"{label.name}: infinite values of the file, {label.n_infinite:,} in all, are drawn and counted as missing."
        for label in labels
        if label.n_infinite
    ]


def _write_rejects(table: MoleculeTable, reasons: dict[int, str], folder: Path) -> Path | None:
    path = folder / "rejects.tsv"
    if not reasons:
        path.unlink(missing_ok=True)
        return None
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        RejectTable(stream).add(list(zip(table.lines, table.smiles, strict=True)), sorted(reasons.items()))
    return path


def _pictures(vectors: Vectors, seed: int) -> list[Picture]:
    components = principal_components(vectors)
    with progress_bar(f"t-SNE of {len(vectors):,} molecules", None):
        points = tsne_points(vectors, seed)
    first, second = (f"{100 * share:.0f} %" for share in components.explained)
    axes = (f"component 1, {first} of the variance", f"component 2, {second}")
    perplexity = used_perplexity(len(vectors))
    return [
        Picture("pca", "PCA", components.points, axes, _kept(vectors, components.points), False),
        Picture("tsne", f"t-SNE, perplexity {perplexity:.3g}", points, ("", ""), _kept(vectors, points), True),
    ]


def _kept(vectors: Vectors, points: Vectors) -> str:
    share = 100 * neighbours_kept(vectors, points)
    return f"{share:.0f} % of the {min(N_NEIGHBOURS, len(vectors) - 1)} nearest here are among those of the embedding."


def _drawings(molecules: list[Chem.Mol]) -> list[Depiction]:
    drawings = []
    with progress_bar("draw molecules", len(molecules), "molecules") as bar:
        for molecule in molecules:
            drawings.append(depict(molecule))
            bar.advance()
    return drawings


def _scaffold_drawings(labels: Sequence[MoleculeLabel]) -> dict[str, Depiction]:
    """Of the scaffolds that stand in a legend; one that reads as no molecule by itself stays a text."""
    drawings = {}
    for label in labels:
        named = label.classes[: len(label.classes) - label.n_rest] if label.name == SCAFFOLD else ()
        for smiles in named:
            try:
                drawings[smiles] = depict(parse_smiles(smiles))
            except MoleculeError:
                continue
    return drawings


def _names(columns: pd.DataFrame) -> list[str]:
    """What a file calls its molecules: the first column of texts that are all different and no numbers."""
    for name in columns.columns:
        texts = [str(text).strip() for text in columns[name]]
        numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna().any()
        if len(set(texts)) == len(texts) and not numbers and max(map(len, texts)) <= _LONGEST_NAME:
            return texts
    return []
