"""Golden numbers of other programs: their weights, two frames, and what they predict for them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from chemscale.forcefields.families import build_model
from chemscale.forcefields.foreign_weights import FOREIGN
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined

GOLDEN = Path(__file__).parents[2] / "golden" / "forcefields"
BACKENDS = ["torch", pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Both backends, where the machine has them."""
    return str(request.param)


@pytest.fixture
def assert_golden() -> Callable[[str, str, str], None]:
    """A check that our family, with a program's weights, gives that program's energies and forces to 1e-10."""
    return _assert_golden


def _assert_golden(family: str, program: str, backend: str) -> None:
    golden: dict[str, Any] = json.loads((GOLDEN / f"{family}_{program}.json").read_text())
    settings = {**golden["settings"], "backend": backend}
    model = build_model(family, species=[1, 6, 7, 8], **settings).double()
    weights = {name: torch.tensor(value, dtype=torch.float64) for name, value in golden["weights"].items()}
    model.network.load_state_dict(FOREIGN[family, program](weights, settings["depth"]))
    frames = [(f["atomic_numbers"], torch.tensor(f["positions"], dtype=torch.float64)) for f in golden["frames"]]
    graph = joined([graph_of(numbers, places.numpy(), model.cutoff) for numbers, places in frames])
    predicted = model.predict(graph, torch.cat([places for _, places in frames]))
    energies, forces = (torch.tensor(golden[key], dtype=torch.float64) for key in ("energies", "forces"))
    torch.testing.assert_close(predicted.energies, energies, rtol=0, atol=1e-10)
    torch.testing.assert_close(predicted.forces, forces, rtol=0, atol=1e-10)
    assert forces.abs().max() > 1e-3
