"""The frames of one molecule."""

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.forcefields.labelling import sampling as sampling_module
from chemscale.forcefields.labelling.sampling import KINDS, Sampling, frames_of
from chemscale.forcefields.labelling.xtb import LabelError, XtbLabeller

pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7, 12, 50])
@pytest.mark.parametrize("shares", [(0.2, 0.25), (0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_the_kinds_add_up_to_the_frames_of_a_molecule(frames: int, shares: tuple[float, float]) -> None:
    counts = Sampling(frames_per_molecule=frames, random_share=shares[0], dynamics_share=shares[1]).counts()
    assert sum(counts.values()) == frames
    assert min(counts.values()) >= 0
    assert tuple(counts) == KINDS


def test_every_kind_comes_with_its_temperatures_and_correct_labels() -> None:
    settings = Sampling(frames_per_molecule=12)
    made = frames_of("CCO", 4, 0, settings)
    assert {kind: made.kinds.count(kind) for kind in KINDS} == settings.counts()
    assert {t for kind, t in zip(made.kinds, made.temperatures, strict=True) if kind == "normal modes"} == {
        300,
        600,
        1000,
    }
    assert len({t for kind, t in zip(made.kinds, made.temperatures, strict=True) if kind == "dynamics"}) == 1
    for frame in made.frames:
        energy, forces = XtbLabeller(frame.atomic_numbers, 0, 0)(frame.positions)
        assert frame.energy == pytest.approx(energy, abs=2e-5)
        assert frame.forces == pytest.approx(forces, abs=3e-3)
        assert frame.molecule == "CCO"


def test_energies_of_normal_mode_frames_follow_equipartition() -> None:
    # <E - E_min> = (3 N - 6) k_B T / 2 where the surface is harmonic: 21 modes of ethanol at 300 K.
    settings = Sampling(frames_per_molecule=200, random_share=0.0, dynamics_share=0.0, temperatures=(300.0,))
    settings = settings.model_copy(update={"relaxation_steps": 30, "relaxed_force": 0.01})
    made = frames_of("CCO", 0, 1, settings)
    lowest = min(frame.energy for frame in made.frames)
    energies = [f.energy - lowest for f, kind in zip(made.frames, made.kinds, strict=True) if kind == "normal modes"]
    # Modes that are capped as too soft carry less than their share, anharmonicity adds some.
    assert np.mean(energies) == pytest.approx(21 * 8.617e-5 * 300 / 2, rel=0.2)


def test_the_same_molecule_number_and_seed_give_the_same_frames() -> None:
    settings = Sampling(frames_per_molecule=6)

    def positions(number: int, seed: int) -> np.ndarray:
        return np.concatenate([frame.positions for frame in frames_of("CC=O", number, seed, settings).frames])

    assert np.array_equal(positions(0, 0), positions(0, 0))
    assert not np.allclose(positions(0, 0), positions(1, 0))
    assert not np.allclose(positions(0, 0), positions(0, 1))


def test_ions_radicals_and_atoms_are_labelled() -> None:
    settings = Sampling(frames_per_molecule=4)
    ion = frames_of("CC(=O)[O-]", 0, 0, settings).frames[0]
    assert (ion.charge, ion.unpaired) == (-1, 0)
    radical = frames_of("[O][O]", 0, 0, settings).frames[0]
    assert (radical.charge, radical.unpaired) == (0, 2)
    atom = frames_of("[H]", 0, 0, settings).frames
    assert len(atom) == 1 and atom[0].n_atoms == 1


def test_large_forces_and_close_atoms_are_left_out_and_counted() -> None:
    wild = Sampling(frames_per_molecule=20, random_share=1.0, dynamics_share=0.0, smallest_sigma=0.4, largest_sigma=0.6)
    made = frames_of("CCO", 0, 0, wild)
    assert set(made.rejects) == {"force above 20 eV/A", "atoms closer than 0.65 A"}
    assert len(made.frames) + sum(made.rejects.values()) == 20


def test_a_calculation_that_does_not_converge_is_counted_and_ends_its_trajectory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Failing(XtbLabeller):
        def __call__(self, positions):  # type: ignore[no-untyped-def]
            if self.n_calls >= 6:
                raise LabelError("SCF not converged")
            return super().__call__(positions)

    monkeypatch.setattr(sampling_module, "XtbLabeller", Failing)
    settings = Sampling(frames_per_molecule=10, relaxation_steps=1, dynamics_share=0.5, random_share=0.0)
    made = frames_of("CCO", 0, 0, settings)
    # Two for the relaxation, three normal modes, then one step of the five times two of the dynamics.
    assert made.kinds.count("dynamics") == 0
    assert made.rejects == {"SCF not converged": 5}


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="frames_per_molecule"):
        Sampling.parse({"frames_per_molecule": 0})
    with pytest.raises(ConfigError, match="did you mean 'friction'"):
        Sampling.parse({"fricton": 0.1})
    with pytest.raises(ConfigError, match="temperatures"):
        Sampling.parse({"temperatures": [300.0, -1.0]})
    with pytest.raises(ConfigError, match="smallest_sigma"):
        Sampling.parse({"smallest_sigma": 0.2, "largest_sigma": 0.1})
