"""What limits a run, on surfaces whose limits are known."""

import json

import numpy as np
import pytest

from chemscale.scaling.regimes import surface_regimes


def regime(model_term: float, data_term: float, floor: float = 1.0, **training: float):  # type: ignore[no-untyped-def]
    known = {name: np.array([value]) for name, value in training.items()}
    one = (np.array([value]) for value in (1e6, 1e8, model_term, data_term))
    return surface_regimes(*one, floor, known)[0]


@pytest.mark.parametrize(
    ("model_term", "data_term", "label"),
    [
        (0.9, 0.1, "model-limited"),
        (0.1, 0.9, "data-limited"),
        (0.5, 0.5, "mixed"),
        (0.64, 0.36, "mixed"),
        (0.68, 0.32, "model-limited"),
        (0.006, 0.004, "at the floor"),
    ],
)
def test_the_larger_term_names_the_limit(model_term: float, data_term: float, label: str) -> None:
    found = regime(model_term, data_term)
    assert found.label == label and found.reason == ""
    assert found.model_share == pytest.approx(model_term / (model_term + data_term))
    assert found.model_share + found.data_share == pytest.approx(1.0)
    assert found.floor_share == pytest.approx(1 / (1 + model_term + data_term))
    assert (found.parameters, found.data) == (1e6, 1e8)


def test_without_a_floor_nothing_is_at_it() -> None:
    assert regime(1e-4, 1e-6, floor=0.0).label == "model-limited"


@pytest.mark.parametrize(
    ("training", "label", "reason"),
    [
        ({"steps": 120, "warmup_steps": 100}, "step-limited", "120 steps after a warm-up of 100"),
        ({"steps": 300, "warmup_steps": 100}, "model-limited", ""),
        ({"last_fall": 0.05}, "step-limited", "still falling: 5.0 %"),
        ({"last_fall": 0.01}, "model-limited", ""),
        ({"epochs": 60, "worth": 0.3}, "repetition-limited", "60 epochs are worth 30 % of fresh data"),
        ({"epochs": 3, "worth": 0.95}, "model-limited", ""),
        ({"steps": float("nan"), "warmup_steps": 100, "last_fall": float("nan")}, "model-limited", ""),
        ({"steps": 50}, "model-limited", ""),
    ],
)
def test_what_the_training_tells_comes_first(training: dict[str, float], label: str, reason: str) -> None:
    found = regime(0.9, 0.1, **training)
    assert found.label == label
    assert found.reason.startswith(reason) and bool(found.reason) == bool(reason)


def test_a_surface_has_its_limits_in_its_corners() -> None:
    """Small models on much data are limited by the model, large ones on few data by the data."""
    model, data = np.meshgrid(np.logspace(5, 10, 6), np.logspace(5, 10, 6), indexing="ij")
    found = surface_regimes(
        model.ravel(), data.ravel(), 400 * model.ravel() ** -0.35, 400 * data.ravel() ** -0.35, floor=1.8
    )
    labels = np.array([one.label for one in found]).reshape(6, 6)
    assert labels[0, 5] == "model-limited" and labels[5, 0] == "data-limited" and labels[2, 2] == "mixed"
    assert json.loads(json.dumps(found[0].to_dict()))["label"] == labels[0, 0]
