"""The noise of a fit in words."""

from dataclasses import replace

import numpy as np

from chemscale.scaling.fitting import fit_law
from chemscale.scaling.solver.clusters import SharedNoise

SIZES = np.geomspace(1e3, 1e7, 8)


def test_the_parts_of_relative_noise_are_percents() -> None:
    fit = fit_law("saturating", {"n": SIZES}, 1.5 + 40 * SIZES**-0.3)
    alone = replace(fit, noise=0.008, shared_noise=None)
    assert alone.noise_text == "noise 0.8 %"
    shared = replace(fit, noise=0.008, shared_noise=SharedNoise("data", 5, shared=0.0024, own=0.0077))
    assert shared.noise_text == "noise 0.8 % (own 0.77 %, shared by runs of equal data 0.24 %)"


def test_the_noise_of_a_score_is_in_its_own_unit() -> None:
    fit = fit_law("increasing", {"n": SIZES}, 0.4 * SIZES**0.03)
    assert replace(fit, noise=0.0123).noise_text == "noise 0.012"
