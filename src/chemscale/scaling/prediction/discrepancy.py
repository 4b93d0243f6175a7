r"""How fast a law goes wrong beyond its data, learnt from back-tests.

An error of a back-test at distance d (e-folds beyond what was trained on) is taken as normal with the variance
v + kappa^2 d^2: v from parameters and noise, kappa d from the law itself, whose true slope differs from the fitted one
by kappa. kappa has the largest likelihood when every origin counts once, however many runs it predicts, because all
errors of one origin are wrong together (a random bias of the model, kennedy2001). A quarter of an origin is made up,
which saw an error of 15 % of the slope of the data: back-tests that show nothing, by luck or for want of runs, never
give zero.
"""

from dataclasses import dataclass

import numpy as np

from chemscale.scaling.cells import Cells
from chemscale.scaling.prediction.backtest import BackTest

SLOPE_ERROR = 0.15  # of the slope d ln L / d ln growth: about how far laws went wrong on public tables of losses
MADE_UP = 0.25  # origins; a whole one widens forecasts of a true law by a third, a tenth covers less for some laws
FEWEST_FREEDOM = 2.0  # of kappa, where there are no or few origins
AT_ONCE = 4_000_000  # numbers: of very many errors fewer rates are tried at a time
SMALLEST, LARGEST, STEPS = 1e-7, 10.0, 400  # the search for kappa, as multiples of the slope of the data


@dataclass(frozen=True)
class Discrepancy:
    """The error of a law per e-fold beyond its data.

    Attributes:
        rate: kappa, standard deviation of ln L per e-fold.
        freedom: degrees of freedom of kappa.
        n_origins: back-tests it was learnt from; with 0 it is the made-up origin alone.
        furthest: e-folds, the longest way that a back-test went.
    """

    rate: float
    freedom: float
    n_origins: int
    furthest: float


def learn_discrepancy(cells: Cells, growth: np.ndarray, tested: BackTest | None) -> Discrepancy:
    """Find kappa.

    Args:
        cells: all cells.
        growth: ln of the axis of growth [n_cells].
        tested: the back-tests inside of the cells; None where there were too few cells for any.
    """
    slope = abs(float(np.polyfit(growth, cells.log_loss, 1)[0]))
    expected = SLOPE_ERROR * slope
    if tested is None:
        return Discrepancy(expected, FEWEST_FREEDOM, 0, 0.0)
    rates = max(slope, 1e-12) * np.geomspace(SMALLEST, LARGEST, STEPS)
    counts = np.bincount(tested.origin)
    weight = 1 / counts[tested.origin]
    fitted = np.maximum(tested.standard_error**2, 1e-30)
    cost = np.zeros(STEPS)
    for some in np.array_split(np.arange(STEPS), int(np.ceil(STEPS * len(weight) / AT_ONCE))):
        variance = fitted + np.outer(rates[some] ** 2, tested.distance**2)
        cost[some] = (weight * (np.log(variance) + tested.error**2 / variance)).sum(axis=1)
    cost += MADE_UP * (2 * np.log(rates) + (expected / rates) ** 2)
    freedom = max(float(tested.n_origins), FEWEST_FREEDOM)
    return Discrepancy(float(rates[cost.argmin()]), freedom, tested.n_origins, float(tested.distance.max()))
