"""The example of a ChemGPT at work runs as its header says."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "chemgpt_from_prompt_to_neighbours.py"


@pytest.mark.slow
def test_from_a_scaffold_to_known_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    out = capsys.readouterr().out
    kept = next(line for line in out.splitlines() if line.startswith("contains the scaffold"))
    assert float(kept.split()[-1]) > 0.8
    assert "passes the filters of MOSES" in out and out.count("\n  0.") == 3
