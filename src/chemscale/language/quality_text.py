"""The quality of generated molecules as text for a terminal of 80 columns."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chemscale.chem.distributions import Spread
from chemscale.chem.properties import DIGITS, TITLES

if TYPE_CHECKING:
    from chemscale.language.prompt_comparison import PromptComparison
    from chemscale.language.quality import Quality

WIDTH = 80
_REASONS_SHOWN = 5


def quality_text(quality: "Quality") -> str:
    """Counts and shares, then the numbers against the reference, then one line a property."""
    rows = [
        ("generated", f"{quality.n_generated:,}"),
        ("valid", f"{_number(quality.valid)}  ({quality.n_valid:,})"),
        ("unique", f"{_number(quality.unique)}  ({quality.n_unique:,})"),
        *((f"unique of the first {first:,}", _number(value)) for first, value in quality.unique_at.items()),
        ("passes the filters of MOSES", _number(quality.passes_filters)),
        *_reason_rows(quality.filter_reasons),
        ("internal diversity", _number(quality.internal_diversity)),
        ("internal diversity 2", _number(quality.internal_diversity_2)),
    ]
    if quality.n_reference:
        rows += [
            ("novel", _number(quality.novel)),
            ("similarity to the nearest in the reference", _number(quality.nearest_similarity)),
            ("fragments like the reference's", _number(quality.fragment_similarity)),
            ("scaffolds like the reference's", _number(quality.scaffold_similarity)),
        ]
    distances = quality.property_distances if quality.n_reference else {}
    return "\n".join([*_columns(rows), "", *_spread_lines(quality.properties, distances)])


def comparison_text(comparison: "PromptComparison") -> str:
    """Counts and shares, then how the properties differ from the reference's."""
    rows = [
        ("generated", f"{comparison.n_generated:,}"),
        ("valid", f"{comparison.n_valid:,}"),
        ("different molecules", f"{comparison.n_unique:,}"),
        ("the reference itself", _number(comparison.identical)),
        ("passes the filters of MOSES", _number(comparison.passes_filters)),
        ("same scaffold", _number(comparison.same_scaffold)),
        ("contains the scaffold", _number(comparison.contains_scaffold)),
        ("similarity, mean", _number(comparison.similarity.mean)),
        ("similarity of the nearest other", _number(comparison.nearest_similarity)),
    ]
    title = f"beside {comparison.reference}"
    short = title if len(title) <= WIDTH else title[: WIDTH - 3] + "..."
    return "\n".join([short, *_columns(rows), "", "minus the reference", *_spread_lines(comparison.differences, {})])


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}"[:WIDTH] for name, value in rows]


def _reason_rows(reasons: Mapping[str, int]) -> list[tuple[str, str]]:
    shown = list(reasons.items())[:_REASONS_SHOWN]
    rest = sum(reasons.values()) - sum(count for _, count in shown)
    lines = [(f"  not: {reason}", f"{count:,}") for reason, count in shown]
    return [*lines, ("  not: other reasons", f"{rest:,}")] if rest else lines


def _spread_lines(spreads: Mapping[str, Spread], distances: Mapping[str, float]) -> list[str]:
    heads = ["", "mean", "median", "quartiles", *(["distance"] if distances else [])]
    widths = [15, 9, 9, 20, 10]
    lines = [heads]
    for name, spread in spreads.items():
        digits = DIGITS[name]
        ends = f"{_number(spread.lower_quartile, digits)} to {_number(spread.upper_quartile, digits)}"
        line = [TITLES[name], _number(spread.mean, digits), _number(spread.median, digits), ends]
        lines.append([*line, _number(distances[name], digits + 1)] if distances else line)
    return [
        cells[0].ljust(widths[0])
        + "".join(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=False))
        for cells in lines
    ]


def _number(value: float, digits: int = 4) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
