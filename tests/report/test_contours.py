"""Lines of equal height against closed forms."""

import numpy as np
import pytest

from chemscale.report.contours import level_lines


def test_a_plane_has_straight_lines_from_edge_to_edge() -> None:
    x, y = np.linspace(0, 2, 11), np.linspace(0, 1, 8)
    (line,) = level_lines(x, y, x[:, None] + 2 * y[None], 1.3)
    np.testing.assert_allclose(line @ [1, 2], 1.3)
    assert sorted(line[[0, -1], 1]) == pytest.approx([0.0, 0.65])
    assert (np.diff(line[:, 0]) > 0).all() or (np.diff(line[:, 0]) < 0).all()


def test_a_hill_has_a_closed_line() -> None:
    axis = np.linspace(-2, 2, 81)
    (line,) = level_lines(axis, axis, axis[:, None] ** 2 + axis[None] ** 2, 1.0)
    np.testing.assert_allclose(np.hypot(*line.T), 1.0, atol=1e-3)
    np.testing.assert_allclose(line[0], line[-1])
    steps = np.hypot(*np.diff(line, axis=0).T)
    assert steps.max() < 0.1 and steps.sum() == pytest.approx(2 * np.pi, rel=1e-2)


def test_a_saddle_has_two_lines_and_no_line_is_lost() -> None:
    axis = np.linspace(-1, 1, 20)
    lines = level_lines(axis, axis, axis[:, None] * axis[None], 0.1)
    assert len(lines) == 2
    for line in lines:
        np.testing.assert_allclose(line.prod(axis=1), 0.1, atol=5e-3)
    corner = level_lines(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([[1.0, 0.0], [0.0, 1.0]]), 0.5)
    assert sum(len(line) for line in corner) == 4


def test_no_height_no_line() -> None:
    axis = np.linspace(0, 1, 5)
    assert level_lines(axis, axis, axis[:, None] + axis[None], 3.0) == []
    assert level_lines(axis, axis, np.ones((5, 5)), 1.0) == []
