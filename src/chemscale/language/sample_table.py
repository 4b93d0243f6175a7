"""Generated molecules one by one: validity, filters, properties and scaffolds as columns of a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from chemscale.chem.alerts import AlertSet
from chemscale.chem.molecule_set import read_set
from chemscale.chem.moses_filters import judge_all
from chemscale.chem.properties import PROPERTIES, property_table
from chemscale.chem.scaffolds import murcko_scaffold


def molecule_table(smiles: Sequence[str], alerts: AlertSet | None = None) -> pd.DataFrame:
    """One row for each text, in order.

    Returns:
        Columns `smiles` (canonical; "" if invalid), `valid`, `duplicate` (the same molecule stands above),
        `passes_filters`, `filter_reason` (see `chem.moses_filters.Verdict`), `logp`, `sa`, `mw` in g/mol, `qed` (NaN
        if invalid) and `scaffold` ("" if invalid or without rings).
    """
    found = read_set(smiles)
    verdicts = judge_all(found.molecules, alerts)
    table = pd.DataFrame(
        {
            "smiles": found.smiles,
            "valid": [molecule is not None for molecule in found.molecules],
            "duplicate": found.repeated(),
            "passes_filters": [verdict.passes for verdict in verdicts],
            "filter_reason": [verdict.reason for verdict in verdicts],
        }
    )
    values = np.full((len(found.molecules), len(PROPERTIES)), np.nan)
    values[table["valid"].to_numpy(dtype=bool)] = property_table(found.valid)
    for column, name in enumerate(PROPERTIES):
        table[name] = values[:, column]
    table["scaffold"] = ["" if molecule is None else murcko_scaffold(molecule) for molecule in found.molecules]
    return table
