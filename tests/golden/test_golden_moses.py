"""The numbers of the MOSES reference implementation on the same molecules, and those it published for its baselines.

moses.json is written by benchmarks/parity/moses_parity.py and changes only where the reference is run anew.
"""

import csv
import json
import lzma
import os
from pathlib import Path

import pytest

from chemscale.chem.fingerprints import morgan_fingerprints
from chemscale.chem.molecule_set import read_set
from chemscale.chem.moses_filters import judge_all
from chemscale.chem.set_metrics import internal_diversity
from chemscale.language.quality import Quality, assess

GOLDEN = json.loads(Path(__file__).with_name("moses.json").read_text())
NAMES = {
    "valid": lambda quality: quality.valid,
    "unique": lambda quality: quality.unique,
    "unique@100": lambda quality: quality.unique_at[100],
    "Novelty": lambda quality: quality.novel,
    "IntDiv": lambda quality: quality.internal_diversity,
    "IntDiv2": lambda quality: quality.internal_diversity_2,
    "Filters": lambda quality: quality.passes_filters,
    "SNN": lambda quality: quality.nearest_similarity,
    "Frag": lambda quality: quality.fragment_similarity,
    "Scaf": lambda quality: quality.scaffold_similarity,
    "logP": lambda quality: quality.property_distances["logp"],
    "SA": lambda quality: quality.property_distances["sa"],
    "QED": lambda quality: quality.property_distances["qed"],
    "weight": lambda quality: quality.property_distances["mw"],
}


@pytest.fixture(scope="module")
def quality() -> Quality:
    return assess(GOLDEN["generated"], GOLDEN["reference"], unique_at=(100,), compared=None)


@pytest.mark.parametrize("name", list(GOLDEN["metrics"]))
def test_a_metric_is_the_reference_implementations(quality: Quality, name: str) -> None:
    """It adds similarities in float32, so that the seventh digit can differ."""
    assert NAMES[name](quality) == pytest.approx(GOLDEN["metrics"][name], rel=1e-6)


@pytest.mark.data
@pytest.mark.parametrize("name", ["hmm", "ngram"])
def test_published_metrics_of_baselines(name: str) -> None:
    """Published with the RDKit of 2020. Fingerprints changed a little since: diversities differ by 1.2e-5."""
    folder = Path(os.environ.get("CHEMSCALE_DATA", "")) / "moses" / "baseline_samples"
    if not (folder / f"{name}_1.csv.xz").is_file():
        pytest.skip("needs moses/baseline_samples under CHEMSCALE_DATA")
    with (folder / f"metrics_{name}_1.csv").open() as stream:
        published = {row[0]: float(row[1]) for row in csv.reader(stream)}
    with lzma.open(folder / f"{name}_1.csv.xz", "rt") as stream:
        texts = stream.read().split("\n")[1:30_001]
    found = read_set(texts)
    passed = sum(verdict.passes for verdict in judge_all(found.valid))
    fingerprints = morgan_fingerprints(found.valid)
    measured = {
        "valid": len(found.valid) / len(texts),
        "unique@1000": len(set(found.valid_smiles[:1_000])) / 1_000,
        "unique@10000": len(set(found.valid_smiles[:10_000])) / 10_000,
        "Filters": passed / len(found.valid),
        "IntDiv": internal_diversity(fingerprints),
        "IntDiv2": internal_diversity(fingerprints, power=2),
    }
    assert measured == pytest.approx({key: published[key] for key in measured}, abs=3e-5)
