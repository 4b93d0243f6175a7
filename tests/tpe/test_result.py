"""`estimate`: ranking, ties, predictions, and what it warns of."""

import json
import math

import numpy as np
import pytest

from chemscale.base.errors import ConfigError, DataError
from chemscale.tpe import TpeResult, curve_of_steps, estimate


def run_of(result: TpeResult, name: str) -> dict[str, object]:
    return next(row for row in result.to_dict()["runs"] if row["run"] == name)


def test_ranks_and_predicts_from_the_first_part(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    result = estimate(curves, fraction=0.2, final=final)
    assert result.ranking[0] in ("r00", "r01", "r02") and result.budget.epochs == 4
    assert result.calibration is not None and result.quality is not None
    assert result.quality.rho > 0.9 and result.quality.n_runs == 16
    assert all(p.student[0] < p.predicted < p.student[1] for p in result.predictions)
    text = str(result)
    assert "4 of 20 epochs (20 %)" in text and "Eq. 8" in text and "in the best third" in text
    json.dumps(result.to_dict(), allow_nan=False)


def test_the_ends_of_finished_curves_calibrate_by_themselves(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    mine = [c if index % 3 == 0 else c.up_to(4) for index, c in enumerate(curves)]
    result = estimate(mine, fraction=0.2)
    assert result.calibration is not None and result.calibration.n_runs == 6
    tested = [p for p in result.predictions if not p.calibrated_on]
    assert len(tested) == 10
    assert np.mean([p.jackknife[0] <= final[p.run] <= p.jackknife[1] for p in tested]) >= 0.7
    assert tested[0].jackknife_level == pytest.approx(6 / 7) and tested[0].student_level == 0.9


def test_best_looking_calibration_runs_are_refused_in_words(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    best = {name: final[name] for name in list(final)[:5]}
    result = estimate(curves, fraction=0.2, final=best)
    assert result.calibration is None and not result.predictions
    assert any("better-looking half of 16" in text for text in result.warnings)


def test_converged_losses_without_a_curve_are_named(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    result = estimate(curves, fraction=0.2, final={**final, "R00": 1.0})
    assert "1 runs with a converged loss have no curve here, R00" in result.warnings[-1]


def test_paper_estimator_is_the_sum(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    result = estimate(curves, epochs=5, estimator="sum", final=final)
    row = run_of(result, "r03")
    assert row["score"] == row["tse"] == pytest.approx(curves[3].losses[:50].reshape(5, 10).mean(axis=1).sum())


def test_one_epoch_more_is_read_only_where_every_run_has_it() -> None:
    losses = np.arange(40.0, 0, -1)
    curves = [curve_of_steps(name, losses[:n], steps_per_epoch=4) for name, n in (("a", 40), ("b", 24))]
    more = estimate(curves, epochs=5)
    assert more.one_epoch_more and run_of(more, "a")["tse_e"] == pytest.approx(losses[20:24].mean())
    exact = estimate(curves, epochs=5, one_epoch_more=False)
    assert run_of(exact, "a")["tse_e"] == pytest.approx(losses[16:20].mean())
    stopped = estimate([curves[0], curves[1].up_to(5)], epochs=5)
    assert not stopped.one_epoch_more and run_of(stopped, "a")["tse_e"] == run_of(stopped, "b")["tse_e"]
    assert run_of(stopped, "a")["tse"] == run_of(more, "a")["tse"]
    assert stopped.to_dict()["tse_e_and_tse_ema_epochs"] == 5 and more.to_dict()["tse_e_and_tse_ema_epochs"] == 6


def test_diverged_runs_are_last_and_named(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=4)  # type: ignore[operator]
    early = curve_of_steps("early", [1, math.nan, 1], steps_per_epoch=10)
    late = curve_of_steps("late", [*np.ones(15), math.inf], steps_per_epoch=10)
    result = estimate([early, late, *curves], epochs=4)
    assert result.ranking[-2:] == ("late", "early")
    assert "early (epoch 0.2)" in result.warnings[0]
    row = run_of(result, "early")
    assert row["status"] == "diverged" and row["tse"] is None and row["diverged_at"] == pytest.approx(0.2)
    assert result.runs[0].score == math.inf and result.runs[0].rank == 5.5


def test_a_run_that_diverges_after_the_budget_is_scored(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=4)  # type: ignore[operator]
    late = curve_of_steps("late", [*np.ones(100), math.nan], steps_per_epoch=10)
    result = estimate([*curves, late], epochs=4, estimator="sum")
    assert run_of(result, "late")["status"] == "scored" and result.ranking[0] == "late"


def test_runs_that_have_seen_less_are_not_scored_but_named(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=3)  # type: ignore[operator]
    result = estimate([curves[0], curves[1].up_to(2.5), curves[2]], epochs=4)
    assert set(result.ranking) == {"r00", "r02"} and run_of(result, "r01")["status"] == "not scored"
    assert "fewer than 4 epochs: r01 (2.5)" in result.warnings[0]


def test_ties_within_seed_noise_are_a_set() -> None:
    curves = [
        curve_of_steps(
            f"{lr} {seed}", np.full(8, lr + 0.01 * seed), steps_per_epoch=2, settings={"lr": str(lr), "seed": str(seed)}
        )
        for lr in (1.0, 1.02, 3.0)
        for seed in range(3)
    ]
    result = estimate(curves)
    assert result.seed_noise is not None and result.seed_noise.deviation == pytest.approx(0.01)
    assert result.seed_noise.freedom == 6
    assert set(result.best) >= {"1.0 0", "1.02 0"} and not any(name.startswith("3.0") for name in result.best)
    assert "tied for the best" in str(result)
    given = estimate(curves, seed_noise=0.0)
    assert given.best == ("1.0 0",)


def test_unknown_noise_is_said(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=3)  # type: ignore[operator]
    result = estimate(curves)
    assert result.tied is None and any("noise between seeds" in text for text in result.warnings)


def test_a_good_rho_from_poor_runs_alone_is_warned_of() -> None:
    levels = [1.03, 1.02, 1.01, 1.0, *range(2, 10)]
    final = {f"r{index}": 1 + 0.01 * index if index < 4 else float(level) for index, level in enumerate(levels)}
    curves = [curve_of_steps(f"r{index}", np.full(10, level), steps_per_epoch=1) for index, level in enumerate(levels)]
    result = estimate(curves, epochs=2, final=final)
    assert result.quality is not None and result.quality.rho > 0.9 and result.quality.rho_best_third < 0
    assert any("inside the best third" in text for text in result.warnings)


def test_validation_losses_are_used_only_where_all_runs_have_them(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=3)  # type: ignore[operator]
    assert estimate(curves).reading.source == "validation"
    plain = curve_of_steps("plain", np.full(200, 5.0), steps_per_epoch=10)
    mixed = estimate([*curves, plain])
    assert mixed.reading.source == "train" and any("validation losses were not read" in text for text in mixed.warnings)


def test_a_warm_up_that_is_not_over_gives_no_score(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=3)  # type: ignore[operator]
    result = estimate(curves, epochs=2, warmup_steps=50)
    assert result.ranking == () and any("warm-up is not over" in text for text in result.warnings)


def test_one_run_and_all_diverged() -> None:
    one = estimate([curve_of_steps("a", [3.0, 2.0], steps_per_epoch=1)])
    assert one.ranking == ("a",) and one.best == ("a",) and str(one)
    gone = estimate([curve_of_steps(name, [math.nan], steps_per_epoch=1) for name in "ab"])
    assert gone.best == () and set(gone.ranking) == {"a", "b"} and str(gone)


def test_bad_input_is_named(make_sweep: object) -> None:
    curves, _ = make_sweep(n_runs=3)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="no `tse`"):
        estimate(curves, estimator="tse")
    with pytest.raises(DataError, match="run `r00` is given twice"):
        estimate([curves[0], curves[0]])
    with pytest.raises(DataError, match="none of its runs"):
        estimate(curves, epochs=2, final={"other": 1.0})
    with pytest.raises(ConfigError, match="level"):
        estimate(curves, level=90)
    with pytest.raises(DataError, match="no curves"):
        estimate([])
