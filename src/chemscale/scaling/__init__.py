"""Scaling laws from tables: fits, intervals, and the range in which a law holds (numpy, scipy and pandas only).

points.py         runs -> points: checks, and seeds at one resource merged into their mean
straight_line.py  least squares of a line with covariance and bands
range.py          the range in which a straight line holds, by a test with a known false-alarm rate
power_law.py      L(R) = alpha R^-beta
groups.py         one fit per group of a study table
"""

from chemscale.scaling.groups import GroupFit, fit_by_group, fit_study
from chemscale.scaling.points import LossPoint
from chemscale.scaling.power_law import LeftOut, PowerLaw, fit_power_law

__all__ = ["GroupFit", "LeftOut", "LossPoint", "PowerLaw", "fit_by_group", "fit_power_law", "fit_study"]
