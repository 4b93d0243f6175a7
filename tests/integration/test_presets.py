from typing import Any

import pytest

from chemscale.language.prompt_sweep import sweep_size
from chemscale.studies.presets import load, preset_names, preset_title
from chemscale.studies.run import parse_run
from chemscale.studies.study import is_study, parse_study
from chemscale.studies.tuning.family_tunes import values_by_family
from chemscale.verbs.sweeps import parse_sweep


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_run_study_or_sweep_with_a_title(name: str) -> None:
    values = load(name)
    assert len(preset_title(name)) > 20
    if "sweep" in values:
        assert sweep_size(parse_sweep(name)) > 0
        return
    assert parse_study(values).runs if is_study(values) else [parse_run(values)]


def test_the_paper_s_grid_is_the_paper_s_to_the_last_parameter() -> None:
    """Without building a model: 77,600 to 1,208,455,168 non-embedding parameters, 121,312 to 1,214,050,304 in all."""
    runs = parse_study(load("frey2023/chemgpt-paper")).runs
    sizes = [
        77_600,
        302_656,
        1_195_136,
        4_749_568,
        18_936_320,
        75_621_376,
        302_237_696,
        1_208_455_168,
    ]
    assert sorted({run.model.n_parameters() for run in runs}) == sizes
    with_published_vocabulary = [run.model.model_copy(update={"vocabulary_size": 684}) for run in runs]
    totals = sorted({model.n_parameters(embedding=True) for model in with_published_vocabulary})
    assert (totals[0], totals[-1]) == (121_312, 1_214_050_304)
    assert [run.data.size for run in runs[:5]] == [100, 1_000, 10_000, 100_000, "all"]
    for run in runs:
        assert (run.model.n_layers, run.model.n_heads, run.model.window) == (24, 16, 256)
        assert (run.data.protocol, run.data.block_tokens) == ("blocks", 512)
        training: Any = run.training
        assert (training.learning_rate, training.batch_size, training.epochs) == (2e-5, 8, 10)
        assert (training.schedule, training.warmup_steps, training.epsilon) == ("constant", 100, 1e-6)


def test_the_force_field_grid_is_the_paper_s() -> None:
    runs = parse_study(load("frey2023/nff-paper")).runs
    assert len(runs) == 3 * 9 * 4
    assert sorted({run.model.capacity() for run in runs}) == [32, 48, 64, 128, 192, 256, 512, 768, 1024]
    assert sorted({run.data.size for run in runs}) == [100, 1_000, 10_000, 100_000]
    for run in runs:
        assert run.model.cutoff == 5.0
        assert (run.loss.kind, run.loss.force_weight, run.loss.energy_weight) == ("l1", 1.0, 0.0)
        training: Any = run.training
        assert (training.optimiser, training.learning_rate, training.schedule) == ("adam", 1e-3, "plateau")
        assert (training.plateau_factor, training.plateau_patience) == (0.5, 30)
        assert (training.minimum_learning_rate, training.stop_patience) == (1e-7, 50)
        assert (training.epochs, training.evaluations) == (1000, 1000)


def test_the_force_field_tune_is_the_paper_s_grid_for_every_family() -> None:
    found = values_by_family(load("frey2023/nff-tpe"))
    assert list(found) == ["schnet", "painn", "spookynet"]
    for values in found.values():
        runs = parse_study(values).runs
        pairs = {(run.training.learning_rate, run.training.batch_size) for run in runs}
        assert pairs == {(rate, batch) for rate in (1e-3, 1e-4, 1e-5) for batch in (4, 8, 16, 32, 64)}


def test_the_laptop_grid_holds_the_published_capacity() -> None:
    runs = parse_study(load("frey2023/nff-laptop")).runs
    assert {run.family for run in runs} == {"schnet", "painn", "allegro", "spookynet"}
    assert {(run.model.width, run.model.depth) for run in runs} >= {(16, 4)}
