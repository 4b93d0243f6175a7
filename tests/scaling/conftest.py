"""True laws and the designs they are fitted at: what the tests of the solver share."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from chemscale.scaling.laws import Law, find_law


@dataclass(frozen=True)
class Truth:
    """A law whose parameters are known, at some design.

    Attributes:
        law: the law.
        values: its parameters, in the order of the law.
        inputs: name -> [n_points].
    """

    law: Law
    values: Mapping[str, float]
    inputs: Mapping[str, np.ndarray]

    @property
    def theta(self) -> np.ndarray:
        """The solver's coordinates of the law as it is written [n_parameters]."""
        return self.law.coordinates(np.array(list(self.values.values())))

    @property
    def logs(self) -> np.ndarray:
        """[n_points, n_inputs]."""
        return np.log(np.column_stack(list(self.inputs.values())))

    @property
    def loss(self) -> np.ndarray:
        """Losses without noise [n_points]."""
        return np.exp(self.law.evaluate(self.theta[None], self.logs[None])[0][0])


def _grid(n_models: int, n_data: int, models: tuple[float, float], data: tuple[float, float]) -> dict[str, np.ndarray]:
    sizes = np.meshgrid(np.logspace(*models, n_models), np.logspace(*data, n_data), indexing="ij")
    return {"parameters": sizes[0].ravel(), "data": sizes[1].ravel()}


def _scattered(n: int) -> dict[str, np.ndarray]:
    """No grid: a low-discrepancy cloud that leans to large data."""
    golden = (np.arange(n) * 0.618034) % 1
    model = 5.5 + 3.5 * (np.arange(n) + 0.5) / n
    return {"parameters": 10**model, "data": 10 ** (6.5 + 2.5 * golden + 0.4 * (model - 5.5))}


def _valleys(budgets: int, runs: int, centre: float = 0.0) -> dict[str, np.ndarray]:
    """Runs of equal compute C = 6 N D around N = D / 20, `centre` decades off it."""
    compute = np.repeat(np.logspace(18, 21.5, budgets), runs)
    ratio = np.tile(np.linspace(-1.2, 1.2, runs), budgets) + centre
    model = np.sqrt(compute / 120) * 10**ratio
    return {"parameters": model, "data": compute / (6 * model)}


def _epochs() -> dict[str, np.ndarray]:
    grid = np.meshgrid(np.logspace(6, 9, 5), np.logspace(6, 9, 5), [1.0, 3.0, 10.0, 40.0], indexing="ij")
    return dict(zip(("parameters", "data", "epochs"), (part.ravel() for part in grid), strict=True))


def _line(low: float, high: float, n: int) -> dict[str, np.ndarray]:
    return {"resource": np.logspace(low, high, n)}


CHINCHILLA = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}
STEEP = {"E": 0.6, "A": 3000.0, "B": 40.0, "alpha": 0.6, "beta": 0.2}
KAPLAN = {"N_c": 8.8e13, "D_c": 5.4e13, "alpha_N": 0.076, "alpha_D": 0.095}
BROKEN = {"E": 0.3, "A": 20.0, "beta_1": 0.1, "beta_2": 0.4, "R_b": 1e6, "f": 0.6}
REPEATED = {"E": 1.87, "A": 521.0, "B": 1488.0, "alpha": 0.35, "beta": 0.35, "R": 15.4}
QUADRATIC = {"c0": 3.0, "cN": -0.2, "cD": -0.15, "cNN": 0.004, "cND": -0.002, "cDD": 0.003}
WIDE_GRID = _grid(8, 6, (5, 9), (7, 11))

CASES: dict[str, tuple[str, dict[str, float], dict[str, np.ndarray]]] = {
    "power": ("power", {"alpha": 30.0, "beta": 0.17}, _line(4, 8, 6)),
    "power, flat": ("power", {"alpha": 5.0, "beta": 0.01}, _line(2, 4, 5)),
    "saturating": ("saturating", {"L_inf": 0.5, "alpha": 8.0, "beta": 0.25}, _line(3, 8, 8)),
    "saturating, steep": ("saturating", {"L_inf": 2.0, "alpha": 1e3, "beta": 0.9}, _line(2, 6, 5)),
    "saturating, no floor": ("saturating", {"L_inf": 0.0, "alpha": 8.0, "beta": 0.25}, _line(3, 8, 8)),
    "broken": ("broken", BROKEN, _line(3, 9, 16)),
    "broken, no floor": ("broken", {**BROKEN, "E": 0.0, "beta_1": 0.4, "beta_2": 0.05}, _line(3, 9, 16)),
    "log-quadratic": ("log-quadratic", {"c0": 3.0, "c1": -0.3, "c2": 0.006}, _line(3, 8, 7)),
    "increasing": ("increasing", {"a": 0.85, "b": 0.0615}, _line(-2, 0, 9)),
    "additive, grid": ("additive", CHINCHILLA, WIDE_GRID),
    "additive, valleys": ("additive", CHINCHILLA, _valleys(6, 7)),
    "additive, off centre": ("additive", CHINCHILLA, _valleys(6, 7, centre=0.8)),
    "additive, no grid": ("additive", CHINCHILLA, _scattered(30)),
    "additive, exponents 3 to 1": ("additive", STEEP, WIDE_GRID),
    "additive, exponents 3 to 1, valleys": ("additive", STEEP, _valleys(6, 7)),
    "additive, no floor": ("additive", {**CHINCHILLA, "E": 0.0}, WIDE_GRID),
    "additive, no floor, no grid": ("additive", {**STEEP, "E": 0.0}, _scattered(30)),
    "kaplan, grid": ("kaplan", KAPLAN, WIDE_GRID),
    "kaplan, no grid": ("kaplan", KAPLAN, _scattered(30)),
    "kaplan, exponents 3 to 1": ("kaplan", {**KAPLAN, "N_c": 1e9, "alpha_N": 0.25, "alpha_D": 0.08}, WIDE_GRID),
    "repeated": ("repeated", REPEATED, _epochs()),
    "log-quadratic, joint": ("log-quadratic", QUADRATIC, WIDE_GRID),
}


def truths() -> dict[str, Truth]:
    """Every law, most at several designs."""
    return {case: Truth(find_law(name, len(inputs)), values, inputs) for case, (name, values, inputs) in CASES.items()}


@pytest.fixture(params=list(CASES))
def truth(request: pytest.FixtureRequest) -> Truth:
    """Every true law in turn."""
    return truths()[request.param]


@pytest.fixture
def true_laws() -> dict[str, Truth]:
    """All true laws by name."""
    return truths()
