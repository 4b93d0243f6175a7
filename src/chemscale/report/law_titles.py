"""What the axes of a law's figures are called."""

from collections.abc import Mapping
from dataclasses import dataclass

from chemscale.report.axes import title_of
from chemscale.scaling.law_fit import LawFit

_PLAIN = {"parameters": "model parameters N", "data": "data points D"}
_LETTERS = {"alpha": "α", "beta": "β"}
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class LawTitles:
    """Axis titles.

    Attributes:
        inputs: of the law's inputs, in their order.
        loss: of the loss.
    """

    inputs: tuple[str, ...]
    loss: str = "loss"


def law_titles(
    fit: LawFit,
    columns: Mapping[str, str] | None = None,
    loss: str = "loss",
    data_unit: str = "molecules",
    loss_unit: str = "",
) -> LawTitles:
    """Titles from the names of the columns that were fitted.

    Args:
        fit: the fit.
        columns: input of the law -> the column it came from; inputs without one keep their plain name.
        loss: column of the loss.
        data_unit: unit of data sizes.
        loss_unit: unit of the loss.
    """
    named = columns or {}
    inputs = tuple(
        title_of(named[name], data_unit) if name in named else _PLAIN.get(name, name) for name in fit.law.inputs
    )
    return LawTitles(inputs, title_of(loss, data_unit, loss_unit))


def column_titles(fit: LawFit, columns: Mapping[str, str], loss: str) -> LawTitles:
    """The columns themselves as titles: what they mean is known for studies alone.

    Args:
        fit: the fit.
        columns: input of the law -> the column it came from.
        loss: column of the loss.
    """
    return LawTitles(tuple(columns.get(name, name) for name in fit.law.inputs), loss)


def symbol_of(parameter: str) -> str:
    """A parameter's name as it is written: alpha -> α, beta_2 -> β₂, N_c -> N_c."""
    letter, _, index = parameter.partition("_")
    letter = _LETTERS.get(letter, letter)
    if not index:
        return letter
    return letter + index.translate(_LOWERED) if index.isdigit() else f"{letter}_{index}"


def formula_of(text: str) -> str:
    """A law's formula as it is written: Greek letters for their names."""
    for name, letter in _LETTERS.items():
        text = text.replace(name, letter)
    return text.replace("^-", "^−")
