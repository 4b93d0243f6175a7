"""Energy at constant energy: kept where forces are a gradient, found out where they are not."""

from collections.abc import Sequence

import ase
import numpy as np
import numpy.typing as npt
import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes

from chemscale.base.errors import ConfigError
from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.dynamics import _drift, energy_drift
from chemscale.forcefields.families import build_model

STIFFNESS = 20.0  # eV/angstrom^2: a hydrogen atom on it has a period of 14.4 fs


class Wells(Calculator):
    """Every atom in a harmonic well of its own; `swirl` adds a force that is no gradient."""

    implemented_properties = ("energy", "forces")

    def __init__(self, centres: npt.NDArray[np.float64], swirl: float = 0.0) -> None:
        super().__init__()
        self.centres, self.swirl = centres, swirl

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        away = self.atoms.positions - self.centres
        forces = -STIFFNESS * away + self.swirl * np.cross([0.0, 0.0, 1.0], away)
        self.results = {"energy": 0.5 * STIFFNESS * float((away**2).sum()), "forces": forces}


def test_the_fluctuation_of_wells_falls_with_the_square_of_the_time_step_and_nothing_drifts() -> None:
    atoms = ase.Atoms("H4", positions=[[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]])
    coarse, fine = (
        energy_drift(Wells(atoms.positions), atoms, timestep_fs=step, steps=int(250 / step)) for step in (0.5, 0.25)
    )
    assert coarse.fluctuation / fine.fluctuation == pytest.approx(4.0, rel=0.05)
    for result in (coarse, fine):
        assert abs(result.drift) < 3 * result.drift_error + 1e-3
        assert result.fluctuation < 1.0
    assert fine.energies.shape == (1001,)
    assert np.abs(atoms.positions - [[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]]).max() == 0  # a copy moved


def test_the_fluctuation_is_that_of_velocity_verlet_on_a_well() -> None:
    # It keeps the shadow energy p^2/2m + k x^2 (1 - w^2 h^2 / 4) / 2, so E = const + (w h)^2 / 8 * k x^2, and with
    # x = A cos(w t) the root mean square of E about its mean is (w h)^2 / 8 * k A^2 / 2 / sqrt(2).
    atoms = ase.Atoms("H", positions=[[0.1, 0, 0]])
    result = energy_drift(Wells(np.zeros((1, 3))), atoms, timestep_fs=0.25, steps=4000, temperature=0.0)
    frequency = np.sqrt(STIFFNESS / atoms.get_masses()[0])
    step = 0.25 * ase.units.fs
    expected = (frequency * step) ** 2 / 8 * STIFFNESS * 0.1**2 / 2 / np.sqrt(2)
    assert result.fluctuation == pytest.approx(1000 * expected, rel=0.02)


def test_forces_that_are_no_gradient_drift() -> None:
    atoms = ase.Atoms("H4", positions=[[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]])
    result = energy_drift(Wells(atoms.positions, swirl=0.2), atoms, steps=1000)
    assert abs(result.drift) > 5 * result.drift_error
    assert abs(result.drift) > 1.0


def test_a_planted_drift_comes_back() -> None:
    random = np.random.default_rng(0)
    times = np.arange(2001) * 0.0005  # ps
    energies = -100.0 + 10 * 0.002 * times + 10 * 0.001 * random.normal(size=len(times))
    result = _drift(energies, n_atoms=10, timestep_fs=0.5, temperature=300.0)
    assert abs(result.drift - 2.0) < 3 * result.drift_error
    assert result.drift_error == pytest.approx(1.0 / np.sqrt(len(times) * np.var(times)), rel=0.4)
    assert result.fluctuation == pytest.approx(1.0, rel=0.1)
    assert str(result).startswith("drift ") and "meV per atom and ps" in str(result)


def test_a_force_field_keeps_its_energy() -> None:
    model = build_model("schnet", width=8, depth=1, species=[1, 8], backend="torch")
    result = energy_drift(ForceFieldCalculator(model, dtype="float64"), molecule("H2O"), timestep_fs=0.25, steps=400)
    assert abs(result.drift) < 4 * result.drift_error + 0.05
    assert result.fluctuation < 0.1
    assert np.ptp(result.energies) > 0


def test_one_seed_one_trajectory() -> None:
    atoms = ase.Atoms("H2", positions=[[0, 0, 0], [3, 0, 0]])
    runs = [energy_drift(Wells(atoms.positions), atoms, steps=100, seed=seed).energies for seed in (1, 1, 2)]
    assert (runs[0] == runs[1]).all() and (runs[0] != runs[2]).any()


def test_bad_settings() -> None:
    atoms = molecule("H2O")
    with pytest.raises(ConfigError, match="steps: 50 is not allowed; expected 100 or more"):
        energy_drift(Wells(atoms.positions), atoms, steps=50)
    with pytest.raises(ConfigError, match="timestep_fs: 0"):
        energy_drift(Wells(atoms.positions), atoms, timestep_fs=0)
