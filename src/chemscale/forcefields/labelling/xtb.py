"""GFN2-xTB energies and forces through tblite (Bannwarth, Ehlert and Grimme, 2019), in eV and angstrom."""

import importlib.util
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import ConfigError
from chemscale.forcefields.units import BOHR, HARTREE

try:
    from tblite.interface import Calculator, TBLiteRuntimeError, TBLiteValueError
except ImportError:  # the optional extra is not installed: `require_tblite` says so
    Calculator = None
    TBLiteRuntimeError = TBLiteValueError = RuntimeError

METHOD = "GFN2-xTB"


class LabelError(Exception):
    """A geometry has no label; the message is the reason, short enough to be counted."""


def require_tblite() -> str:
    """The version of tblite.

    Raises:
        ConfigError: it is not installed, or cannot be loaded.
    """
    if Calculator is None:
        found = "cannot be loaded" if importlib.util.find_spec("tblite") else "is not installed"
        raise ConfigError(f"tblite, which labels the frames, {found}: pip install 'chemscale[label]'")
    return version("tblite")


class XtbLabeller:
    """Labels geometries of one molecule; every calculation starts from the density of the one before.

    The order of the calls is part of the result, within the convergence of the density (some 1e-6 eV).
    """

    def __init__(self, atomic_numbers: npt.NDArray[np.integer[Any]], charge: int, unpaired: int) -> None:
        """Prepare for one molecule.

        Args:
            atomic_numbers: [n_atoms].
            charge: total charge in e.
            unpaired: unpaired electrons.
        """
        self._numbers = np.asarray(atomic_numbers, dtype=np.int32)
        self._charge, self._unpaired = charge, unpaired
        self._calculator: Any = None
        self._result: Any = None
        self.n_calls = 0

    def __call__(self, positions: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        """Energy in eV and forces in eV/angstrom [n_atoms, 3] at `positions` in angstrom [n_atoms, 3].

        Raises:
            LabelError: the self-consistent field does not converge, or the method has no parameters for an element.
        """
        self.n_calls += 1
        bohr = np.ascontiguousarray(positions / BOHR)
        try:
            if self._calculator is None:
                self._calculator = self._new_calculator(bohr)
            else:
                self._calculator.update(bohr)
            self._result = self._calculator.singlepoint(self._result)
        except (TBLiteRuntimeError, TBLiteValueError) as error:
            # The density of a failed calculation is no start for the next one.
            self._calculator = self._result = None
            raise LabelError(_reason(str(error))) from None
        energy = float(self._result.get("energy")) * HARTREE
        forces = self._result.get("gradient") * (-HARTREE / BOHR)
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            self._calculator = self._result = None
            raise LabelError("label is not finite")
        return energy, forces

    def _new_calculator(self, bohr: npt.NDArray[np.float64]) -> Any:
        calculator = Calculator(METHOD, self._numbers, bohr, charge=float(self._charge), uhf=self._unpaired)
        calculator.set("verbosity", 0)
        return calculator


def _reason(message: str) -> str:
    if "not converge" in message.lower():
        return "SCF not converged"
    return f"tblite: {message.splitlines()[0][:80]}" if message.strip() else "tblite failed"
