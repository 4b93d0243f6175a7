"""A study of four tiny runs."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tiny_study(smiles_file: Path) -> dict[str, Any]:
    return {
        "family": "chemgpt",
        "study": {"title": "tiny"},
        "model": {"n_layers": 2, "n_heads": 2, "max_positions": 128},
        "data": {"source": str(smiles_file), "validation_size": 40, "max_tokens": 64},
        "training": {"batch_size": 16, "epochs": 2, "learning_rate": 3e-3, "evaluations": 2},
        "grid": {"model": {"width": [4, 8]}, "data": {"size": [40, 120]}},
    }
