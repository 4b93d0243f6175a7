"""Errors that runs of one data subset share: closed forms of the balanced case, and the coverage they give back."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from chemscale.base.seeds import stream
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.laws import find_law
from chemscale.scaling.solver import clusters
from chemscale.scaling.solver.clusters import FEWEST, fit_clustered
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import make_design, solve
from chemscale.scaling.solver.whitening import Subsets

MODELS, SUBSETS = np.logspace(6, 10, 8), np.logspace(6, 9, 6)
VALUES = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}


def one_way(n_groups: int, size: int, between: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Values [n] and labels [n] of a balanced one-way layout with unit noise."""
    draw = stream(seed, "one way", n_groups)
    labels = np.repeat(np.arange(n_groups), size)
    return draw.standard_normal(n_groups * size) + between * draw.standard_normal(n_groups)[labels], labels


def same(labels: np.ndarray) -> np.ndarray:
    return (labels[:, None] == labels[None, :]).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_the_ratio_is_that_of_the_analysis_of_variance(seed: int) -> None:
    """Balanced groups have (MS_between / MS_within - 1) / size, or none at all where that is negative."""
    values, labels = one_way(8, 5, 1.0, seed)
    means = values.reshape(8, 5).mean(axis=1)
    between, within = 5 * means.var(ddof=1), ((values - means[labels]) ** 2).sum() / 32
    found = clusters._restricted_ratio(values - values.mean(), np.ones((40, 1)), Subsets(labels))
    assert found == pytest.approx(max((between / within - 1) / 5, 0.0), rel=0.02)


def test_the_ratio_has_the_largest_restricted_likelihood() -> None:
    """The likelihood as patterson1971 write it, on unbalanced groups with a slope."""
    draw = stream(0, "unbalanced")
    labels = np.repeat(np.arange(6), [2, 9, 4, 7, 3, 5])
    columns = np.column_stack([np.ones(30), draw.standard_normal(30)])
    values = columns @ [1.0, 2.0] + draw.standard_normal(30) + 1.2 * draw.standard_normal(6)[labels]

    def cost(log_ratio: float) -> float:
        inverse = np.linalg.inv(np.eye(30) + np.exp(log_ratio) * same(labels))
        normal = columns.T @ inverse @ columns
        residual = values - columns @ np.linalg.solve(normal, columns.T @ inverse @ values)
        logs = np.linalg.slogdet(normal)[1] - np.linalg.slogdet(inverse)[1]
        return float(logs + 28 * np.log(residual @ inverse @ residual))

    best = optimize.minimize_scalar(cost, bounds=(-6, 6), method="bounded").x
    plain = values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    assert clusters._restricted_ratio(plain, columns, Subsets(labels)) == pytest.approx(np.exp(best), rel=0.02)


def test_a_mean_over_subsets_has_one_less_freedom_than_subsets() -> None:
    """Balanced one-way layout: the grand mean has k - 1 degrees of freedom, whatever the ratio and the runs."""
    for n_groups, size, ratio in ((6, 8, 1.0), (6, 3, 4.0), (12, 5, 0.5)):
        labels = np.repeat(np.arange(n_groups), size)
        found = clusters._freedom(np.ones((len(labels), 1)), Subsets(labels), ratio)
        assert found[0] == pytest.approx(n_groups - 1, rel=1e-6)


def test_a_contrast_within_subsets_has_the_freedom_of_the_runs() -> None:
    labels, within = np.repeat(np.arange(6), 8), np.tile(np.linspace(-1, 1, 8), 6)
    found = clusters._freedom(np.column_stack([np.ones(48), within]), Subsets(labels), 2.0)
    assert found == pytest.approx([5.0, 41.0], rel=1e-6)


def test_a_parameter_without_effect_has_the_fewest_degrees_of_freedom() -> None:
    found = clusters._freedom(np.column_stack([np.ones(48), np.zeros(48)]), Subsets(np.repeat(np.arange(6), 8)), 2.0)
    assert found == pytest.approx([5.0, 1.0], rel=1e-6)


def dense_freedom(jacobian: np.ndarray, shared: np.ndarray, ratio: float) -> np.ndarray:
    """The same with matrices of all pairs of points."""
    inverse = np.linalg.inv(np.eye(len(shared)) + ratio * shared)
    weight = inverse @ jacobian
    spread = np.linalg.inv(jacobian.T @ weight)
    parts = [part @ (inverse - weight @ spread @ weight.T) for part in (shared, np.eye(len(shared)))]
    information = np.array([[0.5 * np.trace(one @ other) for other in parts] for one in parts])
    response = weight @ spread
    gradient = np.stack([np.diag(response.T @ part @ response) for part in (shared, np.eye(len(shared)))])
    found: np.ndarray = (
        2 * np.diag(spread) ** 2 / np.einsum("ip,ij,jp->p", gradient, np.linalg.inv(information), gradient)
    )
    return found


@pytest.mark.parametrize("ratio", [0.05, 1.0, 40.0])
def test_sums_over_subsets_are_the_matrices_of_all_pairs(ratio: float) -> None:
    draw = stream(0, "pairs")
    labels = draw.permutation(np.repeat(np.arange(7), [1, 2, 9, 4, 3, 6, 5]))
    columns = draw.standard_normal((30, 4)) + 0.5 * draw.standard_normal((7, 4))[labels]
    found = clusters._freedom(columns, Subsets(labels), ratio)
    assert found == pytest.approx(np.clip(dense_freedom(columns, same(labels), ratio), 1, 26), rel=1e-9)


def surface(shared: float, seed: int, own: float = 0.01) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """An 8 x 6 grid in which all runs of one data size share an error."""
    model, data = np.meshgrid(MODELS, SUBSETS, indexing="ij")
    loss = VALUES["E"] + VALUES["A"] * model ** -VALUES["alpha"] + VALUES["B"] * data ** -VALUES["beta"]
    draw = stream(seed, "surface")
    noise = own * draw.standard_normal(loss.shape) + shared * draw.standard_normal(len(SUBSETS))
    return {"parameters": model.ravel(), "data": data.ravel()}, (loss * np.exp(noise)).ravel()


def test_the_two_noises_are_told_apart() -> None:
    found = [fit_law("additive", *surface(0.01, seed)).shared_noise for seed in range(12)]
    assert all(noise is not None and noise.by == "data" and noise.n_subsets == 6 for noise in found)
    own = [noise.own for noise in found if noise]
    shared = [noise.shared for noise in found if noise]
    assert np.median(own) == pytest.approx(0.01, rel=0.1)
    # Three of the six subsets' errors go into E, B and beta; the other three tell the noise.
    assert 0.006 < np.median(shared) < 0.014


def hits(ends: Any) -> list[bool]:
    return [ends[name][0] <= VALUES[name] <= ends[name][1] for name in ("E", "alpha", "beta")]


def test_shared_errors_are_counted() -> None:
    """60 draws: the Monte Carlo error of 95 % is 2.8 %. The full table is in the benchmarks."""
    covered = np.mean([hits(fit_law("additive", *surface(0.01, seed)).intervals) for seed in range(60)], axis=0)
    assert (covered >= 0.9).all(), covered


def test_to_ignore_them_is_to_be_too_sure() -> None:
    """The negative control, 200 draws in one batch: all errors are taken as independent."""
    law, (inputs, _) = find_law("additive", 2), surface(0.01, 0)
    design = make_design(law, np.log(np.column_stack(list(inputs.values()))))
    log_loss = np.log([surface(0.01, seed)[1] for seed in range(200)])
    found = solve(design, log_loss, law.move(law.coordinates(np.array(list(VALUES.values()))), -design.centre)[None])
    t = np.full(found.theta.shape, stats.t.ppf(0.975, 43))
    ends = profile_intervals(design, log_loss, found.theta, found.squares, found.squares / 43, t)
    values = law.values(ends.swapaxes(1, 2)).swapaxes(1, 2)
    covered = np.mean([hits(dict(zip(VALUES, fit, strict=True))) for fit in values], axis=0)
    assert covered[0] < 0.8 and covered[2] < 0.8, covered
    assert covered[1] > 0.9, "the model's exponent does not lean on the subsets"


def test_no_shared_error_is_found_where_there_is_none_to_speak_of() -> None:
    found = [fit_law("additive", *surface(0.0, seed)).shared_noise for seed in range(12)]
    assert all(noise is None or noise.shared < 0.008 for noise in found)
    assert sum(noise is None for noise in found) >= 3


def test_too_few_subsets_are_not_asked() -> None:
    inputs, loss = surface(0.03, 0)
    few = inputs["data"] < SUBSETS[FEWEST - 1] * 0.99
    fit = fit_law("additive", {name: values[few] for name, values in inputs.items()}, loss[few])
    assert len(np.unique(inputs["data"][few])) == FEWEST - 1
    assert fit.shared_noise is None


def test_any_input_can_name_the_subsets_and_labels_need_no_order(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    design = make_design(truth.law, truth.logs)
    labels = np.unique(truth.inputs["data"], return_inverse=True)[1]
    log_loss = np.log(truth.loss) + 0.005 * stream(0, "a").standard_normal(48)
    log_loss += 0.02 * stream(1, "b").standard_normal(6)[labels]
    plain = solve(design, log_loss[None])
    found = [fit_clustered(design, log_loss, plain, names) for names in (labels, np.array([3, 1, 5, 0, 2, 4])[labels])]
    assert found[0] is not None and found[1] is not None
    assert found[0].ratio == pytest.approx(found[1].ratio)
    assert found[0].minimum.theta == pytest.approx(found[1].minimum.theta)
    assert (found[0].freedom < 43).all() and (found[0].freedom >= 1).all()


@pytest.mark.parametrize("noise", [0.003, 0.01])
def test_a_wrong_form_is_not_taken_for_shared_errors(noise: float) -> None:
    """A sum fitted to a product and to a bracket: what it leaves over is smooth in the data, and no subset's luck."""
    inputs, _ = surface(0.0, 0)
    model, data = inputs["parameters"], inputs["data"]
    product = 40 * model**-0.08 * data**-0.07
    bracket = ((8.8e13 / model) ** (0.076 / 0.095) + 5.4e13 / data) ** 0.095
    for clean in (product, bracket):
        fit = fit_law("additive", inputs, clean * np.exp(noise * stream(0, "wrong form").standard_normal(48)))
        assert fit.shared_noise is None
        assert fit.r_squared > 0.8
        assert any("is curved" in text for text in fit.warnings)
