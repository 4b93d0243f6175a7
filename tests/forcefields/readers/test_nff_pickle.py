import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.units import BOHR, HARTREE, KCAL_PER_MOL, UnitSettings

MOLECULES = [molecule("H2O"), molecule("CH4")]
GRADIENTS = [torch.randn(len(atoms), 3, generator=torch.Generator().manual_seed(0)) for atoms in MOLECULES]
NXYZ = [torch.tensor(np.column_stack([atoms.numbers, atoms.positions])) for atoms in MOLECULES]
PROPS: dict[str, Any] = {
    "nxyz": NXYZ,
    "energy": [torch.tensor(1.0), torch.tensor(2.0)],
    "energy_grad": GRADIENTS,
    "num_atoms": torch.tensor([3, 5]),
    "smiles": ["O", "C"],
}


def frames_of(path: Path, settings: UnitSettings | None = None) -> list[Frame]:
    return [frame for frame in open_frames_file(path, settings)[1].frames if isinstance(frame, Frame)]


def check(frames: list[Frame], energy: float, force: float, length: float = 1.0) -> None:
    assert [frame.molecule for frame in frames] == ["O", "C"]
    for row, (frame, atoms) in enumerate(zip(frames, MOLECULES, strict=True)):
        assert np.array_equal(frame.atomic_numbers, atoms.numbers)
        assert frame.positions == pytest.approx(atoms.positions * length)
        assert frame.energy == pytest.approx((row + 1) * energy)
        assert frame.forces == pytest.approx(-GRADIENTS[row].numpy() * force)


def test_a_dict_of_tensors_is_read(tmp_path: Path) -> None:
    torch.save({"props": PROPS, "units": "kcal/mol"}, tmp_path / "a.pth.tar")
    check(frames_of(tmp_path / "a.pth.tar"), KCAL_PER_MOL, KCAL_PER_MOL)


def test_tensors_end_to_end_are_cut(tmp_path: Path) -> None:
    flat = {**PROPS, "nxyz": torch.cat(NXYZ), "energy_grad": torch.cat(GRADIENTS)}
    torch.save({"props": flat, "units": "atomic"}, tmp_path / "a.pth")
    check(frames_of(tmp_path / "a.pth"), HARTREE, HARTREE / BOHR, BOHR)
    del flat["num_atoms"]
    torch.save({"props": flat, "units": "atomic"}, tmp_path / "a.pth")
    with pytest.raises(DataError, match="no `num_atoms` to cut them by"):
        frames_of(tmp_path / "a.pth")


def test_the_class_of_the_public_code_is_read_without_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a class of that name, as the public code has it, exists only while the file is written
    module = types.ModuleType("nff.data.dataset")

    class Dataset:
        def __init__(self) -> None:
            self.props, self.units = PROPS, "kcal/mol"

    Dataset.__module__, Dataset.__qualname__ = "nff.data.dataset", "Dataset"
    module.Dataset = Dataset  # type: ignore[attr-defined]
    for name in ("nff", "nff.data"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "nff.data.dataset", module)
    torch.save(Dataset(), tmp_path / "a.pth.tar")
    for name in ("nff.data.dataset", "nff.data", "nff"):
        monkeypatch.delitem(sys.modules, name)
    check(frames_of(tmp_path / "a.pth.tar"), KCAL_PER_MOL, KCAL_PER_MOL)


def test_without_a_unit_one_is_asked_for(tmp_path: Path) -> None:
    torch.save(PROPS, tmp_path / "a.pth")
    with pytest.raises(DataError, match="does not say in which unit"):
        frames_of(tmp_path / "a.pth")
    check(frames_of(tmp_path / "a.pth", UnitSettings(energy="eV")), 1.0, 1.0)


class Harmful:
    """What a pickle can do: call any function."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("save", ["torch", "pickle"])
def test_code_in_a_file_is_never_run(tmp_path: Path, save: str) -> None:
    path, trace = tmp_path / "a.pth.tar", tmp_path / "trace"
    content = {"props": PROPS, "units": "eV", "more": Harmful(trace)}
    if save == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DataError, match=r"without running code .* is refused .* torch\.save\("):
        frames_of(path)
    assert not trace.exists()


@pytest.mark.parametrize("content", [{"weights": torch.zeros(3)}, [1, 2], torch.zeros(2)])
def test_other_content_is_said(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(DataError, match="has no `nxyz`"):
        frames_of(tmp_path / "a.pth")
