"""One decision for all processes: the first one's, also where the others would have said something else."""

import subprocess
import sys
from pathlib import Path

import pytest

from chemscale.tpe.callbacks.processes import told_by_first


@pytest.mark.parametrize("decision", [True, False])
def test_without_a_group_of_processes_the_decision_is_ones_own(decision: bool) -> None:
    assert told_by_first(decision) is decision


def test_all_processes_of_a_group_are_told_the_first_ones_decision(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code = """
import sys
import torch.distributed as distributed
from chemscale.tpe.callbacks.processes import told_by_first
rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
print([told_by_first(mine) for mine in ((True, False), (False, True))[rank]])
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(tmp_path / "meeting")], stdout=subprocess.PIPE, text=True
        )
        for rank in (0, 1)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in processes] == ["[True, False]"] * 2
