"""D4 from tables that can be worked out by hand, and the files they are read from."""

import math
from pathlib import Path

import pytest
import torch

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.physics.constants import BOHR, HARTREE
from chemscale.forcefields.physics.dispersion import A1, A2, S8, Dispersion, coordination_numbers
from chemscale.forcefields.physics.dispersion_tables import FOLDER_VARIABLE, DispersionTables, empty_tables, read_tables
from chemscale.forcefields.physics.molecule_pairs import MoleculePairs
from chemscale.forcefields.segments import Segments

PAIR = MoleculePairs(Segments.of(torch.tensor([0]), 2), Segments.of(torch.tensor([1]), 2))
ELEMENT = torch.tensor([0, 1])
TABLES = {  # the public code's file for each shape
    (87,): ("rcov", "en", "gam", "zeff", "sqrt_r4r2"),
    (87, 7): ("fixgweights", "refq", "ascale", "hcount", "refh", "refsys"),
    (87, 7, 3): ("cn", "ncount_weight", "ncount_mask"),
    (87, 7, 23): ("alphaiw",),
    (18,): ("sscale",),
    (18, 23): ("secaiw",),
    (23,): ("casimir_polder_weights",),
}


def two_elements() -> Dispersion:
    """Dispersion with one reference for each of two elements, in float64."""
    dispersion = Dispersion((1, 6)).double()
    dispersion.radii.copy_(torch.tensor([0.6, 1.4]))
    dispersion.sizes.copy_(torch.tensor([2.0, 3.0]))
    dispersion.hardness.copy_(torch.tensor([0.4, 0.3]))
    dispersion.core_charges.copy_(torch.tensor([1.0, 6.0]))
    dispersion.used[:, 0, 0] = 1.0
    dispersion.exponents[:, 0, 0] = 1.0
    dispersion.scale[:, 0] = 1.0
    dispersion.charges[:, 0] = torch.tensor([0.2, -0.1])
    dispersion.polarizabilities[:, 0, 0] = torch.tensor([4.0, 10.0])
    dispersion.quadrature[0] = 0.5
    dispersion.ready.fill_(True)
    return dispersion


def zeta(hardness: float, core: float, reference: float, charge: float) -> float:
    return math.exp(3 * (1 - math.exp(2 * hardness * (1 - (core + reference) / (core + charge)))))


def test_a_pair_by_hand() -> None:
    r, charges = 3.1, torch.tensor([0.3, -0.3], dtype=torch.float64)
    energies = two_elements()(PAIR, torch.tensor([r], dtype=torch.float64), charges, ELEMENT)
    c6 = 3 / math.pi * 0.5 * 4.0 * zeta(0.4, 1.0, 0.2, 0.3) * 10.0 * zeta(0.3, 6.0, -0.1, -0.3)
    size = math.sqrt(3) * 2.0 * 3.0
    damped, distance = A1 * size + A2, r / BOHR
    by_hand = -c6 * (1 / (distance**6 + damped**6) + S8 * size**2 / (distance**8 + damped**8)) * HARTREE
    assert energies[0].item() == energies[1].item()
    assert energies.sum().item() == pytest.approx(by_hand, rel=1e-6)


def test_references_are_weighted_by_the_coordination_number() -> None:
    dispersion = two_elements()
    dispersion.used[1, 1, 0] = dispersion.exponents[1, 1, 0] = dispersion.scale[1, 1] = 1.0
    dispersion.coordination[1, :, 0] = torch.tensor([0.0, 2.0, 0, 0, 0, 0, 0])
    dispersion.charges[1, 1] = -0.1
    dispersion.polarizabilities[1, 1, 0] = 30.0
    r = torch.tensor([1.2], dtype=torch.float64)
    tables = dispersion._tables(torch.float64)
    count = coordination_numbers(tables, PAIR, r / BOHR, ELEMENT)[1].item()
    r_0 = 4 / 3 * 2.0
    strength = 4.10451 * math.exp(-(19.08857**2) / 254.5553148552)
    assert count == pytest.approx(strength * 0.5 * (1 + math.erf(-7.5 * (1.2 / BOHR - r_0) / r_0)), rel=1e-9)
    weights = [math.exp(-6 * count**2), math.exp(-6 * (count - 2) ** 2)]
    expected = (10.0 * weights[0] + 30.0 * weights[1]) / sum(weights)
    charges = torch.tensor([0.2, -0.1], dtype=torch.float64)
    mixed, single = dispersion(PAIR, r, charges, ELEMENT).sum(), two_elements()(PAIR, r, charges, ELEMENT).sum()
    assert (mixed / single).item() == pytest.approx(expected / 10.0, rel=1e-9)


def test_slopes_are_those_of_the_energy() -> None:
    dispersion = two_elements()
    r = torch.tensor([1.5], dtype=torch.float64, requires_grad=True)
    charges = torch.tensor([0.1, -0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r, q: dispersion(PAIR, r, q, ELEMENT), (r, charges))
    dispersion(PAIR, r, charges, ELEMENT).sum().backward()
    assert all(weights.grad is not None and weights.grad != 0 for weights in dispersion.parameters())


def write_tables(folder: Path) -> None:
    for shape, names in TABLES.items():
        for name in names:
            table = torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape) / 7.0
            torch.save(torch.full(shape, 6) if name == "refsys" else table, folder / f"{name}.pth")


def test_tables_are_cut_down_to_the_species(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tables(tmp_path)
    tables = read_tables(tmp_path, (1, 8))
    assert tables.radii.tolist() == [1 / 7, 8 / 7]
    assert torch.equal(tables.partner_hardness, torch.full((2, 7), 6 / 7, dtype=torch.float64))
    assert [tuple(table.shape) for table in tables] == [tuple(table.shape) for table in empty_tables(2)]
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    dispersion = Dispersion((1, 8))
    dispersion(PAIR, torch.tensor([2.0]), torch.zeros(2), ELEMENT)
    monkeypatch.delenv(FOLDER_VARIABLE)
    elsewhere = Dispersion((1, 8))  # the weights bring the tables along
    elsewhere.load_state_dict(dispersion.state_dict())
    elsewhere(PAIR, torch.tensor([2.0]), torch.zeros(2), ELEMENT)
    assert all(torch.equal(getattr(elsewhere, name), getattr(dispersion, name)) for name in DispersionTables._fields)


def test_missing_and_damaged_tables_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=FOLDER_VARIABLE):
        Dispersion((1, 6))(PAIR, torch.tensor([2.0]), torch.zeros(2), ELEMENT)
    with pytest.raises(DataError, match=r"refsys\.pth: no such file"):
        read_tables(tmp_path, (1, 6))
    write_tables(tmp_path)
    (tmp_path / "cn.pth").write_text("no tensor")
    with pytest.raises(DataError, match=r"cn\.pth: cannot be read"):
        read_tables(tmp_path, (1, 6))
    torch.save(torch.zeros(87, 7), tmp_path / "cn.pth")
    with pytest.raises(DataError, match=r"coordination have the shape \(2, 7\), expected \(2, 7, 3\)"):
        read_tables(tmp_path, (1, 6))
    torch.save([1.0], tmp_path / "cn.pth")
    with pytest.raises(DataError, match="holds a list"):
        read_tables(tmp_path, (1, 6))
