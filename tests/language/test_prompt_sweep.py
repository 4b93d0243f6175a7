"""A sweep over prompts: what it asks for, what it says of what comes back."""

from pathlib import Path

import pandas as pd
import pytest

from chemscale.base.errors import ConfigError, UserError
from chemscale.language import Checkpoint, load_checkpoint
from chemscale.language.prompt_sweep import PromptSweep, run_prompt_sweep, sweep_size, sweep_steps

VALUES = {
    "title": "a sweep",
    "molecules": ["CCCCCC(=O)Nc1ccc(O)cc1", "CCCCCCCC(=O)Nc1ccc(O)cc1"],
    "prompt_lengths": [3, -3],
    "molecules_per_prompt": 4,
    "strategies": [
        {"vary": "top_k", "values": [1, 5], "sampling": {"max_tokens": 60}},
        {"vary": "beams", "values": [2]},
    ],
}


@pytest.fixture(scope="module")
def checkpoint(trained_run: Path) -> Checkpoint:
    return load_checkpoint(trained_run)


def test_one_setting_is_varied_at_a_time() -> None:
    sweep = PromptSweep.parse(VALUES, "sweep")
    steps = sweep_steps(sweep)
    assert [str(step.sampling) for step in steps] == ["T 1, top 1", "T 1, top 5", "2 beams"]
    assert [step.sampling.max_tokens for step in steps] == [60, 60, None]
    assert [step.molecules(sweep) for step in steps] == [4, 4, 2]
    assert sweep_size(sweep) == 4 * (4 + 4 + 2)


def test_every_prompt_has_a_row_that_its_samples_bear_out(checkpoint: Checkpoint) -> None:
    sweep = PromptSweep.parse(VALUES, "sweep")
    found = list(run_prompt_sweep(checkpoint, sweep, seed=1))
    table = pd.concat([rows for rows, _ in found])
    assert len(table) == 3 * 4 and table["n_asked"].sum() == 40
    assert set(table["prompt_length"]) == {3, -3} and set(table["molecule"]) == {0, 1}
    # the likeliest token alone: the four samples of a prompt are one molecule
    top_1 = table[(table["strategy"] == "top_k") & (table["value"] == 1)]
    assert (top_1["unique"] == 0.25).all()
    rows, samples = found[1]
    for place, row in enumerate(rows.itertuples()):
        mine = samples[4 * place : 4 * place + 4]
        assert {sample.prompt.n_tokens for sample in mine} == {row.prompt_tokens}
        assert row.mean_tokens == pytest.approx(sum(sample.n_tokens for sample in mine) / 4)
        assert 0 <= row.passes_filters <= row.valid <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"molecules": ["c1cc"]}, "sweep.molecules.*is no molecule"),
        ({"strategies": [{"vary": "top_q", "values": [1]}]}, r"strategies\.0\.vary"),
        ({"strategies": [{"vary": "top_p", "values": [1.5]}]}, r"sampling.top_p.*\(got 1.5\)"),
        ({"strategies": [{"vary": "beams", "values": [2], "sampling": {"top_k": 5}}]}, "draws nothing"),
        ({"strategies": [{"vary": "top_k", "values": [2.7]}]}, "top_k is a whole number, got 2.7"),
        ({"strategies": [{"vary": "top_k", "values": [2]}, {"vary": "top_k", "values": [3]}]}, "called top_k; give"),
        ({"prompt_length": [3]}, "did you mean 'prompt_lengths'"),
    ],
)
def test_a_wrong_sweep_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PromptSweep.parse({**VALUES, **change}, "sweep")


def test_a_molecule_shorter_than_the_prompt_is_named(checkpoint: Checkpoint) -> None:
    sweep = PromptSweep.parse({**VALUES, "molecules": ["CCO"], "prompt_lengths": [5]}, "sweep")
    with pytest.raises(UserError, match=r"sweep.molecules: the prompt 'CCO' has 3 tokens; 5 of them"):
        list(run_prompt_sweep(checkpoint, sweep))
