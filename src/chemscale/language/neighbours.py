"""Molecules like a given one, found by what a trained ChemGPT says of them.

    library = open_library("runs/...", "library.smi")                 # built once, then reused
    query = canonical_query("CC(=O)Nc1ccc(O)cc1")
    rows, distances = library.by_embedding([query], k=10)[0]          # cosine of 100 principal components, exact
    print(evaluate_neighbours(library).wins())                        # against Morgan fingerprints, 100 queries

`NeighbourIndex` and `FingerprintIndex` search arrays of your own.
"""

from chemscale.language.nearest.deltas import NeighbourEvaluation, delta, evaluate_neighbours
from chemscale.language.nearest.exact import METRICS, Metric, nearest_vectors
from chemscale.language.nearest.fingerprint_search import FingerprintIndex
from chemscale.language.nearest.library import Library, canonical_query
from chemscale.language.nearest.library_folder import open_library
from chemscale.language.nearest.listing import neighbour_table
from chemscale.language.nearest.vector_search import N_COMPONENTS, NeighbourIndex

__all__ = [
    "METRICS",
    "N_COMPONENTS",
    "FingerprintIndex",
    "Library",
    "Metric",
    "NeighbourEvaluation",
    "NeighbourIndex",
    "canonical_query",
    "delta",
    "evaluate_neighbours",
    "nearest_vectors",
    "neighbour_table",
    "open_library",
]
