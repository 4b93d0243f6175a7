import json
from pathlib import Path
from typing import Any

import pytest

from chemscale.base.config import apply_overrides
from chemscale.base.errors import ConfigError, DataError
from chemscale.language.expected_data import expected_data
from chemscale.studies.cost import StudyCost, study_cost
from chemscale.studies.devices import LAUNCH_SECONDS_PER_LAYER, parse_device
from chemscale.studies.presets import load
from chemscale.studies.run import execute_run
from chemscale.studies.study import parse_study

PAPER = "frey2023/chemgpt-paper"
RECORDED = ("n_parameters", "n_parameters_total", "data_points", "steps", "training_flops")


@pytest.fixture(autouse=True)
def _no_data_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    expected_data.cache_clear()


def paper(device: str, *overrides: str, share: float | None = None) -> StudyCost:
    values = apply_overrides(load(PAPER), overrides)
    return study_cost(values, parse_device(device), utilisation_share=share)


@pytest.mark.parametrize("protocol", ["molecules", "blocks"])
def test_costs_are_what_the_run_then_records(tiny_study: dict[str, Any], tmp_path: Path, protocol: str) -> None:
    data = tiny_study["data"] | {"protocol": protocol, "block_tokens": 32}
    values = tiny_study | {"data": data, "grid": {"model": {"width": [8]}, "data": {"size": [50, "all"]}}}
    sampled = study_cost(values, parse_device("h100"))
    runs = parse_study(values).runs
    results = [execute_run(run, tmp_path / run.name()) for run in runs]
    expected_data.cache_clear()
    counted = study_cost(values, parse_device("h100"))
    for result, exact, near in zip(results, counted.runs, sampled.runs, strict=True):
        assert result is not None
        found = vars(exact.workload) | {"n_parameters_total": exact.workload.n_parameters_total}
        assert {key: found[key] for key in RECORDED} == pytest.approx({key: result.resources[key] for key in RECORDED})
        assert exact.workload.labels == result.resources["tokens_seen"]
        assert exact.workload.assumptions == ()
        assert near.workload.training_flops == pytest.approx(result.resources["training_flops"], rel=0.05)
    assert counted.training_flops == pytest.approx(sum(run.workload.training_flops for run in counted.runs))


@pytest.mark.parametrize("budget", [{"steps": 13}, {"tokens": 3000}, {"epochs": 1.3}])
def test_a_budget_that_ends_within_an_epoch_is_met_closely(
    tiny_study: dict[str, Any], tmp_path: Path, budget: dict[str, float]
) -> None:
    values = tiny_study | {"training": {"batch_size": 16, "evaluations": 1} | budget}
    values["grid"] = {"model": {"width": [4]}, "data": {"size": [120]}}
    run = parse_study(values).runs[0]
    result = execute_run(run, tmp_path / run.name())
    assert result is not None
    cost = study_cost(values, parse_device("a100")).runs[0]
    assert cost.workload.steps == result.resources["steps"]
    assert cost.workload.labels == pytest.approx(result.resources["tokens_seen"], rel=0.1)


def test_the_published_grid_is_priced_without_its_data() -> None:
    cost = paper("v100x2")
    assert len(cost.runs) == 40
    sizes = sorted({run.workload.n_parameters for run in cost.runs})
    assert (sizes[0], sizes[-1]) == (77_600, 1_208_455_168)
    largest = cost.biggest
    blocks = largest.workload.data_points
    assert blocks == pytest.approx(595_032, rel=3e-4)  # Frey et al. 2023: 304,656,384 tokens
    assert largest.workload.steps == 10 * -(-blocks // 8)
    # by hand: 6 N, the head, and attention over 256 tokens of 511 (global) and 191.9 (window of 256) on average
    contexts = 12 * 512 / 2 + 12 * (256 * 257 / 2 + 255 * 256) / 511
    per_label = 3 * (2 * 1_208_455_168 + 2 * 684 * 2048 + 4 * 2048 * contexts)
    assert largest.workload.training_flops == pytest.approx(per_label * blocks * 10 * 511, rel=1e-9)
    # float32 weights, gradients and two moments of 1.214 billion parameters
    memory = largest.workload.memory
    assert memory.weights + memory.gradients + memory.optimiser == pytest.approx(16 * 1_214_050_304, rel=1e-6)
    assert largest.parallelism.kind == "data parallel"
    assert 25e9 < largest.parallelism.memory < 0.95 * 32e9
    assert cost.device_hours == pytest.approx(sum(run.seconds * run.parallelism.devices for run in cost.runs) / 3600)
    assert cost.wall_hours <= cost.device_hours <= 2 * cost.wall_hours


def test_the_largest_model_is_sharded_where_memory_is_small() -> None:
    alone, two = paper("v100-16").biggest, paper("v100-16x2").biggest
    assert (alone.parallelism.kind, alone.parallelism.devices, alone.parallelism.enough) == ("sharded", 2, False)
    assert (two.parallelism.kind, two.parallelism.devices, two.parallelism.enough) == ("sharded", 2, True)
    assert "sharded over 2, more than there are" in str(paper("v100-16"))


def test_seconds_are_flops_by_peak_and_utilisation() -> None:
    cost = paper("h200x8", "grid.model.width=[2048]", "grid.data.size=[10000]", share=0.4)
    run = cost.runs[0]
    rate = 0.4 * 989e12 * 8
    expected = (run.workload.training_flops + run.workload.validation_flops) / rate
    assert run.seconds == pytest.approx(expected)
    assert run.parallelism.devices == 8
    assert run.device_hours == pytest.approx(8 * expected / 3600)
    assert run.workload.validation_flops == pytest.approx(
        run.workload.training_flops / run.workload.labels / 3 * 31_250 * 511 * 10
    )
    assert any("0.4 at every size" in note for note in cost.assumptions)


def test_a_small_model_takes_as_long_as_its_launches_and_one_device() -> None:
    run = paper("h200x8", "grid.model.width=[16]", "grid.data.size=[500000]").runs[0]
    launches = run.workload.steps * 24 * LAUNCH_SECONDS_PER_LAYER
    assert run.seconds - run.evaluation_seconds == pytest.approx(launches)
    assert run.parallelism.kind == "one device"
    wider = paper("h200x8", "grid.model.width=[128]", "grid.data.size=[500000]").runs[0]
    assert wider.seconds == pytest.approx(run.seconds, rel=0.3)


def test_evaluations_are_counted_and_can_be_most_of_it() -> None:
    run = paper("a100", "grid.model.width=[512]", "grid.data.size=[100]").runs[0]
    assert run.workload.validation_flops > 10 * run.workload.training_flops
    assert run.evaluation_seconds > 0.9 * run.seconds
    assert paper("a100", "grid.model.width=[512]", "grid.data.size=[100]", "training.evaluations=1").runs[0].seconds < (
        0.2 * run.seconds
    )


def test_precision_follows_the_device_and_the_configuration() -> None:
    assert {run.precision for run in paper("v100").runs} == {"float32"}
    assert {run.precision for run in paper("a100").runs} == {"bfloat16"}
    slow = paper("a100", "training.precision=float32")
    assert {run.precision for run in slow.runs} == {"float32"}
    assert slow.device_hours > 2 * paper("a100").device_hours


def test_this_machine_is_measured_and_what_is_too_large_extrapolated(tiny_study: dict[str, Any]) -> None:
    grid = {"model": {"width": [4, 8, 4096]}, "data": {"size": [40, 120]}}
    cost = study_cost(tiny_study | {"grid": grid}, parse_device("this"), seconds_to_measure=0.2)
    by_width = {run.workload.width: run for run in cost.runs}
    assert [by_width[width].extrapolated for width in (4, 4096)] == [False, True]
    for run in cost.runs:
        assert run.seconds > run.evaluation_seconds > 0
        assert run.utilisation is None
    # the same measurement serves all data sizes of a model
    small, large = (run for run in cost.runs if run.workload.width == 8)
    rate = small.workload.training_flops / (small.seconds - small.evaluation_seconds)
    assert large.workload.training_flops / (large.seconds - large.evaluation_seconds) == pytest.approx(rate)
    assert any("too large to time" in note for note in cost.assumptions)


def test_a_cost_prints_and_becomes_json() -> None:
    cost = paper("h100x4", "grid.model.width=[64, 2048]")
    text = str(cost)
    assert text.splitlines()[0] == "Neural scaling of ChemGPT, the published grid, on h100x4"
    for part in ("1.21B", "1.2M", "10 runs", "device-hours", "biggest", "Rests on:", "not on this machine"):
        assert part in text
    values = json.loads(json.dumps(cost.to_dict(), allow_nan=False))
    assert values["device"] == "h100x4"
    assert values["device_hours"] == pytest.approx(cost.device_hours)
    assert values["runs"][0]["workload"]["memory"]["weights"] == 4 * cost.runs[0].workload.n_parameters_total
    assert values["runs"][-1]["needs"] == str(cost.runs[-1].parallelism)


def test_one_run_is_a_study_of_one() -> None:
    cost = study_cost(load("smoke/chemgpt"), parse_device("a100"))
    assert len(cost.runs) == 1
    assert cost.runs[0].workload.steps == 4 * 79


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"utilisation: .* is no share of a peak; give a number above 0, up to 1"):
        paper("h100", share=share)


def test_what_is_wrong_is_named(tiny_study: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="this machine is measured, so leave it out"):
        study_cost(tiny_study, parse_device("this"), utilisation_share=0.4)
    with pytest.raises(ConfigError, match="the runs are for cuda, but 'this' measures the processor"):
        study_cost(tiny_study | {"device": "cuda"}, parse_device("this"))
    with pytest.raises(ConfigError, match=r"model\.widht: unknown key"):
        study_cost(tiny_study | {"model": {"widht": 3}}, parse_device("h100"))
    with pytest.raises(ConfigError, match=r"model\.max_positions is 256, but sequences have 512 tokens"):
        paper("h100", "model.max_positions=256")
    with pytest.raises(DataError, match="nobody knows how many"):
        paper("h100", "data.source=nowhere.smi")
    with pytest.raises(DataError, match=r"data.size is 1000000, but 'pubchem10m' has about 595,\d\d\d blocks"):
        paper("h100", "grid.data.size=[1000000]")
