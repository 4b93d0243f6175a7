"""Everything that a sweep over prompts leaves, in one folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from chemscale.base.files import write_atomically
from chemscale.report.figure_file import write_figures
from chemscale.report.prompts.figure import sweep_figure
from chemscale.report.prompts.summary import length_label, strategy_title, summarise


@dataclass(frozen=True)
class SweepFolder:
    """Where things are: `table.csv` (a row for each prompt), `summary.csv` (means over molecules), `figures/`."""

    path: Path
    summary: pd.DataFrame

    def __str__(self) -> str:
        """The shares that pass the filters, in 80 columns, and where the rest is."""
        return f"{pass_table(self.summary)}\n\nfigure  {self.path / 'figures' / 'prompts.svg'}\ntables  {self.path}"


def write_sweep(table: pd.DataFrame, title: str, folder: Path) -> SweepFolder:
    """Write tables and figure of a sweep.

    Args:
        table: rows as `summarise` takes them.
        title: of the figure.
        folder: made if absent.
    """
    summary = summarise(table)
    write_atomically(folder / "table.csv", table.to_csv(index=False, float_format="%.5g"))
    write_atomically(folder / "summary.csv", summary.to_csv(index=False, float_format="%.5g"))
    figure = sweep_figure(summary, title, table["molecule"].nunique())
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    write_figures({"prompts": figure}, folder / "figures")
    return SweepFolder(folder, summary)


def pass_table(summary: pd.DataFrame) -> str:
    """A text table: percentage that passes the filters, with the change of weight behind it."""
    lengths = list(summary["prompt_length"].unique())
    lines = ["passes the filters, % (mean change of weight, g/mol), by prompt"]
    for (model, strategy, vary), part in summary.groupby(["model", "strategy", "vary"], sort=False):
        lines += ["", f"{model}: {strategy_title(str(strategy), str(vary))}"]
        lines.append(" " * 8 + "".join(f"{length_label(length):>17s}" for length in lengths))
        for value, row in part.groupby("value", sort=False):
            cells = row.set_index("prompt_length")
            shown = [f"{100 * cells.passes_filters[n]:5.1f} ({cells.delta_mw[n]:+7.1f})" for n in lengths]
            lines.append(f"{value:8g}" + "".join(f"{text:>17s}" for text in shown))
    return "\n".join(lines)
