"""The table of estimators and policies."""

import json
import math

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.tpe import ESTIMATORS, KeepBest, compare, curve_of_steps


def test_the_table_is_whole_and_says_what_each_costs(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    table = compare(curves, final, n_resamples=20)
    assert {(row.estimator, row.fraction) for row in table.estimators} >= {
        (name, at) for name in ESTIMATORS for at in (0.2, 0.5)
    }
    window = next(row for row in table.estimators if row.estimator == "window" and row.fraction == 0.2)
    assert window.rho > 0.9 and window.saved == pytest.approx(1 - (0.2 + 0.8 / 16))
    assert any("baseline" in row.policy for row in table.policies)
    json.dumps(table.to_dict(), allow_nan=False)
    text = str(table)
    assert "P(best kept)" in text and "tse_ema" in text and "16 runs, 0 of them diverged, 20 epochs" in text


def test_the_ends_of_the_curves_are_the_truth_where_none_is_given(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    own, given = compare(curves, n_resamples=5), compare(curves, final, n_resamples=5)
    assert [row.rho for row in own.estimators] == pytest.approx([row.rho for row in given.estimators])


def test_costs_weigh_the_runs(make_sweep: object) -> None:
    curves, final = make_sweep(n_runs=4)  # type: ignore[operator]
    policies = {"keep 1": KeepBest(0.5, 1)}
    best = min(final, key=lambda run: final[run])
    costs = {run: 5.0 if run == best else 1.0 for run in final}
    table = compare(curves, final, policies=policies, costs=costs, n_resamples=5)
    assert table.policies[0].chosen == best
    assert table.policies[0].saved == pytest.approx(1 - (5 + 3 * 0.5) / 8)
    with pytest.raises(DataError, match="run `r03` has nan"):
        compare(curves, final, policies=policies, costs={k: v for k, v in costs.items() if k != "r03"})


def test_seed_noise_ties_the_best(make_sweep: object) -> None:
    curves, final = make_sweep()  # type: ignore[operator]
    assert compare(curves, final, seed_noise=0.1, n_resamples=5).final_tie == pytest.approx(0.1 * math.sqrt(2))


def test_runs_without_an_end_are_left_out_and_named(make_sweep: object) -> None:
    curves, final = make_sweep(n_runs=6)  # type: ignore[operator]
    final.pop("r05")
    final["r04"] = math.inf
    table = compare(curves, final, n_resamples=5)
    assert table.n_runs == 5 and table.n_diverged == 1
    assert "no final loss is known of r05" in table.warnings[0]
    with pytest.raises(DataError, match="at least 4"):
        compare(curves[:3], final)
    with pytest.raises(DataError, match="fractions"):
        compare(curves, final, fractions=(20,))
    with pytest.raises(DataError, match="none of its runs"):
        compare(curves, {"other": 1.0})


def test_budgets_too_small_for_an_estimator_are_left_out() -> None:
    curves = [curve_of_steps(f"r{i}", np.linspace(3, 1 + i, 10), steps_per_epoch=1) for i in range(5)]
    table = compare(curves, n_resamples=5)
    assert not [row for row in table.estimators if row.estimator == "window" and row.fraction == 0.05]
    assert any("too little was seen" in text for text in table.warnings)
