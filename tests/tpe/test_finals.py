"""Converged losses from a table and from the ends of curves."""

import math
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.tpe import curve_of_steps, final_losses, read_final_losses


def test_a_table_of_final_losses(tmp_path: Path) -> None:
    path = tmp_path / "final.csv"
    path.write_text("run,lr,loss,final_loss\na,1,9,1.5\nb,1,9,nan\nc,1,9,\n")
    assert read_final_losses(path) == {"a": 1.5, "b": math.inf}
    assert read_final_losses(path, loss="loss") == {"a": 9, "b": 9, "c": 9}


@pytest.mark.parametrize(
    ("text", "named", "words"),
    [
        ("run,loss\na,1\na,2\n", {}, "run `a` has more than one row"),
        ("setting,loss\na,1\n", {}, "no run column found"),
        ("run,accuracy\na,1\n", {}, "no final loss column found"),
        ("run,loss\na,1\n", {"loss": "nll"}, "no column `nll`"),
        ("run,loss\na,x\n", {}, "line 2: `loss` is 'x'"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path: Path, text: str, named: dict[str, str], words: str) -> None:
    path = tmp_path / "final.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_final_losses(path, **named)


def test_ends_of_curves() -> None:
    whole = curve_of_steps("a", [5.0] * 95 + [1.0] * 5, steps_per_epoch=10)
    stopped = curve_of_steps("b", [5.0] * 50, steps_per_epoch=10)
    broken = curve_of_steps("c", [5.0, math.nan], steps_per_epoch=10)
    assert final_losses([whole, stopped, broken], 10) == {"a": 1.0, "c": math.inf}
    validated = curve_of_steps(
        "a", [5.0] * 100, steps_per_epoch=10, validation_epochs=[9, 10], validation_losses=[3, 2]
    )
    assert final_losses([validated, broken], 10) == {"a": 2.0, "c": math.inf}
