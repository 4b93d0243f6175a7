import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chemscale.base.errors import ConfigError
from chemscale.base.records import RunFolder
from chemscale.studies.run import execute_run, parse_run
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.cooldown import fork_of, fork_step
from chemscale.studies.tuning.sizes import RunSize
from chemscale.studies.tuning.tune import tune
from chemscale.training.schedules import learning_rate


@pytest.fixture
def cooled_tune(tiny_tune: dict[str, Any]) -> dict[str, Any]:
    tiny_tune["tune"] = {"keep": 2, "cooldown": 2}
    tiny_tune["grid"]["training"] = {"learning_rate": [1e-3, 1e-2, 3e-2, 1e-1], "batch_size": [8]}
    return tiny_tune


def test_a_fork_begins_where_the_rate_begins_to_fall(cooled_tune: dict[str, Any]) -> None:
    run = parse_study(cooled_tune).runs[0]
    for total in (7, 20, 63, 100):
        for fraction in (0.05, 0.2, 0.5):
            fork = fork_of(run, fraction)
            step = fork_step(RunSize(5, total, 100, 1.0), fraction)
            before = [learning_rate(run.training, s, total) for s in range(total)]
            after = [learning_rate(fork.training, s, total) for s in range(total)]
            # the same rates up to and with the fork's first step, then a strict fall
            assert before[: step + 1] == after[: step + 1]
            assert (np.diff(after[step:]) < 0).all()


def test_a_fork_is_the_run_trained_with_that_schedule_from_the_start(
    cooled_tune: dict[str, Any], tmp_path: Path
) -> None:
    outcome = tune(cooled_tune, tmp_path / "tune", executor="here")
    forks = [RunFolder(path) for path in sorted((tmp_path / "tune" / "cooldown").glob("*"))]
    assert len(forks) == 2
    for fork in forks:
        assert json.loads((fork.checkpoints / "forked_from.json").read_text())["step"] == 16
        alone = RunFolder(tmp_path / "alone" / fork.name)
        config = parse_run(fork.config())
        assert config.training.schedule == "warmup_stable_decay"
        execute_run(config, alone.path)
        assert fork.step_losses().tobytes() == alone.step_losses().tobytes()
        for ours, theirs in zip(fork.curve(), alone.curve(), strict=True):
            assert vars(ours) | {"seconds": 0} == vars(theirs) | {"seconds": 0}
        for name in ("model", "optimiser"):
            a, b = (torch.load(one.checkpoints / "latest.pt", weights_only=True)[name] for one in (fork, alone))
            torch.testing.assert_close(a, b, rtol=0, atol=0)
        assert (fork.checkpoints / "best.safetensors").read_bytes() == (
            alone.checkpoints / "best.safetensors"
        ).read_bytes()
        assert fork.result().losses == alone.result().losses
    cooled = {run.run: run.cooled for run in outcome.runs if run.cooled is not None}
    assert sorted(cooled.values()) == sorted(fork.result().losses["final_validation_loss"] for fork in forks)


def test_both_rankings_are_told_and_the_lower_loss_decides(cooled_tune: dict[str, Any], tmp_path: Path) -> None:
    outcome = tune(cooled_tune, tmp_path, executor="here")
    forked = outcome.runs[:2]
    finals = {run.run: run.final for run in forked if run.final is not None}
    cooled = {run.run: run.cooled for run in forked if run.cooled is not None}
    assert outcome.constant_ranking == tuple(sorted(finals, key=finals.__getitem__))
    assert outcome.cooled_ranking == tuple(sorted(cooled, key=cooled.__getitem__))
    reached = {run: min(finals[run], cooled[run]) for run in finals}
    assert outcome.best == min(reached, key=reached.__getitem__)
    is_fork = cooled[outcome.best] < finals[outcome.best]
    best = parse_run(outcome.best_values)
    assert best.training.schedule == ("warmup_stable_decay" if is_fork else "constant")
    assert ("training.schedule=warmup_stable_decay" in outcome.set_line) == is_fork
    worse = [run for run in finals if cooled[run] >= finals[run]]
    told = [text for text in outcome.warnings if text.startswith("a falling rate did not lower")]
    assert len(told) == bool(worse)
    assert all(run in told[0] for run in worse)
    # a fork costs its last fifth: 4 of 20 steps
    assert outcome.saving.forks.steps == 8
    assert outcome.saving.spent.steps == 2 * 20 + 2 * 4 + 8
    assert outcome.saving.forks.flops == pytest.approx(8 / 80 * outcome.saving.full.flops)


def test_only_the_best_are_forked_and_no_other_checkpoint_is_kept(cooled_tune: dict[str, Any], tmp_path: Path) -> None:
    cooled_tune["tune"]["cooldown"] = 1
    outcome = tune(cooled_tune, tmp_path, executor="here")
    assert [run.cooled is not None for run in outcome.runs] == [True, False, False, False]
    assert outcome.runs[0].run == outcome.constant_ranking[0]
    assert len(list((tmp_path / "cooldown").iterdir())) == 1
    # asked for later, the other fork is trained from the start: the same result, at a higher cost
    cooled_tune["tune"]["cooldown"] = 2
    later = tune(cooled_tune, tmp_path, executor="here")
    assert later.saving.forks.steps == 4 + 20


def test_decisions_come_before_the_rate_falls(cooled_tune: dict[str, Any], tmp_path: Path) -> None:
    cooled_tune["tune"] = {"policy": "race", "fraction": 0.2, "every": 0.2, "factor": 1e9, "keep": 1, "cooldown": 1}
    outcome = tune(cooled_tune, tmp_path, executor="here")
    assert [one.place for one in outcome.decisions[::4]] == pytest.approx([0.2, 0.4, 0.6])
    assert len(outcome.constant_ranking) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"schedule": "cosine"}}, "tune.cooldown: a fork needs a constant rate .* 'cosine'"),
        ({"tune": {"fraction": 0.8}}, r"tune\.cooldown_fraction: .* from 0\.8 of the budget on, and no decision"),
    ],
)
def test_what_cannot_be_cooled_is_refused(
    cooled_tune: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    for table, settings in change.items():
        cooled_tune[table] |= settings
    with pytest.raises(ConfigError, match=message):
        tune(cooled_tune, tmp_path, executor="here")
