"""The quality of sets: counts, shares, undefined numbers, text."""

import math

import numpy as np
import pytest

from chemscale.base.errors import UserError
from chemscale.chem.alert_tables import Alert
from chemscale.chem.alerts import AlertSet
from chemscale.language.quality import assess

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
    assert few.n_valid == 40
    weights = [assess([chains[place]]).properties["mw"].mean for place in (0, 10, 20, 30)]
    assert few.properties["mw"].mean == pytest.approx(np.mean(weights))


def test_alerts_of_ones_own() -> None:
    assert assess(["CCO", "CC"], alerts=AlertSet([Alert("alcohol", "O-[H]")])).filter_reasons == {"alcohol": 1}


@pytest.mark.parametrize("reference", [None, REFERENCE])
def test_the_text_fits_a_terminal(reference: list[str] | None) -> None:
    text = str(assess(GENERATED * 3, reference, unique_at=(2,)))
    assert max(map(len, text.splitlines())) <= 80
    assert "0.7778  (21)" in text
    assert ("novel" in text) == (reference is not None)
    assert "ring of 8 atoms" in text
