"""Scaling laws from tables: fits, intervals, regimes, plans (numpy, scipy and pandas only).

points.py, cells.py       runs -> points of one resource, cells of several: checks, and seeds merged into their mean
straight_line.py          least squares of a line with covariance and bands
range.py                  the range in which a straight line holds, by a test with a known false-alarm rate
power_law.py              L(R) = alpha R^-beta with its range, and power_law_warnings.py
groups.py                 one power law per group of a study table
family_laws.py            the laws of several families beside each other, and how their exponents differ
rank_correlation.py       Spearman's correlation with an interval for few points

laws/                     one file a law: the formula with its derivatives, and where to start
solver/                   how they are fitted
fitting.py                `fit_law`: any law to runs
law_fit.py                what it returns, with regimes.py and law_warnings.py
bootstrap.py, selftest.py draws of a fit; the coverage that its intervals really get
table_file.py             tables from anyone's file
table_fit.py              laws from the columns of a table
about.py                  what plans and forecasts are about
prediction/               comparison, back-tests, forecasts
planning/                 budgets: cost, frontier, marginal values, the next run
"""

from chemscale.scaling.fitting import fit_law
from chemscale.scaling.groups import GroupFit, fit_by_group, fit_study
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.laws import LAWS, find_law
from chemscale.scaling.planning.advice import cheapest, marginal
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.frontier import frontier
from chemscale.scaling.planning.labels import label_budget
from chemscale.scaling.planning.next_run import next_run
from chemscale.scaling.planning.split import split
from chemscale.scaling.points import LossPoint
from chemscale.scaling.power_law import LeftOut, PowerLaw, fit_power_law
from chemscale.scaling.prediction.compare import compare_laws
from chemscale.scaling.prediction.exponent_difference import compare_exponents
from chemscale.scaling.prediction.forecast import forecast
from chemscale.scaling.selftest import selftest
from chemscale.scaling.table_fit import TableColumns, fit_table

__all__ = [
    "LAWS",
    "GroupFit",
    "LawFit",
    "LeftOut",
    "LossPoint",
    "PowerLaw",
    "SixND",
    "TableColumns",
    "cheapest",
    "compare_exponents",
    "compare_laws",
    "find_law",
    "fit_by_group",
    "fit_cost",
    "fit_law",
    "fit_power_law",
    "fit_study",
    "fit_table",
    "forecast",
    "frontier",
    "label_budget",
    "marginal",
    "next_run",
    "selftest",
    "split",
]
