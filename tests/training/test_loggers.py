import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chemscale.base.errors import UserError
from chemscale.training import loggers
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train


def test_a_logger_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(loggers, "importlib", SimpleNamespace(import_module=absent))
    with pytest.raises(UserError, match="asks for wandb: pip install wandb"):
        loggers.open_loggers(["wandb"], tmp_path, {})


def test_every_point_of_the_curve_reaches_the_logger(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, task: Any
) -> None:
    """A writer with TensorBoard's two methods stands in for it: what is sent is checked, not how it is stored."""
    sent: list[tuple[str, float, int]] = []
    closed: list[bool] = []
    writer = SimpleNamespace(
        add_scalar=lambda name, value, step: sent.append((name, value, step)), close=lambda: closed.append(True)
    )
    module = SimpleNamespace(SummaryWriter=lambda folder: writer)
    real = importlib.import_module
    replaced = SimpleNamespace(import_module=lambda name: module if "tensorboard" in name else real(name))
    monkeypatch.setattr(loggers, "importlib", replaced)
    config = TrainingConfig.parse({"steps": 20, "evaluations": 2, "loggers": ["tensorboard"]})
    train(task, config, tmp_path)
    assert [(name, step) for name, _, step in sent if name == "validation_loss"] == [
        ("validation_loss", 10),
        ("validation_loss", 20),
    ]
    assert len(sent) == 6
    assert closed == [True]
