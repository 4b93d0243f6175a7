"""What `chemscale neighbours` prints: a library, the neighbours of a molecule, and a comparison of methods."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chemscale.chem.properties import DIGITS, PROPERTIES
from chemscale.language.nearest.deltas import FINGERPRINTS, RANDOM, K
from chemscale.language.nearest.library import REJECTS, Library
from chemscale.language.nearest.vector_search import NeighbourIndex
from chemscale.verbs.search import NeighbourComparison, NeighbourList

NAMES = {"logp": "LogP", "sa": "SA", "mw": "MW", "qed": "QED"}
SHORT = {FINGERPRINTS: "fingerprints", RANDOM: "random"}
WIDTH = 100


def print_neighbours(found: NeighbourList) -> None:
    """List the neighbours of one molecule, and how far its 100 nearest are from it in four properties."""
    _print_index(found.library, found.index)
    _console().print(_neighbours(found.table, found.metric))
    n_listed = len(found.table) - 1
    if n_listed < found.k:
        print(f"{n_listed} of the {found.k} asked for: {_why_fewer(found.index)}")
    print(f"distance in a property of the mean of the {found.evaluation.k} nearest from the query:")
    for method, deltas in found.evaluation.deltas.items():
        values = "  ".join(f"{NAMES[name]} {deltas[0, i]:.{DIGITS[name]}f}" for i, name in enumerate(PROPERTIES))
        print(f"  {_method(method):24s} {values}")
    _warn_of_few(found.evaluation.k, len(found.library))


def print_comparison(found: NeighbourComparison) -> None:
    """Compare embeddings, fingerprints and chance over many queries."""
    _print_index(found.library, found.index)
    evaluation = found.evaluation
    title = f"|mean over {evaluation.k} nearest - query|, {len(evaluation.queries)} queries"
    _console().print(_comparison(found.table, title))
    print("cosine, l1, l2: by embedding; fingerprints: by Tanimoto similarity; in brackets 95 % intervals")
    print("wins: share of queries where embeddings are nearer in the property than fingerprints, a tie is half a win")
    if evaluation.k < found.k:
        print(f"{evaluation.k} of the {found.k} neighbours asked for: {_why_fewer(found.index)}")
    _warn_of_few(evaluation.k, len(found.library))


def _print_index(library: Library, approximate: NeighbourIndex | None) -> None:
    """Say what is searched, and how well."""
    record = library.record
    left_out = record["n_read"] - record["n_molecules"]
    told = f"; {left_out:,} left out, with reasons: {library.folder / REJECTS}" if left_out else ""
    print(f"{record['n_molecules']:,} molecules, {record['n_components']} principal components", end=" ")
    print(f"({100 * record['explained_variance']:.1f} % of the variance): {library.folder}{told}")
    if approximate is not None and approximate.approximate is not None:
        found = approximate.approximate
        recall = f"{100 * found.recall:.1f} % of the true {K} nearest are found (measured on this library)"
        print(f"approximate: {found.n_probed} of {found.n_cells} cells searched, {recall}")


def _why_fewer(index: NeighbourIndex | None) -> str:
    where = "the library has" if index is None else "the cells that were searched have"
    return f"{where} no more molecules other than a query"


def _warn_of_few(k: int, n_library: int) -> None:
    if 2 * k >= n_library:
        print(f"{k} neighbours are most of {n_library:,} molecules: methods can hardly differ in their mean")


def _neighbours(table: pd.DataFrame, metric: str) -> Table:
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("rank", "cosine" if metric == "cosine" else metric, "Tanimoto", *NAMES.values()):
        shown.add_column(head, justify="right", no_wrap=True)
    shown.add_column("SMILES", overflow="fold")
    for row in table.to_dict("records"):
        near = 1 - row["distance"] if metric == "cosine" else row["distance"]
        values = [f"{row[name]:.{DIGITS[name]}f}" for name in PROPERTIES]
        rank = str(row["rank"]) if row["rank"] else "query"
        shown.add_row(rank, f"{near:.3f}", f"{row['tanimoto']:.2f}", *values, escape(row["smiles"]))
    return shown


def _comparison(merged: pd.DataFrame, title: str) -> Table:
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("", "method", "mean", "median", "wins"):
        shown.add_column(head, no_wrap=True)
    last = ""
    for row in merged.to_dict("records"):
        digits = DIGITS[row["property"]]
        cells = [
            f"{row[name]:.{digits}f} \\[{row[f'{name}_low']:.{digits}f}, {row[f'{name}_high']:.{digits}f}]"
            for name in ("mean", "median")
        ]
        wins = ""
        if pd.notna(row["win_rate"]):
            low, high = 100 * row["win_rate_low"], 100 * row["win_rate_high"]
            wins = f"{100 * row['win_rate']:.0f} % \\[{low:.0f}, {high:.0f}]"
        name = NAMES[row["property"]] if row["property"] != last else ""
        last = row["property"]
        shown.add_row(name, SHORT.get(row["method"], row["method"]), *cells, wins)
    return shown


def _method(name: str) -> str:
    return SHORT.get(name, f"embeddings, {name}")


def _console() -> Console:
    console = Console()
    return console if console.width <= WIDTH else Console(width=WIDTH)
