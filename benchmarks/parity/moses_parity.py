"""Metrics of sets here and in the MOSES reference implementation on the same molecules; writes the golden file.

    export PYTHONPATH=peers/moses:benchmarks
    python benchmarks/parity/moses_parity.py REFERENCE GENERATED ... [--golden tests/golden/moses.json]

REFERENCE and GENERATED are molecule files; the first --molecules of each are taken. `benchmarks/moses_reference.py`
says how to get the peer. Prints every number of both; with --golden writes the peer's, and the molecules.
"""

import argparse
import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any

import rdkit
from rdkit import rdBase

from chemscale.chem.alert_tables import moses_alerts
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import resolve
from chemscale.language.quality import Quality, assess
from moses_reference import load_reference

ODD = ["[Na+].[Cl-]", "CC(=O)[O-].[Na+]", "[CH3]", "C1CCCCCCC1", "CI", "O=C1C=CC(=O)C=C1", "CC=O", "", "C1CC"]


def main() -> None:
    """Compute both, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reference")
    parser.add_argument("generated", nargs="+")
    parser.add_argument("--molecules", type=int, default=60)
    parser.add_argument("--golden", type=Path)
    options = parser.parse_args()
    generated = ODD + [text for source in options.generated for text in first(source, options.molecules)]
    generated += generated[20:30]
    reference = first(options.reference, 2 * options.molecules)
    reference += generated[10:20]
    theirs, ours = their_numbers(generated, reference), our_numbers(assess(generated, reference, unique_at=(100,)))
    for name, value in theirs.items():
        print(f"{name:12s} {value:.9f} {ours[name]:.9f}")
    if options.golden:
        about = "computed by benchmarks/parity/moses_parity.py with the MOSES reference implementation (commit"
        golden = {
            "about": f"{about} {COMMIT}), RDKit {rdkit.__version__}; molecules of MOSES' baseline samples (MIT)",
            "alerts_sha256": alerts_hash(),
            "metrics": theirs,
            "passes": their_verdicts(generated),
            "generated": generated,
            "reference": reference,
        }
        options.golden.write_text(json.dumps(golden, indent=1) + "\n")


def first(source: str, count: int) -> list[str]:
    """The first SMILES of a source."""
    return [text for _, text in islice(read_smiles(resolve(source)), count)]


def alerts_hash() -> str:
    """Of the names and SMARTS of MOSES' tables, as read from its checkout."""
    utils, _ = load_reference()
    alerts = moses_alerts(Path(utils.__file__).parent)
    return hashlib.sha256("\n".join(f"{alert.name} {alert.smarts}" for alert in alerts).encode()).hexdigest()


def their_verdicts(generated: list[str]) -> list[bool]:
    """What passes the reference's filters."""
    utils, _ = load_reference()
    return [bool(utils.mol_passes_filters(text)) for text in generated]


def their_numbers(generated: list[str], reference: list[str]) -> dict[str, float]:
    """The reference's metrics, by its names."""
    utils, metrics = load_reference()
    rdBase.DisableLog("rdApp.*")
    smiles = metrics.remove_invalid(generated)
    molecules, others = list(map(utils.get_mol, smiles)), list(map(utils.get_mol, reference))
    found: dict[str, Any] = {
        "valid": metrics.fraction_valid(generated),
        "unique": metrics.fraction_unique(smiles),
        "unique@100": metrics.fraction_unique(smiles, 100),
        "Novelty": metrics.novelty(molecules, list(map(utils.canonic_smiles, reference))),
        "IntDiv": metrics.internal_diversity(molecules),
        "IntDiv2": metrics.internal_diversity(molecules, p=2),
        "Filters": metrics.fraction_passes_filters(molecules),
        "SNN": metrics.SNNMetric()(gen=molecules, ref=others),
        "Frag": metrics.FragMetric()(gen=molecules, ref=others),
        "Scaf": metrics.ScafMetric()(gen=molecules, ref=others),
    }
    for name in ("logP", "SA", "QED", "weight"):
        found[name] = metrics.WassersteinMetric(getattr(utils, name))(gen=molecules, ref=others)
    return {name: float(value) for name, value in found.items()}


def our_numbers(quality: Quality) -> dict[str, float]:
    """The same numbers here."""
    distances = quality.property_distances
    return {
        "valid": quality.valid,
        "unique": quality.unique,
        "unique@100": quality.unique_at.get(100, float("nan")),
        "Novelty": quality.novel,
        "IntDiv": quality.internal_diversity,
        "IntDiv2": quality.internal_diversity_2,
        "Filters": quality.passes_filters,
        "SNN": quality.nearest_similarity,
        "Frag": quality.fragment_similarity,
        "Scaf": quality.scaffold_similarity,
        "logP": distances["logp"],
        "SA": distances["sa"],
        "QED": distances["qed"],
        "weight": distances["mw"],
    }


COMMIT = "dd7ed6ab"

if __name__ == "__main__":
    main()
