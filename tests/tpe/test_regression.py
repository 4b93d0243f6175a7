"""The line of Eq. 8: agreement with scipy, intervals by hand, coverage, refusals."""

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.tpe import calibrate

X = np.array([1.0, 2.0, 4.0, 5.0, 7.0, 9.0])
Y = np.array([2.1, 2.9, 5.2, 5.8, 8.3, 9.7])


def test_the_line_and_its_quality_agree_with_scipy() -> None:
    line, reference = calibrate(X, Y), stats.linregress(X, Y)
    assert line.slope == pytest.approx(reference.slope) and line.intercept == pytest.approx(reference.intercept)
    assert line.r_squared == pytest.approx(reference.rvalue**2)
    assert line.rho == pytest.approx(stats.spearmanr(X, Y).statistic)
    assert line.predict([3.0])[0] == pytest.approx(reference.intercept + 3 * reference.slope)


def test_student_interval_is_that_of_the_normal_equations() -> None:
    line = calibrate(X, Y)
    design = np.stack([np.ones(6), X], axis=1)
    at = np.array([1.0, 11.0])
    error = line.noise * np.sqrt(1 + at @ np.linalg.inv(design.T @ design) @ at)
    interval = line.student([11.0], 0.8)
    assert interval.high[0] - interval.low[0] == pytest.approx(2 * stats.t.ppf(0.9, 4) * error)
    assert interval.level == 0.8


def test_jackknife_by_hand() -> None:
    interval = calibrate(X, Y).jackknife([3.0, 8.0], 0.7)
    for column, s in enumerate((3.0, 8.0)):
        lows, highs = [], []
        for i in range(6):
            m, b = np.polyfit(np.delete(X, i), np.delete(Y, i), 1)
            left_out = abs(Y[i] - m * X[i] - b)
            lows.append(m * s + b - left_out)
            highs.append(m * s + b + left_out)
        # a = 0.3: floor(0.3 * 7) = 2nd smallest, ceil(0.7 * 7) = 5th smallest
        assert interval.low[column] == pytest.approx(sorted(lows)[1])
        assert interval.high[column] == pytest.approx(sorted(highs)[4])
    assert interval.level == pytest.approx(0.7)


def test_jackknife_promises_no_more_than_n_over_n_plus_one() -> None:
    line = calibrate(X, Y)
    interval = line.jackknife([3.0], 0.95)
    assert line.attainable_level == pytest.approx(6 / 7) and interval.level == pytest.approx(6 / 7)
    wider = line.jackknife([3.0], 6 / 7)
    assert interval.low == pytest.approx(wider.low) and interval.high == pytest.approx(wider.high)


def test_both_intervals_cover_new_runs_as_often_as_they_say() -> None:
    generator = stream(3, "test coverage")
    hits = {"student": 0, "jackknife": 0}
    n_trials = 1500
    for _ in range(n_trials):
        x = generator.random(9)
        y = 1 + 2 * x + 0.1 * generator.standard_normal(9)
        line = calibrate(x[:8], y[:8])
        for name in hits:
            interval = getattr(line, name)([x[8]], 0.8)
            hits[name] += bool(interval.low[0] <= y[8] <= interval.high[0])
    assert hits["student"] / n_trials == pytest.approx(0.8, abs=0.035)
    assert 0.75 <= hits["jackknife"] / n_trials <= 0.93


def test_only_the_best_looking_runs_are_refused() -> None:
    scores = np.arange(12.0)
    with pytest.raises(FitError, match="better-looking half of 12"):
        calibrate(scores[:5], scores[:5], scores)
    spread = calibrate(scores[[0, 3, 6, 9, 11]], scores[[0, 3, 6, 9, 11]], scores)
    assert not spread.warnings


def test_the_best_looking_runs_would_have_covered_too_little() -> None:
    """Negative control for the refusal: a curved relation, and intervals from the best five only."""
    generator = stream(4, "test best-looking")
    hits = []
    for _ in range(300):
        scores = np.sort(generator.random(20))
        losses = scores + 2 * scores**2 + 0.02 * generator.standard_normal(20)
        interval = calibrate(scores[:5], losses[:5]).student(scores[5:], 0.9)
        hits.append(((interval.low <= losses[5:]) & (losses[5:] <= interval.high)).mean())
    assert np.mean(hits) < 0.7


def test_runs_that_do_not_span_the_scores_are_warned_of() -> None:
    scores = np.arange(12.0)
    line = calibrate(scores[4:9], scores[4:9], scores)
    assert any("7 of 12 runs lie outside of 4 to 8" in text for text in line.warnings)
    assert line.extrapolates([3.0, 5.0]).tolist() == [True, False]


def test_other_warnings() -> None:
    assert any("falls" in text for text in calibrate(X, -Y).warnings)
    assert any("only 4 calibration runs" in text for text in calibrate(X[:4], Y[:4]).warnings)
    assert any("best-looking" in text for text in calibrate(X, Y).warnings)


def test_one_run_far_away_is_warned_of() -> None:
    far = calibrate([*X, 1e4], [*Y, 1e4])
    assert far.r_squared > 0.999 and any("score 1e+04" in text for text in far.warnings)
    assert not any("alone decides" in text for text in calibrate(X, Y).warnings)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2], [1, 2], "at least 3"),
        ([1, 2, 3], [1, 2], "3 scores and 2 losses"),
        ([1, 1, 1], [1, 2, 3], "all 3 scores are 1"),
        ([1, 2, np.inf], [1, 2, 3], "scores: value 3 of 3 is inf"),
        ([1, 2, 3], [1, np.nan, 3], "losses: value 2 of 3 is nan"),
        ([[1], [2], [3]], [1, 2, 3], "shape"),
        (["a", 1, 2], [1, 2, 3], "expected numbers"),
    ],
)
def test_bad_input_is_refused(x: list[float], y: list[float], words: str) -> None:
    with pytest.raises(FitError, match=words):
        calibrate(x, y)
    with pytest.raises(FitError, match="level"):
        calibrate(X, Y).student([1.0], 95)


def test_no_noise_gives_an_interval_of_no_width() -> None:
    line = calibrate([1, 2, 3, 4], [2, 4, 6, 8])
    interval = line.jackknife([10.0], 0.5)
    assert interval.low[0] == pytest.approx(20) and interval.high[0] == pytest.approx(20)
