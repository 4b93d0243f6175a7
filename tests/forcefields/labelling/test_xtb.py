"""Labels: against finite differences, a published energy, and themselves."""

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.forcefields.labelling import xtb
from chemscale.forcefields.labelling.xtb import LabelError, XtbLabeller, require_tblite
from chemscale.forcefields.units import BOHR, HARTREE

WATER = np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]])
O_H_H = np.array([8, 1, 1])


def test_without_tblite_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xtb, "Calculator", None)
    with pytest.raises(ConfigError, match=r"pip install 'chemscale\[label\]'"):
        require_tblite()


tblite = pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")


def test_the_energy_of_silane_is_the_one_tblite_documents() -> None:
    # Geometry in bohr and energy in hartree of the example in tblite's documentation of `Result`.
    edge = 1.617683897558
    positions = BOHR * edge * np.array([[0, 0, 0], [1, 1, -1], [-1, -1, -1], [1, -1, 1], [-1, 1, 1]], dtype=float)
    energy, _ = XtbLabeller(np.array([14, 1, 1, 1, 1]), 0, 0)(positions)
    assert energy / HARTREE == pytest.approx(-3.763233750684, abs=1e-7)


@pytest.mark.parametrize(("charge", "unpaired"), [(0, 0), (1, 1), (-1, 1)])
def test_forces_are_minus_the_finite_differences_of_the_energy(charge: int, unpaired: int) -> None:
    positions = WATER + 0.05 * np.random.default_rng(0).standard_normal(WATER.shape)
    labeller = XtbLabeller(O_H_H, charge, unpaired)
    _, forces = labeller(positions)
    step = 1e-3
    for atom, axis in [(0, 2), (1, 1), (2, 0)]:
        shift = np.zeros_like(positions)
        shift[atom, axis] = step
        slope = (labeller(positions + shift)[0] - labeller(positions - shift)[0]) / (2 * step)
        assert forces[atom, axis] == pytest.approx(-slope, abs=2e-4)


def test_forces_add_up_to_nothing_and_turn_with_the_molecule() -> None:
    positions = WATER + 0.04 * np.random.default_rng(1).standard_normal(WATER.shape)
    energy, forces = XtbLabeller(O_H_H, 0, 0)(positions)
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    turned_energy, turned_forces = XtbLabeller(O_H_H, 0, 0)(positions @ turn)
    assert np.abs(forces.sum(axis=0)).max() < 1e-6
    assert turned_energy == pytest.approx(energy, abs=1e-6)
    assert turned_forces == pytest.approx(forces @ turn, abs=1e-5)


def test_a_calculation_that_starts_from_another_geometry_gives_the_same_label() -> None:
    labeller = XtbLabeller(O_H_H, 0, 0)
    labeller(WATER * 1.05)
    energy, forces = labeller(WATER)
    fresh_energy, fresh_forces = XtbLabeller(O_H_H, 0, 0)(WATER)
    assert energy == pytest.approx(fresh_energy, abs=2e-5)
    assert forces == pytest.approx(fresh_forces, abs=2e-3)
    assert labeller.n_calls == 2


def test_what_cannot_be_labelled_is_refused_and_the_next_geometry_is_labelled_all_the_same() -> None:
    with pytest.raises(LabelError):
        XtbLabeller(np.array([98]), 0, 0)(np.zeros((1, 3)))
    labeller = XtbLabeller(O_H_H, 0, 0)
    with pytest.raises(LabelError):
        labeller(np.full((3, 3), np.nan))
    assert labeller(WATER)[0] == pytest.approx(XtbLabeller(O_H_H, 0, 0)(WATER)[0], abs=1e-6)
