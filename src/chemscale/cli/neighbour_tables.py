"""What `chemscale neighbours` prints: a library, the neighbours of a molecule, and a comparison of methods."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chemscale.base.files import write_atomically
from chemscale.chem.properties import PROPERTIES
from chemscale.language.nearest.deltas import FINGERPRINTS, RANDOM, K, evaluate_neighbours
from chemscale.language.nearest.exact import Metric
from chemscale.language.nearest.library import REJECTS, Library
from chemscale.language.nearest.listing import neighbour_table
from chemscale.language.nearest.vector_search import NeighbourIndex

NAMES = {"logp": "LogP", "sa": "SA", "mw": "MW", "qed": "QED"}
DIGITS = {"logp": 2, "sa": 2, "mw": 1, "qed": 3}
SHORT = {FINGERPRINTS: "fingerprints", RANDOM: "random"}
WIDTH = 100


def print_index(library: Library, approximate: NeighbourIndex | None) -> None:
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


def print_neighbours(
    library: Library, query: str, k: int, metric: Metric, index: NeighbourIndex | None, out: Path | None
) -> None:
    """List the neighbours of one molecule, and how far its 100 nearest are from it in four properties."""
    found = library.by_embedding([query], k, metric, index)[0]
    table = neighbour_table(library, query, found)
    _console().print(_neighbours(table, metric))
    evaluation = evaluate_neighbours(library, queries=[query], metrics=[metric], index=index)
    print(f"distance in a property of the mean of the {min(K, len(library))} nearest from the query:")
    for method, deltas in evaluation.deltas.items():
        values = "  ".join(f"{NAMES[name]} {deltas[0, i]:.{DIGITS[name]}f}" for i, name in enumerate(PROPERTIES))
        print(f"  {_method(method):24s} {values}")
    _save(table, out)


def print_comparison(
    library: Library,
    n_queries: int,
    metrics: Sequence[Metric],
    index: NeighbourIndex | None,
    seed: int,
    workers: int | None,
    out: Path | None,
) -> None:
    """Compare embeddings, fingerprints and chance over many queries."""
    evaluation = evaluate_neighbours(
        library, n_queries=n_queries, metrics=metrics, index=index, seed=seed, workers=workers
    )
    table, wins = evaluation.table(), evaluation.wins()
    merged = table.merge(wins, how="left", on=["property", "method", "n_queries"])
    merged = merged.rename(columns={"low": "win_rate_low", "high": "win_rate_high"})
    title = f"|mean over {evaluation.k} nearest - query|, {len(evaluation.queries)} queries"
    _console().print(_comparison(merged, title))
    print("cosine, l1, l2: by embedding; fingerprints: by Tanimoto similarity; in brackets 95 % intervals")
    print("wins: share of queries where embeddings are nearer in the property than fingerprints")
    _save(merged, out)


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


def _save(table: pd.DataFrame, out: Path | None) -> None:
    if out is not None:
        write_atomically(out, table.to_csv(index=False))
        print(f"table: {out}")


def _console() -> Console:
    console = Console()
    return console if console.width <= WIDTH else Console(width=WIDTH)
