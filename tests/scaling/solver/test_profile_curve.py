"""Profiles against closed forms, an independent solver and the intervals."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.profile_curve import ProfileCurve, profile_curves


def curve_fit(law: str, noise: float = 0.02, n: int = 9) -> LawFit:
    sizes = np.geomspace(1e4, 1e8, n)
    losses = (1.5 + 40 * sizes**-0.3) * np.exp(noise * stream(1, "profile").standard_normal(n))
    return fit_law(law, {"n": sizes}, losses)


def joint_fit(shared: float = 0.0) -> LawFit:
    random = stream(2, "joint profile")
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e10, 6)))
    lucky = shared * random.standard_normal(6)[np.unique(data, return_inverse=True)[1]]
    noise = 0.01 * random.standard_normal(36) + lucky
    return fit_law("additive", {"N": size, "D": data}, (1.8 + 478 * size**-0.35 + 2143 * data**-0.37) * np.exp(noise))


def named(curves: list[ProfileCurve], name: str) -> ProfileCurve:
    return next(curve for curve in curves if curve.parameter == name)


def test_a_linear_law_has_straight_profiles() -> None:
    fit = curve_fit("power")
    for curve in profile_curves(fit):
        error = fit.standard_errors[curve.parameter] / (curve.best if curve.is_log else 1.0)
        distance = np.log(curve.values / curve.best) if curve.is_log else curve.values - curve.best
        np.testing.assert_allclose(curve.roots, distance / error, atol=1e-5)
        assert curve.standard_error == pytest.approx(error)


def test_the_profile_is_the_sum_of_squares_of_a_refit() -> None:
    fit = curve_fit("saturating")
    curve = named(profile_curves(fit), "beta")
    sizes, target = fit.cells.values[:, 0], fit.cells.log_loss

    def squares(beta: float) -> float:
        def residual(rest: np.ndarray) -> np.ndarray:
            return np.log(rest[0] + np.exp(rest[1]) * sizes**-beta) - target

        return 2 * min(
            least_squares(residual, [floor, np.log(40.0)], bounds=([0, -50], [10, 50]), xtol=1e-14, ftol=1e-14).cost
            for floor in (0.5, 1.5)
        )

    lowest = float((fit.residuals**2).sum())
    for index in (0, 5, 16, 24):
        rise = squares(float(curve.values[index])) - lowest
        assert curve.roots[index] ** 2 * fit.noise**2 == pytest.approx(rise, rel=1e-3, abs=1e-9)
        assert np.sign(curve.roots[index]) == np.sign(curve.values[index] - curve.best)


@pytest.mark.parametrize("shared", [0.0, 0.03])
def test_the_profile_reaches_the_limit_at_the_ends_of_the_interval(shared: float) -> None:
    fit = joint_fit(shared)
    assert (fit.shared_noise is not None) == (shared > 0)
    curves = profile_curves(fit, n_values=30)
    assert [curve.parameter for curve in curves] == ["E", "A", "B", "alpha", "beta"]
    for curve in curves:
        assert (np.diff(curve.values) > 0).all()
        assert (np.diff(curve.roots) > 0).all()
        at_ends = np.interp(curve.interval, curve.values, curve.roots)
        np.testing.assert_allclose(at_ends, [-curve.limit, curve.limit], rtol=0.01)


def test_a_floor_bends_its_profile() -> None:
    curve = named(profile_curves(curve_fit("saturating", noise=0.04)), "L_inf")
    straight = (curve.values - curve.best) / curve.standard_error
    assert np.abs(curve.roots - straight).max() > 0.2


def test_a_parameter_on_a_bound_has_no_profile() -> None:
    sizes = np.geomspace(1e4, 1e8, 9)
    losses = 5 * sizes**-0.1 * np.exp(-0.002 * np.log(sizes / 1e6) ** 2)
    fit = fit_law("saturating", {"n": sizes}, losses)
    assert fit.parameters["L_inf"] == 0
    assert [curve.parameter for curve in profile_curves(fit)] == ["alpha", "beta"]


def test_a_curve_stays_inside_of_the_bounds() -> None:
    curve = named(profile_curves(curve_fit("saturating", noise=0.08, n=6)), "L_inf")
    assert curve.values[0] >= 0
    assert np.isfinite(curve.roots).all()


def test_points_on_the_law_have_no_profile() -> None:
    with pytest.raises(FitError, match="exactly on the law"):
        profile_curves(curve_fit("saturating", noise=0.0))
