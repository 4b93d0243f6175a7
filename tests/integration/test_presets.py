from typing import Any

import pytest

from chemscale.studies.presets import load, preset_names, preset_title
from chemscale.studies.run import parse_run
from chemscale.studies.study import is_study, parse_study


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_run_or_study_with_a_title(name: str) -> None:
    values = load(name)
    runs = parse_study(values).runs if is_study(values) else [parse_run(values)]
    assert runs
    assert len(preset_title(name)) > 20


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
