from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chemscale.forcefields.reference_energies import energy_scale, fit_references

Make = Callable[..., Any]


def test_planted_references_are_found(make_molecules: Make, make_frames: Make) -> None:
    molecules = make_molecules([4, 6, 8, 5, 7], seed=3)
    planted = {1: -13.6, 6: -1030.0, 8: -2042.0}
    energies = [sum(planted[number] for number in numbers) for numbers, _ in molecules]
    references = fit_references(make_frames(molecules, energies), np.arange(5))
    for number, energy in planted.items():
        assert references[number] == pytest.approx(energy, abs=1e-8)
    assert references[7] == 0


def test_frames_of_one_formula_get_references_that_fit_it(make_molecules: Make, make_frames: Make) -> None:
    molecules = [([8, 1, 1], positions) for _, positions in make_molecules([3, 3, 3])]
    frames = make_frames(molecules, [-76.0, -76.2, np.nan])
    references = fit_references(frames, np.arange(3))
    assert references[8] + 2 * references[1] == pytest.approx(-76.1)


def test_the_scale_is_the_root_mean_square_of_the_known_components(molecules: Any, make_frames: Make) -> None:
    random = np.random.default_rng(0)
    forces = [random.normal(0, 2, (len(numbers), 3)) for numbers, _ in molecules]
    forces[2][1] = np.nan
    flat = np.concatenate(forces).astype(np.float32)
    expected = np.sqrt(np.mean(flat[np.isfinite(flat)].astype(float) ** 2))
    assert energy_scale(make_frames(molecules, forces=forces), np.arange(4)) == pytest.approx(expected, rel=1e-6)
    unknown = [np.full((len(numbers), 3), np.nan) for numbers, _ in molecules]
    assert energy_scale(make_frames(molecules, forces=unknown), np.arange(4)) == 1.0
