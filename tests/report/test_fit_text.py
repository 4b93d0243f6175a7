"""What `fit` prints: every number at every width, groups by their names."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from chemscale.base.seeds import stream
from chemscale.report.fit_text import print_fits
from chemscale.scaling.solver.clusters import SharedNoise
from chemscale.scaling.table_fit import TableColumns, TableEntry, TableFit, fit_table


def printed(found: TableFit, width: int = 80) -> str:
    out = io.StringIO()
    print_fits([found], {}, Console(file=out, width=width))
    return out.getvalue()


def power_table(groups: list[object]) -> pd.DataFrame:
    sizes = np.geomspace(1e4, 1e7, 6)
    scatter = stream(31, "text").standard_normal((len(groups), 6))
    parts = [
        pd.DataFrame({"n": sizes, "loss": 9 * sizes**-0.123 * np.exp(0.01 * row), "which": [group] * 6})
        for group, row in zip(groups, scatter, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def power_fits(groups: list[object]) -> TableFit:
    return fit_table(power_table(groups), TableColumns(x="n", y="loss", group="which"))


def joint_fits(group: bool) -> TableFit:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e8, 1e10, 5)))
    noise = np.exp(0.01 * stream(32, "joint text").standard_normal(25))
    table = pd.DataFrame({"N": size, "D": data, "loss": (1.8 + 478 * size**-0.35 + 2143 * data**-0.37) * noise})
    both = pd.concat([table.assign(who="a_rather_long_name_of_an_experiment"), table.assign(who="b")])
    columns = TableColumns(parameters="N", data="D", y="loss")
    return fit_table(both, replace(columns, group="who")) if group else fit_table(table, columns)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("joint", [True, False])
def test_no_number_is_lost_at_any_width(width: int, joint: bool) -> None:
    found = joint_fits(group=True) if joint else power_fits([100, 6400])
    text = printed(found, width)
    assert "\u2026" not in text
    for entry in found.entries:
        assert entry.fit is not None
        for name, (low, high) in entry.fit.intervals.items():
            assert any(f"[{low:.{digits}g}, {high:.{digits}g}]" in text for digits in (3, 4)), name


def test_a_narrow_screen_has_intervals_below_and_a_narrower_one_blocks() -> None:
    found = power_fits([100, 6400])
    wide, narrow, narrower = (printed(found, width) for width in (120, 72, 50))
    assert "beta, 95 % interval" in wide
    assert "beta, 95 % interval" not in narrow and "which = " not in narrow and narrow.count("95 % interval") == 2
    assert "which = 100: R\u00b2" in narrower and "which = 6.4k: R\u00b2" in narrower


def test_groups_have_labels_that_tell_them_apart_and_no_markup() -> None:
    for width in (200, 50):
        text = printed(power_fits([1234000, 1234400]), width)
        assert "1.234M" in text and "1.2344M" in text
        text = printed(power_fits(["[red]b", "[/]"]), width)
        assert "[red]b" in text and "[/]" in text


def test_a_column_may_be_called_like_markup() -> None:
    table = power_table([1, 2]).rename(columns={"which": "[bold]"})
    assert "[bold]" in printed(fit_table(table, TableColumns(x="n", y="loss", group="[bold]")), 200)


def test_rows_without_a_group_have_a_name_and_groups_without_a_law_a_reason() -> None:
    found = power_fits([100, 6400])
    more = replace(found, entries=(*found.entries, TableEntry(None, None, "which is empty", 2, ())))
    for width in (200, 50):
        assert "no law" in printed(more, width) and "(no value): which is empty" in printed(more, width)


def test_noise_is_said_with_its_parts() -> None:
    found = joint_fits(group=False)
    fit = replace(found.entries[0].fit, noise=0.008, shared_noise=SharedNoise("data", 5, shared=0.0024, own=0.0077))
    text = printed(replace(found, entries=(replace(found.entries[0], fit=fit),)), 200)
    assert "noise 0.8 % (own 0.77 %, shared by runs of equal data 0.24 %), converged" in text


def test_a_score_is_no_loss_and_its_noise_no_percentage() -> None:
    sizes = np.geomspace(1e2, 1e5, 7)
    table = pd.DataFrame({"n": sizes, "auc": 0.5 * sizes**0.04 + 0.01 * stream(33, "auc").standard_normal(7)})
    text = printed(fit_table(table, TableColumns(x="n", y="auc"), "increasing"), 120)
    assert "S = auc, R = n" in text
    assert re.search(r"noise 0\.\d+, converged", text)
