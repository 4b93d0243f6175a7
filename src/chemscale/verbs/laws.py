"""The verbs about laws: fit tables of runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.errors import FitError
from chemscale.scaling.cells import cells_of_points
from chemscale.scaling.fitting import fit_cells
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import PowerLaw, Range
from chemscale.scaling.prediction.compare import Comparison, compare_laws
from chemscale.scaling.prediction.forecast import Forecast, forecast
from chemscale.scaling.selftest import SelfTest
from chemscale.scaling.selftest import selftest as run_selftest
from chemscale.scaling.table_file import read_table
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table

STUDY_LOSS, STUDY_MODEL, STUDY_DATA = "validation_loss", "n_parameters", "data_points"


@dataclass(frozen=True)
class Fits:
    """Every law that was fitted, and what could not be.

    Attributes:
        tables: one per law asked for; a study without further wishes gives up to three.
        problems: law -> why it could not be fitted.
    """

    tables: tuple[TableFit, ...]
    problems: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types: the one law's own keys, or all under `fits`."""
        if len(self.tables) == 1:
            return self.tables[0].to_dict()
        fits = []
        for table in self.tables:
            about = {"inputs": dict(table.inputs), "y": table.y, "group": table.group}
            fits += [{**about, "value": entry.value, **entry.to_dict()} for entry in table.entries]
        return {"fits": fits, "problems": dict(self.problems)}


def fit(
    source: Path | pd.DataFrame,
    columns: TableColumns,
    law: str | None = None,
    *,
    level: float = 0.95,
    fit_range: Range = "auto",
    shared: str | None = "auto",
    skip_invalid: bool = False,
) -> Fits:
    """Fit a law to a table.

    Args:
        source: a file, see `scaling.table_file.read_table`, or a table.
        columns: what is fitted against what. For the table of a study of ours, without `x` and `parameters`, all that
            a study holds is fitted: power laws of the model per amount of data, of the data per model, and the
            additive law of both.
        law: see `scaling.table_fit.fit_table`, as for all that follows.

    Raises:
        UserError: the file, a column or the law is wrong, or nothing can be fitted.
    """
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    one_law = columns.x or columns.parameters or columns.data or columns.compute
    if one_law or not {STUDY_LOSS, STUDY_MODEL, STUDY_DATA} <= set(table.columns):
        asked = [("", columns, law)]
    else:
        asked = _of_a_study(columns.y or STUDY_LOSS, law)
    tables, problems = [], {}
    for name, chosen, chosen_law in asked:
        options: dict[str, Any] = {"level": level, "shared": shared, "skip_invalid": skip_invalid}
        if len(asked) == 1 or chosen_law == "power":
            options["fit_range"] = fit_range
        try:
            tables.append(fit_table(table, chosen, chosen_law, **options))
        except FitError as error:
            if len(asked) == 1:
                raise
            problems[name] = str(error)
    if not tables:
        raise FitError("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
    return Fits(tuple(tables), problems)


@dataclass(frozen=True)
class Extras:
    """What was asked beside the fits, one result per fitted law.

    Attributes:
        comparisons: name of the fit -> all laws on its points.
        forecasts: name of the fit -> forecasts of runs that were not made.
        selftests: name of the fit -> the coverage of its intervals by simulation.
        refused: name of the fit -> why something could not be done.
    """

    comparisons: Mapping[str, Comparison]
    forecasts: Mapping[str, Forecast]
    selftests: Mapping[str, SelfTest]
    refused: Mapping[str, str]

    @property
    def texts(self) -> list[str]:
        """What to print."""
        titles = (("laws compared", self.comparisons), ("forecast", self.forecasts), ("self-test", self.selftests))
        found = [_titled(title, name, part) for title, parts in titles for name, part in parts.items()]
        return [*found, *(_titled("not done", name, reason) for name, reason in self.refused.items())]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; what was not asked for is left away."""
        parts: dict[str, Mapping[str, Any]] = {
            "comparison": self.comparisons,
            "forecast": self.forecasts,
            "selftest": self.selftests,
        }
        plain = {key: {name: one.to_dict() for name, one in found.items()} for key, found in parts.items() if found}
        single = {key: found[""] if list(found) == [""] else found for key, found in plain.items()}
        return single | ({"refused": dict(self.refused)} if self.refused else {})


def extras(fits: Fits, *, compare: bool = False, at: Sequence[Sequence[float]] = (), selftest: bool = False) -> Extras:
    """Compare laws on the points of every fit, forecast runs, and test the intervals by simulation.

    Args:
        fits: what was fitted.
        compare: all laws of as many inputs, by AICc and by held-out runs.
        at: runs to forecast, one size per input of the law.
        selftest: simulate the design and see how often the intervals hold the truth.
    """
    comparisons, forecasts, selftests, refused = {}, {}, {}, {}
    for name, found in _named(fits):
        try:
            if compare:
                comparisons[name] = _compared(found)
            if at:
                forecasts[name] = _forecast(found, at)
            if selftest:
                selftests[name] = run_selftest(found)
        except FitError as error:
            if len(fits.tables) == 1 and len(fits.tables[0].entries) == 1:
                raise
            refused[name] = str(error)
    return Extras(comparisons, forecasts, selftests, refused)


def _compared(found: PowerLaw | LawFit) -> Comparison:
    """All laws on all points, those too that the range of a power law has left out."""
    if isinstance(found, LawFit) and found.law.residual == "absolute":
        raise FitError(f"--compare ranks laws of a loss, and {found.name!r} is fitted to a score")
    law = found if isinstance(found, LawFit) else _as_law_fit(found, everything=True)
    inputs = {name: law.cells.values[law.cells.rows, index] for index, name in enumerate(law.cells.inputs)}
    return compare_laws(None, inputs, law.cells.loss[law.cells.rows])


def _forecast(found: PowerLaw | LawFit, at: Sequence[Sequence[float]]) -> Forecast:
    if isinstance(found, PowerLaw):
        _check_upper_end(found)
    law = found if isinstance(found, LawFit) else _as_law_fit(found)
    names = law.law.inputs
    for sizes in at:
        if len(sizes) != len(names):
            raise FitError(f"--at: a run of this law is {','.join(names)}, {len(names)} numbers; got {len(sizes)}")
    return forecast(law, *(list(sizes) for sizes in zip(*at, strict=True)), level=law.level)


def _check_upper_end(found: PowerLaw) -> None:
    beyond = [out for out in found.left_out if out.point.resource > found.range[1]]
    if beyond:
        raise FitError(
            f"--at: the runs above R = {found.range[1]:.4g} were left out of the power law ({beyond[0].reason}), so it "
            "cannot speak of what lies beyond them. Forecast with --law saturating or broken"
        )


def _as_law_fit(found: PowerLaw, everything: bool = False) -> LawFit:
    """The power law as the other laws are fitted: on the points it kept, or on those it left out too."""
    points = [*found.points, *([out.point for out in found.left_out] if everything else [])]
    return fit_cells("power", cells_of_points(points), level=found.level)


def _named(fits: Fits) -> Iterator[tuple[str, PowerLaw | LawFit]]:
    several = len(fits.tables) > 1
    for table in fits.tables:
        for entry in table.entries:
            if entry.fit is None:
                continue
            law = f"{table.law} law of {' and '.join(table.inputs.values())}" if several else ""
            group = f"{table.group} = {entry.value}" if table.group else ""
            yield ", ".join(filter(None, [law, group])), entry.fit


def _titled(title: str, name: str, part: object) -> str:
    return f"{title.upper()}{f' ({name})' if name else ''}\n{part}"


def _of_a_study(y: str, law: str | None) -> list[tuple[str, TableColumns, str | None]]:
    model = TableColumns(y=y, x=STUDY_MODEL, group=STUDY_DATA)
    data = TableColumns(y=y, x=STUDY_DATA, group=STUDY_MODEL)
    joint = TableColumns(y=y, parameters=STUDY_MODEL, data=STUDY_DATA)
    if law is None:
        return [("model size", model, "power"), ("data size", data, "power"), ("joint law", joint, "additive")]
    if law in ("additive", "kaplan"):
        return [("joint law", joint, law)]
    return [("model size", model, law), ("data size", data, law)]
