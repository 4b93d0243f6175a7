"""Seeds merged into points, and what their scatter tells of one run."""

import numpy as np
import pytest

from chemscale.base.seeds import stream
from chemscale.scaling.points import joint_freedom, merge_seeds, seed_noise


def test_seeds_become_their_mean_and_spread() -> None:
    sizes, logs = np.repeat([1e3, 1e4, 1e5], [1, 3, 2]), stream(0, "merge").standard_normal(6)
    points = merge_seeds(sizes[::-1], np.exp(logs)[::-1])
    groups = [logs[:1], logs[1:4], logs[4:]]
    assert points.n_seeds.tolist() == [1, 3, 2]
    np.testing.assert_allclose(points.log_loss, [group.mean() for group in groups])
    np.testing.assert_allclose(points.log_spread, [np.nan, groups[1].std(ddof=1), groups[2].std(ddof=1)])
    assert points.seed_freedom == 3
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    assert points.seed_squares == pytest.approx(within * np.mean([1, 1 / 3, 1 / 2]))


def test_one_run_has_its_seed_variance_beyond_the_mean() -> None:
    """A cell varies by s_cell^2 + s_seed^2/n, one run by s_cell^2 + s_seed^2."""
    found = seed_noise(np.array([4, 4, 1]), np.array([0.1, 0.3, np.nan]))
    assert found.variance == pytest.approx(0.05) and found.freedom == 6
    assert found.of_one_run == pytest.approx(0.05 * (1 - (1 / 4 + 1 / 4 + 1) / 3))
    alone = seed_noise(np.ones(3, int), np.full(3, np.nan))
    assert (alone.variance, alone.freedom, alone.of_one_run) == (0.0, 0, 0.0)


def test_a_sum_of_variances_has_freedom_between_its_parts() -> None:
    one, other = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0, 0.0])
    assert joint_freedom([one, other], [4.0, 12.0]) == pytest.approx([4.0, 4 / (1 / 4 + 1 / 12), 12.0, 4.0])
