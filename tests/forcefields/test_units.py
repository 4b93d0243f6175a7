import ase.units
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields import units
from chemscale.forcefields.units import LabelUnits, UnitSettings, energy_unit_in, label_units, length_unit_in


def test_factors_are_those_of_another_program() -> None:
    # ASE has the constants of CODATA 2014, which differ in the ninth digit
    assert pytest.approx(ase.units.Hartree, rel=1e-7) == units.HARTREE
    assert pytest.approx(ase.units.Bohr, rel=1e-7) == units.BOHR
    assert pytest.approx(ase.units.kcal / ase.units.mol, rel=1e-7) == units.KCAL_PER_MOL
    assert pytest.approx(ase.units.kJ / ase.units.mol, rel=1e-7) == units.KJ_PER_MOL


def test_forces_take_the_units_of_energy_and_length_and_a_gradients_sign() -> None:
    atomic = label_units("hartree", "bohr", "gradients")
    assert atomic.force_factor == pytest.approx(-51.42206747632599, rel=1e-9)
    assert LabelUnits("eV", "angstrom", "hartree", "bohr").force_factor == pytest.approx(51.42206747632599, rel=1e-9)
    assert atomic.as_json() == {
        "energy": "hartree",
        "length": "bohr",
        "forces": "hartree/bohr",
        "sign": "gradients",
    }


@pytest.mark.parametrize(
    ("text", "energy", "length"),
    [
        ("kcal/mol/A", "kcal/mol", "angstrom"),
        ("Hartree/Bohr", "hartree", "bohr"),
        ("eV/Ang", "eV", "angstrom"),
        ("Ha", "hartree", None),
        ("kJ/mol", "kJ/mol", None),
        ("kcal mol^-1", "kcal/mol", None),
        ("hartree/bohr", "hartree", "bohr"),
        ("Eh/a0", "hartree", "bohr"),
        ("pos Angstrom", None, "angstrom"),
        ("eV/Å", "eV", "angstrom"),
        ("furlong", None, None),
    ],
)
def test_units_are_found_in_texts(text: str, energy: str | None, length: str | None) -> None:
    assert energy_unit_in(text) == energy
    assert length_unit_in(text) == length


def test_a_text_with_two_units_is_refused() -> None:
    with pytest.raises(DataError, match=r"several energy units \(hartree, eV\); set data\.energy_unit"):
        energy_unit_in("eV or Hartree")


def test_settings_replace_what_a_file_says() -> None:
    stated = label_units("hartree", "bohr", "gradients")
    assert UnitSettings().over(stated) == stated
    assert UnitSettings(energy="eV").over(stated) == LabelUnits("eV", "bohr", "eV", "bohr", "gradients")
    assert UnitSettings(force_length="angstrom").over(stated).force_length == "angstrom"
    assert UnitSettings(sign="forces").over(stated).sign == "forces"


def test_a_file_without_units_needs_a_setting() -> None:
    with pytest.raises(DataError, match=r"x\.npz: does not say .* data\.energy_unit \(eV, kcal/mol, kJ/mol, hartree\)"):
        UnitSettings().alone("x.npz")
    assert UnitSettings(energy="kJ/mol").alone("x.npz") == label_units("kJ/mol", "angstrom")


def test_trusting_the_labels_sets_no_unit() -> None:
    assert not UnitSettings(trusted=True).is_given
    assert UnitSettings(sign="gradients").is_given
