"""The fits in the terminal."""

import io
from collections.abc import Callable

import pandas as pd
from rich.console import Console

from chemscale.report.contents import StudyReport
from chemscale.report.terminal import print_law
from chemscale.scaling import fit_by_group

StudyMaker = Callable[..., StudyReport]


def printed(fits: list, width: int = 140) -> str:  # type: ignore[type-arg]
    stream = io.StringIO()
    print_law(fits, Console(file=stream, width=width))
    return stream.getvalue()


def test_every_group_has_its_law_interval_and_range(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    text = printed(list(study.fits))
    assert "R = non-embedding parameters, per" in text and "R = training molecules, per" in text
    for fit in study.fits:
        assert fit.law is not None
        low, high = fit.law.intervals["beta"]
        assert f"{fit.law.beta:.3f} ± {fit.law.standard_errors['beta']:.3f}" in text
        assert f"[{low:.3f}, {high:.3f}]" in text
    assert "95 % interval" in text and "4 of 4" in text
    assert "Not used: chemgpt-w16-n1000-s1 (failed)." in text


def test_one_remark_names_all_its_groups(made_up_study: StudyMaker) -> None:
    assert "1k, 3k, 10k: Only 4 points" in printed(list(made_up_study(bad=False).fits))


def test_a_missing_law_has_its_reason() -> None:
    table = pd.DataFrame({"n_parameters": [1, 2], "loss": [2.0, 1.0]})
    text = printed(fit_by_group(table, "n_parameters", "loss"))
    assert "no law" in text and "at least 3 different sizes, got 2" in text
    assert "No law was fitted" in printed([])
