"""What the comparison of families holds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import DataError
from chemscale.report.contents import StudyReport
from chemscale.report.families.contents import compare_families

Maker = Callable[..., tuple[pd.DataFrame, pd.DataFrame]]
FAMILIES = ("schnet", "painn", "allegro", "spookynet")
BETAS = {"schnet": 0.17, "painn": 0.26, "allegro": 0.23, "spookynet": 0.21}


def study_of(table: pd.DataFrame, **changes: object) -> StudyReport:
    units = {"loss_unit": "eV/Å", "data_unit": "frames", "model_size": "capacity"} | changes
    return StudyReport(title="Force fields", table=table, **units)  # type: ignore[arg-type]


def test_families_are_compared_at_the_published_capacity_beside_published_exponents(families_study: Maker) -> None:
    table, _ = families_study(noise=0.005)
    numbers = compare_families(study_of(table), FAMILIES, split="formulas")
    assert numbers.laws.size == 64
    assert numbers.families == list(FAMILIES)
    for family, fit in numbers.laws.fits.items():
        assert fit.law is not None
        assert fit.law.beta == pytest.approx(BETAS[family], abs=0.01)
    assert {family: one.beta for family, one in numbers.published.items()} == {
        "schnet": 0.17,
        "painn": 0.26,
        "allegro": 0.23,
    }
    assert numbers.validation == "held-out formulas" and numbers.time == "cpu_seconds"
    assert len(numbers.correlations) == 2 * len(FAMILIES) * 5


def test_both_losses_of_a_run_are_compared_where_something_was_held_out(families_study: Maker) -> None:
    table, _ = families_study()
    numbers = compare_families(study_of(table), FAMILIES, split="formulas")
    assert numbers.ratio is not None and numbers.seen is not None and numbers.held_out is not None
    assert (numbers.held_out.loss, numbers.seen.loss) == ("validation_loss", "seen_loss")
    for fit in numbers.ratio.fits.values():
        assert fit.law is not None
        assert fit.law.beta == pytest.approx(-0.06, abs=1e-6)
    errors = compare_families(study_of(table.drop(columns="seen_loss")), FAMILIES, split="molecules")
    assert errors.seen is not None and errors.seen.loss == "seen_force_mae"


@pytest.mark.parametrize("split", ["random", "official01", ""])
def test_without_anything_held_out_there_is_one_loss(families_study: Maker, split: str) -> None:
    table, _ = families_study()
    assert compare_families(study_of(table), FAMILIES, split=split).seen is None


def test_published_exponents_stand_beside_no_other_loss(families_study: Maker) -> None:
    table, _ = families_study()
    assert compare_families(study_of(table, loss_unit="nats per token"), FAMILIES).published == {}


def test_wall_time_is_taken_where_processor_time_is_not_known(families_study: Maker) -> None:
    table, _ = families_study()
    table.loc[5, "cpu_seconds"] = np.nan
    numbers = compare_families(study_of(table), FAMILIES)
    assert numbers.time == "seconds"
    assert set(numbers.correlations["x"]) == {"capacity", "seconds"}


def test_a_table_without_sizes_is_refused(families_study: Maker) -> None:
    table, _ = families_study()
    with pytest.raises(DataError, match="no column 'capacity'"):
        compare_families(study_of(table.drop(columns="capacity")), FAMILIES)
