"""A world of its own for the loop: a line through points, with everything a task has to offer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from chemscale.training.arithmetic import UNRESTRICTED


@dataclass(frozen=True)
class Points:
    """Inputs [batch, 3] and targets [batch]."""

    x: Tensor
    y: Tensor

    @property
    def n_examples(self) -> int:
        return len(self.x)

    @property
    def n_labels(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Points":
        return self

    def split(self, parts: int) -> Iterator["Points"]:
        for x, y in zip(self.x.chunk(parts), self.y.chunk(parts), strict=True):
            yield Points(x, y)


class PointsTask:
    """Fit y = f(x) with a small perceptron; `poison_step` gives one batch a NaN."""

    arithmetic = UNRESTRICTED

    def __init__(self, data_hash: str = "points", poison_step: int | None = None) -> None:
        random = torch.Generator().manual_seed(0)
        x = torch.randn(100, 3, generator=random)
        self.points = Points(x, torch.sin(x.sum(1)))
        self.data_hash = data_hash
        self.poison_step = poison_step
        self.steps_per_epoch = 8
        self.labels_per_epoch = 80

    def build_model(self) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))

    def save_companions(self, folder: Path) -> None:
        (folder / "companion").write_text("beside the weights")

    def batch(self, step: int) -> Points:
        random = torch.Generator().manual_seed(step)
        chosen = torch.randperm(80, generator=random)[:10]
        x = self.points.x[chosen]
        return Points(x * float("nan") if step == self.poison_step else x, self.points.y[chosen])

    def validation_batches(self) -> list[Points]:
        return [Points(self.points.x[80:], self.points.y[80:])]

    def loss_sum(self, model: nn.Module, batch: Points) -> Tensor:
        return ((model(batch.x)[:, 0] - batch.y) ** 2).sum()

    def resources(self) -> dict[str, float]:
        return {"n_parameters": 81, "flops_per_label": 486.0}

    def environment(self, device: torch.device) -> dict[str, str]:
        return {}

    def finish(self, model: nn.Module, folder: Path) -> dict[str, float]:
        return {"judged": 1.0}


@pytest.fixture
def task() -> PointsTask:
    return PointsTask()


@pytest.fixture
def make_task() -> type[PointsTask]:
    return PointsTask
