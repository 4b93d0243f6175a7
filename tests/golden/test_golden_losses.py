"""Twenty training steps on 64 molecules give the losses they always gave.

`python tests/golden/test_golden_losses.py` rewrites chemgpt_losses.json, for a change of the training on purpose.
"""

import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chemscale.base.records import RunFolder
from chemscale.chem.embedded_library import distinct_sample
from chemscale.studies.run import execute_run, parse_run
from chemscale.training import precision

GOLDEN = Path(__file__).with_name("chemgpt_losses.json")
N_TRAINING, N_VALIDATION, N_STEPS = 64, 16, 20

BASE: dict[str, Any] = {
    "family": "chemgpt",
    "seed": 0,
    "model": {"width": 32, "n_layers": 3, "n_heads": 4, "window": 16, "max_positions": 128, "attention": "torch"},
    "data": {"size": N_TRAINING, "validation_size": N_VALIDATION, "max_tokens": 128},
    "training": {"batch_size": 16, "steps": N_STEPS, "learning_rate": 3e-3, "precision": "float32", "evaluations": 2},
}

# Between them the cases pass through every path of the loop that changes a loss.
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "molecules, constant rate": {},
    "molecules, everything on": {
        "training": {
            "accumulate": 2,
            "warmup_steps": 5,
            "schedule": "warmup_stable_decay",
            "weight_decay": 0.1,
            "gradient_clip": 1.0,
            "learning_rate_width": 16,
            "learning_rate_exponent": 0.65,
        }
    },
    "blocks, cosine": {
        "data": {"protocol": "blocks", "block_tokens": 48, "size": 40, "validation_size": 8},
        "training": {"schedule": "cosine", "optimiser": "adam", "beta2": 0.95},
    },
}


def train_case(case: str, molecules: list[str], folder: Path) -> dict[str, list[float]]:
    """The training loss of every step and the validation loss of every evaluation."""
    source = folder / "molecules.smi"
    source.write_text("\n".join(molecules) + "\n")
    changes = CASES[case]
    values = BASE | {table: BASE[table] | changes.get(table, {}) for table in ("model", "data", "training")}
    values["data"]["source"] = str(source)
    execute_run(parse_run(values), folder / "run")
    run = RunFolder(folder / "run")
    assert run.result().environment["matmul"] == "highest"
    return {
        "training": [float(loss) for loss in run.step_losses()],
        "validation": [point.validation_loss for point in run.curve()],
    }


@pytest.mark.parametrize("case", CASES)
def test_losses_are_the_recorded_ones(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "probe_matmul_precision", lambda: "highest")
    golden = json.loads(GOLDEN.read_text())
    losses = train_case(case, golden["molecules"], tmp_path)
    assert len(losses["training"]) == N_STEPS
    for kind, recorded in golden["losses"][case].items():
        np.testing.assert_allclose(losses[kind], recorded, rtol=2e-4, err_msg=f"{case}: {kind} losses have changed")


def test_the_record_has_every_case_and_its_own_molecules() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert list(golden["losses"]) == list(CASES)
    assert len(set(golden["molecules"])) == N_TRAINING + N_VALIDATION


def write_golden() -> None:
    """Record the losses anew; the molecules go with them, so that a larger library changes nothing here."""
    precision.probe_matmul_precision = lambda: "highest"  # type: ignore[assignment]
    molecules = distinct_sample(N_TRAINING + N_VALIDATION, seed=0)
    losses = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CHEMSCALE_CACHE"] = str(Path(folder) / "cache")
            found = train_case(case, molecules, Path(folder))
            losses[case] = {kind: [float(f"{loss:.7g}") for loss in values] for kind, values in found.items()}
    versions = {name: version(name) for name in ("torch", "selfies", "rdkit")}
    GOLDEN.write_text(json.dumps({"versions": versions, "losses": losses, "molecules": molecules}, indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
