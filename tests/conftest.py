"""What all tests share: a cache of their own, one thread, and a small corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

SMALL_SMILES = [
    "CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "C1CCCCC1",
    "c1ccccc1C(=O)O", "CCN(CC)CC", "c1ccc2ccccc2c1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "OCC(O)CO", "c1ccccc1C#N",
    "CS(=O)(=O)N", "c1ccccc1Cl", "c1ccccc1C(F)(F)F", "c1ccncc1", "C1COCCN1", "CC#N", "C1CCC(=O)N1", "NCCc1ccc(O)c(O)c1",
]  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prepared corpora go to a folder of this test run, never to the user's cache."""
    before = os.environ.get("CHEMSCALE_CACHE")
    os.environ["CHEMSCALE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["CHEMSCALE_CACHE"]
    else:
        os.environ["CHEMSCALE_CACHE"] = before


@pytest.fixture(scope="session")
def smiles_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 400 molecules, 20 different ones with alkyl chains of 0 to 19 carbons in front."""
    path = tmp_path_factory.mktemp("data") / "small.smi"
    lines = [f"{'C' * chain}{smiles}" for chain in range(20) for smiles in SMALL_SMILES]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def trained_run(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a tiny ChemGPT that was trained on `smiles_file` until its samples look like molecules."""
    from chemscale.studies.run import execute_run, parse_run  # after the number of threads is set

    values = {
        "family": "chemgpt",
        "model": {"width": 32, "n_layers": 3, "n_heads": 4, "max_positions": 128, "window": 16},
        "data": {"source": str(smiles_file), "validation_size": 20, "max_tokens": 128},
        "training": {"steps": 120, "batch_size": 32, "learning_rate": 5e-3, "evaluations": 2, "precision": "float32"},
    }
    folder = tmp_path_factory.mktemp("trained") / "run"
    execute_run(parse_run(values), folder)
    return folder
