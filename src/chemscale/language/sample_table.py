"""Generated molecules one by one: validity, filters, properties and scaffolds as columns of a table."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd
from rdkit import Chem, rdBase

from chemscale.chem.alerts import AlertSet
from chemscale.chem.molecule_set import read_or_none
from chemscale.chem.moses_filters import judge
from chemscale.chem.properties import PROPERTIES, properties_of
from chemscale.chem.scaffolds import murcko_scaffold


class Verdicts(NamedTuple):
    """What is said of one text; the columns of `molecule_table` but for `duplicate` and with properties as one.

    Attributes:
        smiles: canonical; "" if invalid.
        valid: whether it is a molecule.
        passes_filters: those of MOSES.
        filter_reason: see `chem.moses_filters.Verdict`.
        properties: values of `chem.properties.PROPERTIES`; NaN if invalid.
        scaffold: "" if invalid or without rings.
    """

    smiles: str
    valid: bool
    passes_filters: bool
    filter_reason: str
    properties: tuple[float, ...]
    scaffold: str


def molecule_table(smiles: Sequence[str], alerts: AlertSet | None = None) -> pd.DataFrame:
    """One row for each text, in order.

    Returns:
        Columns `smiles` (canonical; "" if invalid), `valid`, `duplicate` (the same molecule stands above),
        `passes_filters`, `filter_reason` (see `chem.moses_filters.Verdict`), `logp`, `sa`, `mw` in g/mol, `qed` (NaN
        if invalid) and `scaffold` ("" if invalid or without rings).
    """
    rows = [verdicts for _, verdicts in judged(smiles, alerts)]
    repeated = pd.Series([row.smiles for row in rows], dtype=object).duplicated()
    return sample_frame(rows, [row.valid and bool(again) for row, again in zip(rows, repeated, strict=True)])


def judged(texts: Sequence[str], alerts: AlertSet | None = None) -> Iterator[tuple[Chem.Mol | None, Verdicts]]:
    """Each text as a molecule, None where it is none, and what is said of it; one molecule in memory at a time."""
    for text in texts:
        with rdBase.BlockLogs():
            molecule = read_or_none(text)
        verdict = judge(molecule, alerts)
        if molecule is None:
            yield None, Verdicts("", False, *verdict, (math.nan,) * len(PROPERTIES), "")
            continue
        smiles = str(Chem.MolToSmiles(molecule))
        yield molecule, Verdicts(smiles, True, *verdict, properties_of(molecule), murcko_scaffold(molecule))


def sample_frame(rows: Sequence[Verdicts], duplicate: Sequence[bool]) -> pd.DataFrame:
    """The table of `molecule_table` from its rows, and whether the molecule of each was there before [n_rows]."""
    table = pd.DataFrame(
        {
            "smiles": [row.smiles for row in rows],
            "valid": [row.valid for row in rows],
            "duplicate": list(duplicate),
            "passes_filters": [row.passes_filters for row in rows],
            "filter_reason": [row.filter_reason for row in rows],
        }
    )
    for column, name in enumerate(PROPERTIES):
        table[name] = [row.properties[column] for row in rows]
    table["scaffold"] = [row.scaffold for row in rows]
    return table
