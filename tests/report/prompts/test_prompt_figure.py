"""Means over molecules, the figure and the text of a sweep, from a table that is made by hand."""

from pathlib import Path

import pandas as pd
import pytest

from chemscale.report.prompts.folder import pass_table, write_sweep
from chemscale.report.prompts.summary import length_label, summarise


@pytest.fixture
def table() -> pd.DataFrame:
    rows = []
    for model, size in (("small", 77_600), ("large", 4_749_568)):
        for strategy, values in (("top_k", (5, 50)), ("beams", (2, 5))):
            for value in values:
                for length in (5, -3):
                    for molecule in range(3):
                        share = 0.1 * molecule + (0.5 if size > 1e6 else 0.2)
                        rows.append((model, size, strategy, strategy, value, length, molecule, share, -10.0 * molecule))
    columns = [
        "model",
        "n_parameters",
        "strategy",
        "vary",
        "value",
        "prompt_length",
        "molecule",
        "passes_filters",
        "delta_mw",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(unique=1.0, contains_scaffold=[float("nan"), 0.5, 1.0] * (len(frame) // 3), similarity=0.3)


def test_means_and_standard_errors_are_over_molecules(table: pd.DataFrame) -> None:
    summary = summarise(table)
    assert len(summary) == 16
    first = summary.iloc[0]
    assert first["passes_filters"] == pytest.approx(0.3)
    assert first["passes_filters_error"] == pytest.approx(0.1 / 3**0.5)
    assert first["delta_mw"] == pytest.approx(-10)
    assert first["contains_scaffold"] == pytest.approx(0.75), "a molecule without rings does not count"


def test_a_folder_has_tables_and_a_figure_with_both_models(table: pd.DataFrame, tmp_path: Path) -> None:
    folder = write_sweep(table, "Prompts", tmp_path / "sweep")
    assert len(pd.read_csv(tmp_path / "sweep" / "table.csv")) == len(table)
    assert len(pd.read_csv(tmp_path / "sweep" / "summary.csv")) == 16
    svg = (tmp_path / "sweep" / "figures" / "prompts.svg").read_text()
    for words in ("4.75M parameters", "77.6k parameters", "5 tokens", "all but 3", "beam search", "passes the filters"):
        assert words in svg
    assert (tmp_path / "sweep" / "figures" / "prompts.png").stat().st_size > 10_000
    assert "prompts.svg" in str(folder)


def test_the_text_fits_a_terminal(table: pd.DataFrame) -> None:
    text = pass_table(summarise(table))
    assert max(map(len, text.splitlines())) <= 80
    assert "60.0 (  -10.0)" in text and "30.0 (  -10.0)" in text


def test_lengths_have_names() -> None:
    assert [length_label(length) for length in (5, -3)] == ["5 tokens", "all but 3"]


def test_strategies_with_names_and_models_of_one_size_stay_apart(table: pd.DataFrame, tmp_path: Path) -> None:
    named = table.assign(strategy=table["strategy"] + " at T 0.5", n_parameters=1000)
    write_sweep(pd.concat([table.assign(n_parameters=1000), named]), "Prompts", tmp_path / "sweep")
    svg = (tmp_path / "sweep" / "figures" / "prompts.svg").read_text()
    for words in ("top_k at T 0.5", "top-k: tokens to draw from", "small", "large"):
        assert words in svg
    assert len(pd.read_csv(tmp_path / "sweep" / "summary.csv")) == 32
