"""The probe of torch's float32 products."""

import json
from pathlib import Path

import pytest
import torch

from chemscale.training import matmul


@pytest.fixture(autouse=True)
def _fresh_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path))
    matmul.probe_matmul_precision.cache_clear()


@pytest.mark.parametrize(
    ("error", "gain", "expected"),
    [(3e-7, 2.2, "medium"), (3e-3, 4.0, "highest"), (3e-7, 1.0, "highest"), (float("nan"), 9.0, "highest")],
)
def test_medium_needs_accuracy_and_speed(
    monkeypatch: pytest.MonkeyPatch, error: float, gain: float, expected: str
) -> None:
    monkeypatch.setattr(matmul, "measure_medium", lambda: (error, gain))
    assert matmul.probe_matmul_precision() == expected


def test_the_answer_is_kept_for_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "measure_medium", lambda: (1e-7, 2.0))
    assert matmul.probe_matmul_precision() == "medium"
    (file,) = (tmp_path / "matmul").iterdir()
    assert json.loads(file.read_text())["precision"] == "medium"
    matmul.probe_matmul_precision.cache_clear()
    monkeypatch.setattr(matmul, "measure_medium", lambda: pytest.fail("measured again"))
    assert matmul.probe_matmul_precision() == "medium"
    matmul.probe_matmul_precision.cache_clear()
    file.write_text("{damaged")
    monkeypatch.setattr(matmul, "measure_medium", lambda: (1.0, 2.0))
    assert matmul.probe_matmul_precision() == "highest"


def test_the_probe_leaves_the_setting_and_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    with matmul.matmul_precision("high"):
        error, gain = matmul.measure_medium()
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.equal(state, torch.get_rng_state())
    assert 0 < error < 0.1 and gain > 0
    if matmul.probe_matmul_precision() == "medium":
        assert error <= matmul.LARGEST_ERROR
