"""The laws by name; a new law is one file here and one line below."""

from chemscale.base.config import nearest
from chemscale.base.errors import FitError
from chemscale.scaling.laws.additive import Additive
from chemscale.scaling.laws.broken import Broken
from chemscale.scaling.laws.increasing import Increasing
from chemscale.scaling.laws.kaplan import Kaplan
from chemscale.scaling.laws.law import Law, Parameter
from chemscale.scaling.laws.log_quadratic import LogQuadratic, LogQuadraticJoint
from chemscale.scaling.laws.power import Power
from chemscale.scaling.laws.repeated_data import RepeatedData
from chemscale.scaling.laws.saturating import Saturating

__all__ = ["LAWS", "Law", "Parameter", "find_law"]

LAWS: tuple[Law, ...] = (
    Power(),
    Saturating(),
    Broken(),
    LogQuadratic(),
    Increasing(),
    Additive(),
    Kaplan(),
    RepeatedData(),
    LogQuadraticJoint(),
)


def find_law(name: str, n_inputs: int) -> Law:
    """The law called `name` that takes so many inputs.

    Raises:
        FitError: there is no such law, or it takes other inputs; the message says which.
    """
    named = [law for law in LAWS if law.name == name]
    if not named:
        raise FitError(f"law: there is no law {name!r}{nearest(name, sorted({law.name for law in LAWS}))}")
    for law in named:
        if len(law.inputs) == n_inputs:
            return law
    needs = " or ".join(", ".join(law.inputs) for law in named)
    fitting = ", ".join(sorted({law.name for law in LAWS if len(law.inputs) == n_inputs}))
    raise FitError(f"law: {name} takes {needs}, and {n_inputs} inputs are given. Laws of {n_inputs}: {fitting}")
