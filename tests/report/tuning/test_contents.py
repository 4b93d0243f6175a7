"""What a report of a tuning refuses."""

import math
from dataclasses import replace
from typing import Any

import pytest

from chemscale.base.errors import DataError
from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.tpe import Decision


def test_the_saved_share_is_what_was_not_spent() -> None:
    assert Saving("steps", 30, 120).saved == pytest.approx(0.75)
    assert Saving("seconds", 150, 120).saved == pytest.approx(-0.25)


@pytest.mark.parametrize(("spent", "full"), [(-1, 10), (5, 0), (math.nan, 10), (5, math.inf)])
def test_a_saving_without_sense_is_refused(spent: float, full: float) -> None:
    with pytest.raises(DataError, match="saving of FLOPs"):
        Saving("FLOPs", spent, full)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("decisions", (Decision("nobody", "stop", 0.2, 1.0, "place 9"),)),
        ("calibration_runs", frozenset({"nobody"})),
        ("best", "nobody"),
        ("tied", ("nobody",)),
        ("cooled", {"nobody": 1.0}),
    ],
)
def test_a_run_without_a_curve_is_named(replayed: TuningReport, part: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"{part} names the run `nobody`"):
        replace(replayed, **{part: value})


def test_curves_are_needed_and_their_names_differ(replayed: TuningReport) -> None:
    with pytest.raises(DataError, match="no curves"):
        TuningReport(title="x", curves=(), total_epochs=10)
    with pytest.raises(DataError, match=r"two curves are named `run-0\.0001-16-0`"):
        TuningReport(title="x", curves=[replayed.curves[0]] * 2, total_epochs=10)
    with pytest.raises(DataError, match="total_epochs is 0"):
        TuningReport(title="x", curves=replayed.curves, total_epochs=0)
