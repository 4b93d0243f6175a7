"""The neighbours of one query as a table."""

import numpy as np
import pandas as pd

from chemscale.chem.fingerprints import morgan_fingerprints, tanimoto
from chemscale.chem.properties import PROPERTIES, property_table
from chemscale.chem.smiles import parse_smiles
from chemscale.language.nearest.library import Found, Library


def neighbour_table(library: Library, query: str, found: Found) -> pd.DataFrame:
    """The query, as rank 0, and its neighbours.

    Columns: rank, distance, tanimoto (to the query), logp, sa, mw (g/mol), qed, line (of the library's file; 0 for the
    query), smiles.

    Args:
        library: that was searched.
        query: canonical SMILES.
        found: rows and distances, as `Library.by_embedding` gives them for one query.
    """
    rows, distances = found
    smiles = [query, *(library.smiles[int(row)] for row in rows)]
    molecules = [parse_smiles(text) for text in smiles]
    fingerprints = morgan_fingerprints(molecules)
    table = pd.DataFrame(
        {
            "rank": np.arange(len(smiles)),
            "distance": [0.0, *distances],
            "tanimoto": tanimoto(fingerprints[:1], fingerprints)[0],
        }
    )
    table[list(PROPERTIES)] = property_table(molecules)
    table["line"] = [0, *library.lines[rows]]
    table["smiles"] = smiles
    return table
