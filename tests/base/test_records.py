import math
from pathlib import Path

import numpy as np

from chemscale.base.records import CurvePoint, RunFolder, RunResult


def test_a_run_folder_reads_back_what_was_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert (run.state(), run.curve(), run.step_losses().shape) == ("new", [], (0,))
    run.write_config({"family": "x"})
    assert run.state() == "unfinished"
    run.write_failure("ValueError: no", "Traceback ...")
    assert (run.state(), run.failure()["error"]) == ("failed", "ValueError: no")
    points = [CurvePoint(1, 0.5, 4, 40, 2.0, 1.9, 1e-3, 0.1), CurvePoint(2, 1.0, 8, 80, math.nan, 1.8, 1e-3, 0.2)]
    run.write_curve(points)
    assert run.curve()[0] == points[0]
    assert math.isnan(run.curve()[1].train_loss)
    run.write_step_losses(np.array([2.0, 1.5]))
    assert run.step_losses().tolist() == [2.0, 1.5]
    result = RunResult("diverged", {"validation_loss": 1.8, "train_loss": math.nan}, {"steps": 2}, {"torch": "2"}, "h")
    run.write_result(result)
    assert (run.state(), run.is_finished()) == ("diverged", True)
    assert not (tmp_path / "failure.json").exists()
    assert run.result().losses["validation_loss"] == 1.8
    assert math.isnan(run.result().losses["train_loss"])
