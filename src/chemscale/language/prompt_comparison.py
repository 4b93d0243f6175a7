"""Molecules generated from a prompt, beside the molecule that the prompt was taken from: what is kept, what changes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.chem.alerts import AlertSet
from chemscale.chem.distributions import Spread, spread_of
from chemscale.chem.fingerprints import morgan_fingerprints, tanimoto
from chemscale.chem.molecule_set import read_set
from chemscale.chem.moses_filters import judge_all
from chemscale.chem.properties import PROPERTIES, property_table
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.chem.set_metrics import share
from chemscale.chem.smiles import parse_smiles
from chemscale.language.quality_text import comparison_text


@dataclass(frozen=True)
class PromptComparison:
    """What was generated from a prompt, beside the molecule that the prompt was taken from.

    Attributes:
        reference: canonical SMILES of that molecule.
        scaffold: its Bemis-Murcko scaffold; "" where it has no ring, and then both shares of scaffolds are NaN.
        n_generated: texts.
        n_valid: of them molecules.
        n_unique: different molecules.
        identical: share that is the reference itself.
        passes_filters: share that passes the filters of MOSES.
        same_scaffold: share whose Bemis-Murcko scaffold is the reference's.
        contains_scaffold: share in which the reference's scaffold is a substructure, stereo marks aside.
        differences: each molecule's property minus the reference's: mean, median, quartiles.
        similarity: Tanimoto similarity to the reference: mean, median, quartiles.
        nearest_similarity: similarity of the most similar molecule, the reference itself aside.
    """

    reference: str
    scaffold: str
    n_generated: int
    n_valid: int
    n_unique: int
    identical: float
    passes_filters: float
    same_scaffold: float
    contains_scaffold: float
    differences: Mapping[str, Spread]
    similarity: Spread
    nearest_similarity: float

    def __str__(self) -> str:
        """A table for a terminal of 80 columns."""
        return comparison_text(self)


def compare_with(reference_molecule: str, generated: Sequence[str], alerts: AlertSet | None = None) -> PromptComparison:
    """Compare what was generated from a prompt with the molecule that the prompt was taken from.

    Args:
        reference_molecule: its SMILES.
        generated: SMILES as the model wrote them.
        alerts: alerts in place of MOSES' MCF and PAINS.

    Raises:
        MoleculeError: the reference is no molecule.
        UserError: nothing was generated at all.
    """
    if not len(generated):
        raise UserError("nothing was generated: give at least one SMILES, valid or not.")
    reference = parse_smiles(reference_molecule)
    name, scaffold = str(Chem.MolToSmiles(reference)), murcko_scaffold(reference)
    found = read_set(generated)
    molecules, total = found.valid, len(found.valid)
    similarity = tanimoto(morgan_fingerprints(molecules), morgan_fingerprints([reference]))[:, 0]
    others = [value for value, text in zip(similarity, found.valid_smiles, strict=True) if text != name]
    query = Chem.MolFromSmiles(scaffold) if scaffold else None
    same = sum(murcko_scaffold(molecule) == scaffold for molecule in molecules)
    changes = property_table(molecules) - property_table([reference])
    return PromptComparison(
        reference=name,
        scaffold=scaffold,
        n_generated=len(generated),
        n_valid=total,
        n_unique=len(set(found.valid_smiles)),
        identical=share(total - len(others), total),
        passes_filters=share(sum(verdict.passes for verdict in judge_all(molecules, alerts)), total),
        same_scaffold=share(same, total) if scaffold else math.nan,
        contains_scaffold=share(sum(m.HasSubstructMatch(query) for m in molecules), total) if query else math.nan,
        differences={name: spread_of(changes[:, column]) for column, name in enumerate(PROPERTIES)},
        similarity=spread_of(similarity),
        nearest_similarity=max(others, default=math.nan),
    )
