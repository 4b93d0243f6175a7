"""The quality of sets: counts, shares, undefined numbers, and molecules that come in blocks."""

import gc
import math
from types import FunctionType, ModuleType

import pandas as pd
import pytest
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.chem.alert_tables import Alert
from chemscale.chem.alerts import AlertSet
from chemscale.language.quality import QualityCollector, assess, molecule_table

GENERATED = ["CCO", "OCC", "CC(=O)Nc1ccc(O)cc1", "C1CC", "", "[Na+].[Cl-]", "[CH3]", "c1ccc2ccccc2c1", "C1CCCCCCC1"]
REFERENCE = ["C(C)O", "Cc1ccc2ccccc2c1", "CC(=O)Nc1ccccc1", "nonsense"]


def test_counts_and_shares() -> None:
    quality = assess(GENERATED, REFERENCE, unique_at=(2, 100))
    assert (quality.n_generated, quality.n_valid, quality.n_unique, quality.n_reference) == (9, 7, 6, 3)
    assert quality.valid == pytest.approx(7 / 9)
    assert quality.unique == pytest.approx(6 / 7)
    assert quality.unique_at == {2: 0.5}
    assert quality.novel == pytest.approx(5 / 6)
    assert quality.passes_filters == pytest.approx(5 / 7)
    assert quality.filter_reasons == {"charged Cl": 1, "ring of 8 atoms": 1} or quality.filter_reasons == {
        "charged Na": 1,
        "ring of 8 atoms": 1,
    }
    assert quality.scaffold_similarity == pytest.approx(1)


def test_a_set_is_like_itself() -> None:
    quality = assess(REFERENCE, REFERENCE)
    assert quality.novel == 0
    assert quality.nearest_similarity == pytest.approx(1)
    assert quality.fragment_similarity == pytest.approx(1)
    assert max(quality.property_distances.values()) == pytest.approx(0, abs=1e-12)


def test_without_reference_what_needs_one_is_nan() -> None:
    quality = assess(["CCO"])
    assert all(map(math.isnan, (quality.novel, quality.nearest_similarity, quality.property_distances["qed"])))
    assert quality.internal_diversity == 0
    assert quality.properties["mw"].mean == pytest.approx(46.07, abs=0.01)


def test_nothing_valid_is_nan_but_never_an_error() -> None:
    quality = assess(["", "C1CC"], REFERENCE)
    assert quality.valid == 0
    assert all(map(math.isnan, (quality.unique, quality.novel, quality.passes_filters, quality.internal_diversity)))
    assert math.isnan(quality.properties["logp"].median)
    assert "-" in str(quality)


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(UserError, match="nothing was generated"):
        assess([])
    with pytest.raises(UserError, match="reference: none of its 1"):
        assess(["C"], ["nonsense"])


def test_at_most_so_many_are_compared() -> None:
    chains = ["C" * length for length in range(1, 41)]
    few = assess(chains, ["CC"], compared=4)
    assert (few.n_valid, few.n_unique, few.n_compared) == (40, 40, 4)
    weights = {round(assess([chain]).properties["mw"].mean, 6) for chain in chains}
    assert round(assess(chains, compared=1).properties["mw"].mean, 6) in weights
    assert few == assess(chains, ["CC"], compared=4)  # the same sample each time
    assert few.properties["mw"] != assess(chains, compared=None).properties["mw"]


def test_alerts_of_ones_own() -> None:
    assert assess(["CCO", "CC"], alerts=AlertSet([Alert("alcohol", "O-[H]")])).filter_reasons == {"alcohol": 1}


@pytest.mark.parametrize("compared", [None, 3])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_blocks_change_no_number(size: int, compared: int | None) -> None:
    texts = GENERATED * 3
    collector = QualityCollector(iter(REFERENCE), unique_at=(2, 5, 100), compared=compared)
    parts = [collector.add(texts[start : start + size]) for start in range(0, len(texts), size)]
    assert collector.result() == assess(texts, REFERENCE, unique_at=(2, 5, 100), compared=compared)
    table = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(table, molecule_table(texts), check_dtype=False)
    assert table["duplicate"].sum() == 3 * 7 - 6


def test_a_result_can_be_asked_for_on_the_way() -> None:
    collector = QualityCollector()
    with pytest.raises(UserError, match="nothing was generated"):
        collector.result()
    collector.add(["CCO"])
    assert collector.result() == assess(["CCO"])
    collector.add(["[Na+]"])
    assert collector.result().n_valid == 2
    assert collector.result() == collector.result()


def test_no_molecule_is_kept() -> None:
    collector = QualityCollector(REFERENCE, compared=3)
    collector.add(GENERATED)
    first = kept_by(collector)
    for _ in range(20):
        collector.add(GENERATED)
    assert not any(isinstance(one, Chem.Mol) for one in first)
    assert len(kept_by(collector)) <= len(first) + 5


def kept_by(root: object) -> list[object]:
    """Everything that an object holds on to, types and modules aside."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) not in found and not isinstance(one, type | ModuleType | FunctionType):
            found[id(one)] = one
            waiting += gc.get_referents(one)
    return list(found.values())
