"""The examples run as they stand where their library is installed, and their headers say how."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# example -> (the libraries it needs, what it must print)
PRINTED = {
    "tpe_plain_python": (("numpy",), "of the epochs were not trained"),
    "tpe_optuna": (("optuna",), "of the epochs were not trained"),
    "tpe_scikit_learn": (("sklearn",), "window at 20 %, keep 3"),
    "tpe_lightning": (("lightning", "torch"), "at 20 % of the budget"),
    "tpe_hugging_face": (("transformers", "accelerate", "torch"), "at 20 % of the budget"),
}


def test_every_example_is_listed_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("tpe_*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_is_short_and_says_how_it_is_run(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    header = ast.get_docstring(ast.parse(text)) or ""
    assert text.count("\n") < 60
    assert f"Command   python examples/{name}.py" in header
    assert "Duration  " in header and "Expected  " in header
    assert f"examples/{name}.py" in (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "tpe_plain_python" else pytest.mark.slow) for name in PRINTED]
)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    libraries, printed = PRINTED[name]
    missing = [library for library in libraries if importlib.util.find_spec(library) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
    assert list(tmp_path.iterdir()) == []
