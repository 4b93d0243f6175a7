"""The reference data of DFT-D4 (Caldeweyher et al. 2019), read from files and cut down to some elements.

The data are not part of this package. They are read from the folder `spookynet/modules/d4data` of a checkout of
SpookyNet's public code (19 tensors, one a file), once, when a model with dispersion is first used; from then on they
are part of its weights.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from chemscale.base.errors import ConfigError, DataError

FOLDER_VARIABLE = "CHEMSCALE_D4_TABLES"
N_REFERENCES, N_GAUSSIANS, N_FREQUENCIES = 7, 3, 23


class DispersionTables(NamedTuple):
    """Reference data of n elements; a reference system is a molecule that holds the element.

    Attributes:
        radii: covalent radii in bohr [n].
        electronegativities: Pauling's [n].
        hardness: chemical hardness in atomic units [n].
        core_charges: effective nuclear charges [n].
        sizes: square roots of <r^4>/<r^2> in bohr [n].
        coordination: coordination numbers of the references' Gaussians [n, 7, 3].
        exponents: of the Gaussians, a multiple of the common one [n, 7, 3].
        used: 1 for Gaussians that count, else 0 [n, 7, 3].
        lone_weights: weights of the references where all Gaussians vanish [n, 7].
        charges: of the atom in the reference [n, 7].
        polarizabilities: of the reference at imaginary frequencies [n, 7, 23].
        scale: of a reference's polarizability [n, 7].
        partner_counts: how many partner units are taken off [n, 7].
        partner_polarizabilities: of the partner [n, 7, 23].
        partner_core_charges: [n, 7].
        partner_hardness: [n, 7].
        partner_charges: [n, 7].
        quadrature: Casimir-Polder weights of the frequencies [23].
    """

    radii: Tensor
    electronegativities: Tensor
    hardness: Tensor
    core_charges: Tensor
    sizes: Tensor
    coordination: Tensor
    exponents: Tensor
    used: Tensor
    lone_weights: Tensor
    charges: Tensor
    polarizabilities: Tensor
    scale: Tensor
    partner_counts: Tensor
    partner_polarizabilities: Tensor
    partner_core_charges: Tensor
    partner_hardness: Tensor
    partner_charges: Tensor
    quadrature: Tensor


def empty_tables(n_elements: int) -> DispersionTables:
    """Tables of the right shapes, all zero."""
    references, gaussians = (n_elements, N_REFERENCES), (n_elements, N_REFERENCES, N_GAUSSIANS)
    spectra = (n_elements, N_REFERENCES, N_FREQUENCIES)
    shapes = [(n_elements,)] * 5 + [gaussians] * 3 + [references] * 2 + [spectra] + [references] * 2 + [spectra]
    shapes += [references] * 3 + [(N_FREQUENCIES,)]
    return DispersionTables(*(torch.zeros(shape, dtype=torch.float64) for shape in shapes))


def tables_folder() -> Path:
    """Where the environment says that the reference data are.

    Raises:
        ConfigError: it does not say.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        raise ConfigError(
            "dispersion: D4 needs reference data that are not part of this package. Name the folder "
            f"spookynet/modules/d4data of a checkout of github.com/OUnke/SpookyNet in {FOLDER_VARIABLE}, "
            "or set dispersion = false"
        )
    return Path(named)


def read_tables(folder: Path, species: Sequence[int]) -> DispersionTables:
    """The tables of some elements.

    Args:
        folder: with the files `alphaiw.pth`, `cn.pth` and so on.
        species: atomic numbers up to 86.

    Raises:
        DataError: a file is missing or is no tensor of the expected shape; the message names it.
    """
    rows = torch.tensor(list(species))
    partner = _read(folder, "refsys").long()[rows]
    core_charges, hardness = _read(folder, "zeff"), _read(folder, "gam")
    secondary = _read(folder, "sscale").unsqueeze(-1) * _read(folder, "secaiw")
    tables = DispersionTables(
        radii=_read(folder, "rcov")[rows],
        electronegativities=_read(folder, "en")[rows],
        hardness=hardness[rows],
        core_charges=core_charges[rows],
        sizes=_read(folder, "sqrt_r4r2")[rows],
        coordination=_read(folder, "cn")[rows],
        exponents=_read(folder, "ncount_weight")[rows],
        used=_read(folder, "ncount_mask")[rows],
        lone_weights=_read(folder, "fixgweights")[rows],
        charges=_read(folder, "refq")[rows],
        polarizabilities=_read(folder, "alphaiw")[rows],
        scale=_read(folder, "ascale")[rows],
        partner_counts=_read(folder, "hcount")[rows],
        partner_polarizabilities=secondary[partner],
        partner_core_charges=core_charges[partner],
        partner_hardness=hardness[partner],
        partner_charges=_read(folder, "refh")[rows],
        quadrature=_read(folder, "casimir_polder_weights"),
    )
    for name, table, like in zip(tables._fields, tables, empty_tables(len(rows)), strict=True):
        if table.shape != like.shape:
            raise DataError(f"{folder}: D4's {name} have the shape {tuple(table.shape)}, expected {tuple(like.shape)}")
    return tables


def _read(folder: Path, name: str) -> Tensor:
    path = folder / f"{name}.pth"
    try:
        table = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected the D4 tables of SpookyNet's public code there") from None
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise DataError(f"{path}: cannot be read as a tensor ({type(error).__name__})") from None
    if not isinstance(table, Tensor):
        raise DataError(f"{path}: holds a {type(table).__name__}, expected a tensor")
    return table.double()
