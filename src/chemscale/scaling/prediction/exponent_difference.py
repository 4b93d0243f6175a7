r"""Do two families scale differently: the difference of two exponents with its interval.

d = a - b has the variance s_a^2 + s_b^2; its interval is Student's t with (s_a^2 + s_b^2)^2/(s_a^4/f_a + s_b^4/f_b)
degrees of freedom (welch1947). The two fits must not share runs. Two intervals that overlap say nothing of the
difference; this one does.
"""

from dataclasses import dataclass
from typing import Any

from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import PowerLaw


@dataclass(frozen=True)
class Estimate:
    """A fitted number, for exponents that were fitted elsewhere.

    Attributes:
        value: the number.
        standard_error: > 0.
        freedom: degrees of freedom of the standard error, > 0.
    """

    value: float
    standard_error: float
    freedom: float


@dataclass(frozen=True)
class ExponentDifference:
    """One exponent minus another.

    Attributes:
        name: the exponent.
        first: the exponent of the first fit.
        second: of the second.
        difference: first - second.
        interval: of the difference, at `level`.
        level: of the interval.
        freedom: degrees of freedom.
        p: how often equal exponents would come out so far apart, either way.
    """

    name: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    level: float
    freedom: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain JSON types."""
        return {**vars(self), "interval": list(self.interval)}

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.name}: {self.first:.4g} - {self.second:.4g} = {self.difference:.4g}, {100 * self.level:g} % "
            f"interval [{low:.4g}, {high:.4g}], p = {self.p:.2g}"
        )


def compare_exponents(
    fit_a: LawFit | PowerLaw | Estimate, fit_b: LawFit | PowerLaw | Estimate, name: str, level: float = 0.95
) -> ExponentDifference:
    """The difference of the exponent `name` of two fits that share no runs.

    Args:
        fit_a: a fit, or the number itself as an `Estimate`.
        fit_b: the same.
        name: the exponent, for example "alpha" or "beta".
        level: of the interval.

    Raises:
        FitError: a fit has no exponent of that name, or it lies on a bound and has no standard error.
    """
    if not 0 < level < 1:
        raise FitError(f"level: expected a number between 0 and 1, for example 0.95, got {level!r}")
    a, b = (_estimate(which, fit, name) for which, fit in (("first", fit_a), ("second", fit_b)))
    parts = a.standard_error**2, b.standard_error**2
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / a.freedom + parts[1] ** 2 / b.freedom)
    error, difference = sum(parts) ** 0.5, a.value - b.value
    half = float(special.stdtrit(freedom, 0.5 + level / 2)) * error
    return ExponentDifference(
        name=name,
        first=a.value,
        second=b.value,
        difference=difference,
        interval=(difference - half, difference + half),
        level=level,
        freedom=freedom,
        p=float(2 * special.stdtr(freedom, -abs(difference) / error)),
    )


def _estimate(which: str, fit: LawFit | PowerLaw | Estimate, name: str) -> Estimate:
    if isinstance(fit, Estimate):
        found = fit
    elif isinstance(fit, PowerLaw):
        _check_name(which, name, ("beta",), "power")
        found = Estimate(fit.beta, fit.standard_errors["beta"], float(fit.line.freedom))
    else:
        known = tuple(parameter.name for parameter in fit.law.parameters if _is_exponent(fit, parameter.name))
        _check_name(which, name, known, fit.name)
        freedom = float(fit.freedom[fit.law.names.index(name)])
        found = Estimate(fit.parameters[name], fit.standard_errors[name], freedom)
    if not (found.standard_error > 0 and found.freedom > 0):
        raise FitError(
            f"{name} of the {which} fit is {found.value:.4g} with a standard error of {found.standard_error:.3g} and "
            f"{found.freedom:.3g} degrees of freedom: it lies on a bound or was fitted to too few points, and has no "
            "error to compare with."
        )
    return found


def _is_exponent(fit: LawFit, name: str) -> bool:
    """Exponents have no unit; a coefficient or a floor of two families says nothing of how they scale."""
    return name in fit.law.exponents or name.startswith(("alpha_", "beta_"))


def _check_name(which: str, name: str, known: tuple[str, ...], law: str) -> None:
    if name not in known:
        has = f"its exponents: {', '.join(known)}" if known else "it has none"
        raise FitError(f"name: the law {law!r} of the {which} fit has no exponent {name!r}; {has}")
