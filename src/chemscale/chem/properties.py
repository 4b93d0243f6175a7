"""Properties of one molecule that papers on molecule generators compare: weight, logP, synthetic accessibility, QED.

The values are RDKit's, and with them those of the MOSES reference (Polykovskiy et al. 2020), which calls the same code.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

import numpy as np
import numpy.typing as npt
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, rdMolDescriptors


def molecular_weight(molecule: Chem.Mol) -> float:
    """Average molecular weight in g/mol, hydrogens included."""
    return float(rdMolDescriptors._CalcMolWt(molecule))


def log_p(molecule: Chem.Mol) -> float:
    """Octanol-water partition coefficient, logarithmic, by Crippen's atom contributions (10.1021/ci990307l)."""
    return float(rdMolDescriptors.CalcCrippenDescriptors(molecule)[0])


def synthetic_accessibility(molecule: Chem.Mol) -> float:
    """Synthetic accessibility from 1 (easy) to 10 (hard) (Ertl and Schuffenhauer 2009, 10.1186/1758-2946-1-8)."""
    return float(_sa_scorer().calculateScore(molecule))


def drug_likeness(molecule: Chem.Mol) -> float:
    """Quantitative estimate of drug-likeness, 0 to 1 (Bickerton et al. 2012, 10.1038/nchem.1243)."""
    return float(QED.qed(molecule))  # type: ignore[no-untyped-call]


PROPERTIES: Mapping[str, Callable[[Chem.Mol], float]] = MappingProxyType(
    {
        "logp": log_p,
        "sa": synthetic_accessibility,
        "mw": molecular_weight,
        "qed": drug_likeness,
    }
)
"""The four properties of Frey et al. 2023, by the short names that tables use, in the order of its Table A.2."""

TITLES: Mapping[str, str] = MappingProxyType({"logp": "LogP", "sa": "SA", "mw": "weight (g/mol)", "qed": "QED"})
"""What people call the properties, with the unit where there is one."""

DIGITS: Mapping[str, int] = MappingProxyType({"logp": 2, "sa": 2, "mw": 1, "qed": 3})
"""Digits after the point that say something."""


def properties_of(molecule: Chem.Mol) -> tuple[float, ...]:
    """The values of `PROPERTIES`, in that order."""
    return tuple(compute(molecule) for compute in PROPERTIES.values())


def property_table(molecules: list[Chem.Mol], names: tuple[str, ...] = tuple(PROPERTIES)) -> npt.NDArray[np.float64]:
    """The properties of molecules [n_molecules, n_names]."""
    return np.array([[PROPERTIES[name](molecule) for name in names] for molecule in molecules]).reshape(-1, len(names))


@functools.cache
def _sa_scorer() -> ModuleType:
    """RDKit's contributed scorer, which is no package: it is found by its folder."""
    folder = str(Path(RDConfig.RDContribDir) / "SA_Score")
    if folder not in sys.path:
        sys.path.append(folder)
    return __import__("sascorer")
