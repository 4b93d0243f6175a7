"""Units of labels at the border: files in eV, kcal/mol, kJ/mol or hartree, angstrom or bohr become eV and angstrom.

Inside everything is in eV, angstrom and eV/angstrom.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from chemscale.base.errors import DataError

EnergyUnit = Literal["eV", "kcal/mol", "kJ/mol", "hartree"]
LengthUnit = Literal["angstrom", "bohr"]
ForceSign = Literal["forces", "gradients"]

# CODATA 2018: Tiesinga et al. 2021, 10.1103/RevModPhys.93.025010
HARTREE = 27.211386245988
BOHR = 0.529177210903
KCAL_PER_MOL = 4184.0 / (6.02214076e23 * 1.602176634e-19)
KJ_PER_MOL = 1000.0 / (6.02214076e23 * 1.602176634e-19)

IN_EV: dict[EnergyUnit, float] = {"eV": 1.0, "kcal/mol": KCAL_PER_MOL, "kJ/mol": KJ_PER_MOL, "hartree": HARTREE}
IN_ANGSTROM: dict[LengthUnit, float] = {"angstrom": 1.0, "bohr": BOHR}

_ENERGY_WORDS: tuple[tuple[EnergyUnit, str], ...] = (
    ("kcal/mol", r"kcal\s*/?\s*mol(?:\^?-1)?"),
    ("kJ/mol", r"kj\s*/?\s*mol(?:\^?-1)?"),
    ("hartree", r"hartrees?|(?<![a-z])ha(?![a-z])|(?<![a-z])eh(?![a-z])"),
    ("eV", r"(?<![a-z])ev(?![a-z])|electron\s?volts?"),
)
_LENGTH_WORDS: tuple[tuple[LengthUnit, str], ...] = (
    ("bohr", r"bohrs?|(?<![a-z])a0(?![a-z])"),
    ("angstrom", r"angstr[oö]ms?|(?<![a-z])ang(?![a-z])|å|(?<![a-z])a(?![a-z0-9])"),
)


@dataclass(frozen=True)
class LabelUnits:
    """The units of a file.

    Attributes:
        energy: of energies.
        length: of positions.
        force_energy: the energy in the unit of forces.
        force_length: the length in the unit of forces.
        sign: `gradients` where the file stores the energy's gradient, minus the force.
    """

    energy: EnergyUnit
    length: LengthUnit
    force_energy: EnergyUnit
    force_length: LengthUnit
    sign: ForceSign = "forces"

    @property
    def energy_factor(self) -> float:
        """What an energy of the file is multiplied with to be in eV."""
        return IN_EV[self.energy]

    @property
    def length_factor(self) -> float:
        """What a length of the file is multiplied with to be in angstrom."""
        return IN_ANGSTROM[self.length]

    @property
    def force_factor(self) -> float:
        """What a force label of the file is multiplied with to be a force in eV/angstrom."""
        size = IN_EV[self.force_energy] / IN_ANGSTROM[self.force_length]
        return -size if self.sign == "gradients" else size

    def as_json(self) -> dict[str, str]:
        """The units in words, as `frames.json` records them."""
        return {
            "energy": self.energy,
            "length": self.length,
            "forces": f"{self.force_energy}/{self.force_length}",
            "sign": self.sign,
        }


@dataclass(frozen=True)
class UnitSettings:
    """What a person says about a file's units; None leaves it to the file or its format.

    Attributes:
        energy: of energies, and of forces unless `force_energy` is given.
        length: of positions, and of forces unless `force_length` is given.
        force_energy, force_length: the unit of forces where it is another one.
        sign: whether the file's force labels are forces or gradients.
        trusted: take the labels as they are, also where the checks find a contradiction.
    """

    energy: EnergyUnit | None = None
    length: LengthUnit | None = None
    force_energy: EnergyUnit | None = None
    force_length: LengthUnit | None = None
    sign: ForceSign | None = None
    trusted: bool = False

    @property
    def is_given(self) -> bool:
        """Whether a unit or the sign is set."""
        return self != UnitSettings(trusted=self.trusted)

    def over(self, stated: LabelUnits) -> LabelUnits:
        """The units that the file states, with the settings in their place."""
        return LabelUnits(
            energy=self.energy or stated.energy,
            length=self.length or stated.length,
            force_energy=self.force_energy or self.energy or stated.force_energy,
            force_length=self.force_length or self.length or stated.force_length,
            sign=self.sign or stated.sign,
        )

    def alone(self, what: str) -> LabelUnits:
        """The units of a file that states none.

        Raises:
            DataError: the energy unit is not set.
        """
        if self.energy is None:
            raise DataError(
                f"{what}: does not say in which unit its energies and forces are. Set data.energy_unit "
                f"({', '.join(get_args(EnergyUnit))}), and data.length_unit where lengths are not in angstrom"
            )
        length = self.length or "angstrom"
        return LabelUnits(
            energy=self.energy,
            length=length,
            force_energy=self.force_energy or self.energy,
            force_length=self.force_length or length,
            sign=self.sign or "forces",
        )


def label_units(energy: EnergyUnit, length: LengthUnit, sign: ForceSign = "forces") -> LabelUnits:
    """Units of a file whose forces are in its unit of energy per its unit of length."""
    return LabelUnits(energy, length, energy, length, sign)


OWN_UNITS = label_units("eV", "angstrom")


def energy_unit_in(text: str) -> EnergyUnit | None:
    """The one energy unit that a text names (`kcal/mol/A` names kcal/mol); None where it names none.

    Raises:
        DataError: it names several.
    """
    return _only(_ENERGY_WORDS, text, "energy")  # type: ignore[return-value]


def length_unit_in(text: str) -> LengthUnit | None:
    """The one length unit that a text names (`Hartree/Bohr` names bohr); None where it names none.

    Raises:
        DataError: it names several.
    """
    return _only(_LENGTH_WORDS, text, "length")  # type: ignore[return-value]


def _only(words: tuple[tuple[str, str], ...], text: str, what: str) -> str | None:
    found = [unit for unit, pattern in words if re.search(pattern, text.lower())]
    if len(found) > 1:
        raise DataError(f"units {text!r}: names several {what} units ({', '.join(found)}); set data.{what}_unit")
    return found[0] if found else None
