"""Cooldown forks: a copy of a run's checkpoint goes on with a falling learning rate, for the last ranking.

At a constant rate the last losses hold noise that a smaller rate would take away, most at large rates, so the order of
the best runs changes once the rate falls (haegele2024). The schedule `warmup_stable_decay` is the constant one until
its rate begins to fall. A fork from there is therefore exactly the run trained with that schedule from the start, on
the same budget, and only its last part is paid for.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chemscale.base.files import read_json, write_json
from chemscale.base.records import RunFolder
from chemscale.studies.execute import Stretch
from chemscale.studies.messages import Job
from chemscale.studies.run import RunConfig
from chemscale.studies.tuning.candidates import steps_done
from chemscale.studies.tuning.sizes import RunSize
from chemscale.studies.tuning.training import Tuning, carry_out
from chemscale.tpe.run_folders import FORKS
from chemscale.training.checkpoints import load_latest

ORIGIN = "forked_from.json"


def fork_step(size: RunSize, fraction: float) -> int:
    """The step from which the rate falls: the first of `warmup_stable_decay` that differs from the constant rate."""
    return size.total_steps - max(1, round(fraction * size.total_steps))


def fork_of(run: RunConfig, fraction: float) -> RunConfig:
    """The same run with a rate that falls over the last `fraction` of its budget."""
    change = {"schedule": "warmup_stable_decay", "decay_fraction": fraction}
    return dataclasses.replace(run, training=run.training.model_copy(update=change))


def fork_folder(tuning: Tuning, name: str) -> RunFolder:
    """Where the fork of a run lives: beside the runs, so that a study of the same grid does not see it."""
    fork = fork_of(tuning.runs[name], tuning.settings.cooldown_fraction)
    return RunFolder(tuning.folder / FORKS / fork.name())


def keep_fork_points(tuning: Tuning, names: Sequence[str]) -> None:
    """Copy the checkpoints of runs that stand exactly where their forks begin."""
    for name in names:
        source, target = tuning.run_folder(name), fork_folder(tuning, name)
        step = fork_step(tuning.sizes[name], tuning.settings.cooldown_fraction)
        if source.is_finished() or target.checkpoints.exists() or steps_done(source) != step:
            continue
        state = load_latest(source.checkpoints)
        if state is not None and state.step == step:
            _copy_whole(source.checkpoints, target.checkpoints, {"run": name, "step": step, "seconds": state.seconds})


def train_forks(tuning: Tuning, names: Sequence[str]) -> None:
    """Train the forks of these runs to their end, and drop the checkpoints kept for others.

    A run without a kept checkpoint (it was finished before forks were asked for) is trained from the start: the result
    is the same, the cost is not.
    """
    stretches = []
    for name in names:
        fork, folder = fork_of(tuning.runs[name], tuning.settings.cooldown_fraction), fork_folder(tuning, name)
        if not folder.is_finished():
            start = max(steps_done(folder), origin_step(folder))
            job = Job(fork.name(), fork.to_dict(), folder.path)
            stretches.append(Stretch(job, fork, start, tuning.sizes[name].total_steps))
    carry_out(tuning, stretches, f"cooldown, forks of the best {len(names)}", len(names))
    _drop_others(tuning, names)


def origin_step(folder: RunFolder) -> int:
    """The step at which a fork began; 0 where it was trained from the start."""
    return int(_origin(folder).get("step", 0))


def origin_seconds(folder: RunFolder) -> float:
    """The seconds that a fork's checkpoint had taken before; 0 where it was trained from the start."""
    return float(_origin(folder).get("seconds", 0.0))


def _origin(folder: RunFolder) -> dict[str, Any]:
    path = folder.checkpoints / ORIGIN
    return dict(read_json(path)) if path.exists() else {}


def _copy_whole(source: Path, target: Path, origin: dict[str, Any]) -> None:
    """Copy a checkpoint folder so that a kill leaves all of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".checkpoint."))
    try:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
        write_json(temporary / ORIGIN, origin)
        temporary.chmod(0o755)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _drop_others(tuning: Tuning, names: Sequence[str]) -> None:
    kept = {fork_folder(tuning, name).path for name in names}
    for path in (tuning.folder / FORKS).glob("*"):
        begun = (path / "config.json").exists()
        if path.is_dir() and path not in kept and not begun:
            shutil.rmtree(path)
