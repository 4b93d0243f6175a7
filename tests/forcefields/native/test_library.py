"""Which backend is taken, and machines without a compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from chemscale.base.errors import UserError
from chemscale.forcefields.native import library
from chemscale.forcefields.native.library import choose_backend, native_available, pair_table, threads_for
from chemscale.forcefields.pairs import graph_of

REPORT = """
import torch
from chemscale.forcefields.native.library import choose_backend, why_not
positions = torch.zeros(2, 3)
print(choose_backend("auto", positions), why_not(), sep="|")
choose_backend("native", positions)
"""

needs_native = pytest.mark.skipif(not native_available(), reason=f"native operators: {library.why_not()}")


@needs_native
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_auto_takes_the_native_operators_on_a_cpu(dtype: torch.dtype) -> None:
    assert choose_backend("auto", torch.zeros(2, 3, dtype=dtype)) == "native"
    assert choose_backend("torch", torch.zeros(2, 3, dtype=dtype)) == "torch"


def test_auto_takes_torch_where_the_native_operators_do_not_work() -> None:
    assert choose_backend("auto", torch.zeros(2, 3, dtype=torch.bfloat16)) == "torch"
    assert choose_backend("auto", torch.zeros(2, 3, device="meta")) == "torch"


def test_native_is_refused_where_it_does_not_work() -> None:
    with pytest.raises(UserError, match=r"float32 or float64 on the CPU, not float32 on meta; use 'auto'"):
        choose_backend("native", torch.zeros(2, 3, device="meta"))


def test_without_a_compiler_auto_takes_torch_and_native_says_why(tmp_path: Path) -> None:
    settings = {**os.environ, "CXX": "/nowhere/c++", "CHEMSCALE_CACHE": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", REPORT], env=settings, capture_output=True, text=True, timeout=60)
    chosen, why = run.stdout.strip().split("|")
    assert chosen == "torch" and "looked for CXX=/nowhere/c++" in why
    assert run.returncode == 1 and "UserError: model.backend 'native' cannot be used here" in run.stderr


def test_small_work_starts_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert threads_for(torch.zeros(1000)).value == 1
    assert threads_for(torch.zeros(3 * library.NUMBERS_PER_THREAD)).value == 4
    assert threads_for(torch.zeros(100 * library.NUMBERS_PER_THREAD)).value == 8


def test_a_pair_table_points_to_the_graph() -> None:
    graph = graph_of([6, 8], torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]).numpy(), 5.0)
    table = pair_table(graph)
    assert table.first == graph.first.index.data_ptr() and table.second_offsets == graph.second.offsets.data_ptr()
