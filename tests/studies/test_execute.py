import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chemscale.base.errors import BusyError, ConfigError, DataError
from chemscale.base.files import folder_lock
from chemscale.base.records import RunFolder
from chemscale.studies.execute import execute_study, gather
from chemscale.studies.status import count_states, study_status
from chemscale.studies.study import parse_study


def results(folder: Path) -> dict[str, tuple[float, bytes]]:
    """Loss and per-step losses of every finished run."""
    runs = [RunFolder(path.parent) for path in sorted((folder / "runs").glob("*/result.json"))]
    return {run.name: (run.result().losses["validation_loss"], run.step_losses().tobytes()) for run in runs}


def test_a_study_trains_its_grid_once_and_gathers_it(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    study = parse_study(tiny_study)
    outcome = execute_study(study, tmp_path, workers=2)
    assert (outcome.n_left, outcome.failed) == (0, ())
    assert outcome.table["model.width"].tolist() == [4, 4, 8, 8]
    assert outcome.table["data_points"].tolist() == [40, 120, 40, 120]
    assert (outcome.table["status"] == "finished").all()
    assert outcome.table["tokens"].is_monotonic_increasing is False
    assert len(outcome.curves) == 8
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/*")}
    again = execute_study(study, tmp_path, workers=2)
    assert again.table.equals(outcome.table)
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/*")}
    states = count_states(study_status(tmp_path))
    assert states == {"finished": 4}


def test_a_failed_run_keeps_its_traceback_and_the_others_go_on(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    del tiny_study["model"]["max_positions"]
    tiny_study["grid"]["model"]["max_positions"] = [128, 16]
    tiny_study["grid"]["data"]["size"] = [40]
    outcome = execute_study(parse_study(tiny_study), tmp_path, workers=1)
    assert len(outcome.table) == 2
    assert outcome.n_left == 2
    assert all("model.max_positions is 16" in end.message for end in outcome.failed)
    failed = [row for row in study_status(tmp_path) if row.state == "failed"]
    assert len(failed) == 2
    assert "Traceback" in RunFolder(tmp_path / "runs" / failed[0].name).failure()["traceback"]


def test_data_that_cannot_serve_is_refused_before_anything_is_trained(
    tiny_study: dict[str, Any], tmp_path: Path
) -> None:
    tiny_study["grid"]["data"]["size"] = [40, 5000]
    with pytest.raises(DataError, match=r"data\.size is 5000, but .* has 360 molecules"):
        execute_study(parse_study(tiny_study), tmp_path)
    assert not (tmp_path / "runs").exists()


def test_a_second_process_is_refused(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from chemscale.base.files import folder_lock\n"
        "with folder_lock(Path(sys.argv[1]), 'running the study'): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(BusyError, match=r"running the study.*is working here"):
            execute_study(parse_study(tiny_study), tmp_path)
    finally:
        holder.kill()
        holder.wait()


def test_a_run_held_by_another_process_is_not_trained_twice(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    study = parse_study(tiny_study)
    held = study.runs[0].name()
    with folder_lock(tmp_path / "runs" / held, "training"):
        outcome = execute_study(study, tmp_path, workers=1)
    assert [(end.name, end.status) for end in outcome.failed] == [(held, "busy")]
    assert len(outcome.table) == 3


def test_another_study_does_not_mix_into_a_folder(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    execute_study(parse_study(tiny_study), tmp_path)
    changed = json.loads(json.dumps(tiny_study))
    changed["training"]["epochs"] = 3
    with pytest.raises(ConfigError, match="holds another study"):
        execute_study(parse_study(changed), tmp_path)
    # a larger grid of the same study is welcome: what is finished stays finished
    tiny_study["grid"]["model"]["width"] = [4, 8, 12]
    assert len(execute_study(parse_study(tiny_study), tmp_path).table) == 6


LOOP = """
import sys; from pathlib import Path; import json
from chemscale.studies.execute import execute_study; from chemscale.studies.study import parse_study
execute_study(parse_study(json.loads(sys.argv[1])), Path(sys.argv[2]), workers=2)
"""


@pytest.mark.parametrize("wait_for", [1])
def test_kill_and_resume_is_the_uninterrupted_study(tiny_study: dict[str, Any], tmp_path: Path, wait_for: int) -> None:
    """Kill the study's main process once `wait_for` runs are finished: none is lost and the rest comes out the same."""
    tiny_study["training"] |= {"epochs": 6, "checkpoint_seconds": 0.02}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen([sys.executable, "-c", LOOP, json.dumps(tiny_study), str(killed)])
    deadline = time.monotonic() + 120
    while len(results(killed)) < wait_for and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = results(killed)
    assert len(finished) >= wait_for
    study = parse_study(tiny_study)
    for _ in range(200):  # the orphaned workers notice within a few steps and let go of their runs
        outcome = execute_study(study, killed, workers=2)
        if outcome.n_left == 0:
            break
        time.sleep(0.05)
    execute_study(study, whole, workers=1)
    assert results(killed) == results(whole)
    assert finished.items() <= results(killed).items()


def test_a_worker_that_is_killed_costs_its_run_only(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    tiny_study["training"] |= {"epochs": 60, "checkpoint_seconds": 0.05}
    tiny_study["grid"]["data"]["size"] = [40]
    process = subprocess.Popen([sys.executable, "-c", LOOP, json.dumps(tiny_study), str(tmp_path)])
    try:
        killed = None
        while killed is None and process.poll() is None:
            for run in (tmp_path / "runs").glob("*/.lock-holder"):
                words = run.read_text().split()
                if len(words) > 1 and (run.parent / "checkpoint" / "latest.pt").exists():
                    killed = run.parent.name
                    os.kill(int(words[1]), signal.SIGKILL)
                    break
            time.sleep(0.01)
        process.wait(timeout=120)
    finally:
        process.kill()
    assert killed is not None
    rows = {row.name: row for row in study_status(tmp_path)}
    assert rows[killed].state == "failed"
    assert "SIGKILL" in rows[killed].message
    assert sum(row.state == "finished" for row in rows.values()) == 1
    outcome = execute_study(parse_study(tiny_study), tmp_path, workers=1)
    assert outcome.n_left == 0


def test_gather_reads_an_unfinished_study(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    study = parse_study(tiny_study)
    execute_study(study, tmp_path, workers=1)
    shutil.rmtree(tmp_path / "runs" / study.runs[0].name())
    outcome = gather(study, tmp_path)
    assert (outcome.n_left, len(outcome.table)) == (1, 3)


def test_runs_on_data_that_has_changed_are_refused(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    source = tmp_path / "own.smi"
    shutil.copy(tiny_study["data"]["source"], source)
    tiny_study["data"]["source"] = str(source)
    tiny_study["grid"] = {"model": {"width": [4]}}
    execute_study(parse_study(tiny_study), tmp_path / "study", workers=1)
    source.write_text("\n".join(reversed(source.read_text().splitlines())))
    tiny_study["grid"] = {"model": {"width": [4, 8]}}
    with pytest.raises(DataError, match="was trained on other data; the source has changed since"):
        execute_study(parse_study(tiny_study), tmp_path / "study", workers=1)


def test_damaged_files_cost_nothing_that_can_be_had_again(tiny_study: dict[str, Any], tmp_path: Path) -> None:
    study = parse_study(tiny_study)
    before = execute_study(study, tmp_path, workers=1).table.drop(
        columns=["seconds", "cpu_seconds", "peak_memory_bytes"]
    )
    first, second, third, _ = (tmp_path / "runs" / run.name() for run in study.runs)
    (first / "result.json").write_text('{"status": "fin')
    (second / "config.json").unlink()
    (third / "config.json").write_text("")
    (tmp_path / "study.json").write_text("{")
    assert len(gather(study, tmp_path).table) == 3
    with pytest.raises(DataError, match=r"study\.json: damaged.*Run `chemscale study`"):
        study_status(tmp_path)
    after = execute_study(study, tmp_path, workers=1).table
    assert after.drop(columns=["seconds", "cpu_seconds", "peak_memory_bytes"]).equals(before)
