"""The page over the tunes of several families."""

import math
from pathlib import Path

from chemscale.report.tuning.family_page import FamilyTuneRow, FamilyTunesReport, write_family_tunes


def row(family: str, **changes: object) -> FamilyTuneRow:
    values: dict[str, object] = {
        "family": family,
        "best": {"training.learning_rate": 1e-3, "training.batch_size": 8},
        "loss": 0.04321,
        "n_runs": 15,
        "n_finished": 5,
        "n_tied": 1,
        "saved": 0.53,
        "r_squared": 0.91,
        "rho": 0.97,
    }
    return FamilyTuneRow(**(values | changes))  # type: ignore[arg-type]


def test_every_family_has_a_line_with_its_best_and_a_link(tmp_path: Path) -> None:
    rows = [row("schnet"), row("painn", loss=None, best={}, r_squared=None, rho=math.nan)]
    page = write_family_tunes(FamilyTunesReport("A <tune>", rows, loss_unit="eV/Å"), tmp_path)
    text = page.read_text().split("<script type")[0]
    assert page == tmp_path / "report.html"
    assert "A &lt;tune&gt;" in text and "2 families · 30 runs" in text
    assert "<a href='schnet/report.html'>" in text and "learning_rate 0.001, batch_size 8" in text
    assert "final loss (eV/Å)" in text and "<b>0.04321</b>" in text and "0.970" in text and "53 %" in text
    assert "none came to its end" in text and "nan" not in text
