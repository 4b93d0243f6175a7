"""Policies at several shares of the budget."""

from collections.abc import Callable

import pytest

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.policy_points import BASELINE, SHARES, points_of, policy_points
from chemscale.tpe import Curve, FirstEpochs, KeepBest, compare

CurveMaker = Callable[..., list[Curve]]


def test_every_family_has_a_point_at_every_share(replayed: TuningReport) -> None:
    found = {(point.family, point.share) for point in replayed.policy_points}
    families = {family for family, _ in found}
    assert len(families) == 6 and BASELINE in families
    assert len(replayed.policy_points) == len(found) == 6 * len(SHARES)


def test_a_point_is_what_compare_says_of_its_policy(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid()
    points = {(one.family, one.share): one.row for one in policy_points(curves, shares=(0.2, 0.5), n_resamples=10)}
    policies = {"keep": KeepBest(0.2, 3), "epochs": FirstEpochs(5.0, 1, "last_validation")}
    keep, epochs = compare(curves, policies=policies, n_resamples=10).policies
    assert points["window, keep 3", 0.2].expected == keep.expected
    assert points["window, keep 3", 0.2].saved == keep.saved
    assert points[BASELINE, 0.5].expected == epochs.expected


def test_deciding_later_saves_less(replayed: TuningReport) -> None:
    for family in ("window, keep 1", BASELINE):
        saved = [one.row.saved for one in replayed.policy_points if one.family == family]
        assert saved == sorted(saved, reverse=True)
        # With one kept of 20 runs of equal cost: 19/20 of what is left at the decision, diverged runs set aside.
        assert saved[-1] == pytest.approx(0.5 * 0.95, abs=0.05)


def test_policies_of_a_comparison_are_points_of_their_own(replayed: TuningReport) -> None:
    assert replayed.comparison is not None
    points = points_of(replayed.comparison)
    assert [point.family for point in points] == [row.policy for row in replayed.comparison.policies]
