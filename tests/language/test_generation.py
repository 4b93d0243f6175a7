"""Generation of a small trained model: against transformers, against full decoding, and against itself."""

from pathlib import Path
from typing import Any

import pytest
import torch

from chemscale.base.errors import ConfigError, UserError
from chemscale.chem.selfies_encoding import split_selfies
from chemscale.language import Checkpoint, generation, load_checkpoint, to_huggingface
from chemscale.language.decoding.beams import BeamSearch
from chemscale.language.decoding.begun import Request
from chemscale.language.decoding.samples import Sampler
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.decoding.step import Decoder
from chemscale.language.generation import Sample, generate, spread
from chemscale.language.models.chemgpt import ChemGPTConfig, build_chemgpt
from chemscale.language.prompts import Prompt, parse_prompt
from chemscale.language.wordpiece import WordPieceTokenizer

PROMPTS = ("CCO", "c1ccccc1", "CCCCCC(=O)N", "CC(=O)Nc1ccc(O)cc1")


@pytest.fixture(scope="module")
def checkpoint(trained_run: Path) -> Checkpoint:
    return load_checkpoint(trained_run)


@pytest.fixture(scope="module")
def prompts(checkpoint: Checkpoint) -> list[Prompt]:
    return [parse_prompt(text, checkpoint.tokenizer) for text in PROMPTS]


def ids(checkpoint: Checkpoint, sample: Sample) -> list[int]:
    encoded = checkpoint.tokenizer.encode_text(sample.text)
    return encoded if sample.complete else encoded[:-1]


def log_probability(checkpoint: Checkpoint, sample: Sample) -> float:
    tokens = torch.tensor([ids(checkpoint, sample)])
    begin = len(sample.prompt.token_ids)
    with torch.inference_mode():
        scores = checkpoint.model(tokens)[0].log_softmax(1)
    return float(scores[range(begin - 1, tokens.shape[1] - 1), tokens[0, begin:]].sum())


def test_samples_are_repeatable_and_do_not_depend_on_what_is_drawn_beside_them(checkpoint: Checkpoint) -> None:
    sampling = Sampling(top_k=10, temperature=1.2, max_tokens=60)
    samples = list(generate(checkpoint, 150, sampling=sampling, seed=3))
    assert [sample.number for sample in samples] == list(range(150))
    assert samples == list(generate(checkpoint, 150, sampling=sampling, seed=3))
    smaller = sampling.model_copy(update={"batch_size": 7})
    again = list(generate(checkpoint, 60, sampling=smaller, seed=3))
    assert [sample.text for sample in again] == [sample.text for sample in samples[:60]]
    other = list(generate(checkpoint, 60, sampling=sampling, seed=4))
    assert [sample.text for sample in other] != [sample.text for sample in samples[:60]]
    assert len({sample.text for sample in samples}) > 50


def test_log_probabilities_are_those_of_the_whole_sequence(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    sampling = Sampling(top_p=0.9, temperature=1.5, max_tokens=50)
    for sample in generate(checkpoint, 5, sampling=sampling, prompts=prompts):
        assert sample.log_probability == pytest.approx(log_probability(checkpoint, sample), abs=1e-3)
        assert sample.n_tokens == len(ids(checkpoint, sample)) - len(sample.prompt.token_ids) - sample.complete


def test_prompts_stand_at_the_head(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    samples = list(generate(checkpoint, 4, sampling=Sampling(max_tokens=50), prompts=prompts))
    assert len(samples) == 16
    for sample in samples:
        assert tuple(ids(checkpoint, sample)[: len(sample.prompt.token_ids)]) == sample.prompt.token_ids
        assert sample.prompt is prompts[sample.number // 4]


@pytest.mark.parametrize("backend", ["torch", "native"])
def test_a_sample_ends_at_the_longest_length(trained_run: Path, backend: str) -> None:
    trained = load_checkpoint(trained_run)
    trained.model.config = trained.model.config.model_copy(update={"attention": backend})
    sampling = Sampling(temperature=3.0, max_tokens=12)
    samples = list(generate(trained, 40, sampling=sampling))
    assert {sample.complete for sample in samples} == {True, False}
    for sample in samples:
        length = 1 + sample.n_tokens + sample.complete
        assert length <= 12 and (sample.complete or length == 12)
        assert sample.log_probability == pytest.approx(log_probability(trained, sample), abs=1e-3)


def test_greedy_is_the_greedy_of_transformers(checkpoint: Checkpoint, prompts: list[Prompt], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the reference needs transformers (extra hf)")
    to_huggingface(checkpoint.model, checkpoint.tokenizer, tmp_path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    reloaded = load_checkpoint(tmp_path)
    for sample in generate(reloaded, 1, sampling=Sampling(greedy=True, max_tokens=40, batch_size=3), prompts=prompts):
        start = torch.tensor([sample.prompt.token_ids])
        expected = reference.generate(start, do_sample=False, max_length=40)[0].tolist()
        assert ids(checkpoint, sample) == expected


@pytest.mark.parametrize(
    ("beams", "max_tokens", "length_penalty"), [(2, 40, 1.0), (5, 40, 1.0), (4, 40, 0.0), (3, 12, 1.0)]
)
def test_beams_are_those_of_transformers(
    checkpoint: Checkpoint,
    prompts: list[Prompt],
    tmp_path: Path,
    beams: int,
    max_tokens: int,
    length_penalty: float,
) -> None:
    transformers = pytest.importorskip("transformers", reason="the reference needs transformers (extra hf)")
    to_huggingface(checkpoint.model, checkpoint.tokenizer, tmp_path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    sampling = Sampling(beams=beams, max_tokens=max_tokens, length_penalty=length_penalty, batch_size=2 * beams)
    wanted = [prompt for prompt in prompts if len(prompt.token_ids) < max_tokens - 2]
    samples = list(generate(checkpoint, beams, sampling=sampling, prompts=wanted))
    for i, prompt in enumerate(wanted):
        found = reference.generate(
            torch.tensor([prompt.token_ids]),
            do_sample=False,
            num_beams=beams,
            num_return_sequences=beams,
            length_penalty=length_penalty,
            max_length=max_tokens,
        )
        eos = checkpoint.tokenizer.eos_id
        for sample, row in zip(samples[i * beams : (i + 1) * beams], found.tolist(), strict=True):
            ours = [*ids(checkpoint, sample), eos]
            theirs = [*row, eos]  # shorter beams of the reference are filled up with [eos] or [pad]
            assert ours[: ours.index(eos)] == theirs[: theirs.index(eos)]
            assert sample.log_probability == pytest.approx(log_probability(checkpoint, sample), abs=1e-3)


def test_one_beam_is_greedy(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    greedy = generate(checkpoint, 1, sampling=Sampling(greedy=True, max_tokens=40), prompts=prompts)
    beam = generate(checkpoint, 1, sampling=Sampling(beams=1, max_tokens=40), prompts=prompts)
    assert [sample.text for sample in greedy] == [sample.text for sample in beam]


def test_what_cannot_be_given_is_refused(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    with pytest.raises(UserError, match=r"5 molecules of a prompt, but 3 beams gives 3"):
        generate(checkpoint, 5, sampling=Sampling(beams=3, max_tokens=40))
    with pytest.raises(UserError, match="leaves no room"):
        generate(checkpoint, 1, sampling=Sampling(max_tokens=5), prompts=prompts)
    with pytest.raises(UserError, match="2 numbers for 4 prompts"):
        generate(checkpoint, [1, 2], sampling=Sampling(max_tokens=40), prompts=prompts)
    with pytest.raises(ConfigError, match="the model has 128 positions"):
        generate(checkpoint, 1, sampling=Sampling(max_tokens=129))
    with pytest.raises(UserError, match="ask for 1 or more"):
        generate(checkpoint, 0, sampling=Sampling(max_tokens=40))


def test_molecules_are_spread_evenly_over_prompts() -> None:
    assert spread(10, 4) == [3, 3, 2, 2]


def test_asking_for_more_of_each_prompt_adds_to_them(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    sampling = Sampling(max_tokens=50)
    few = list(generate(checkpoint, 3, sampling=sampling, prompts=prompts, seed=2))
    more = list(generate(checkpoint, [5, 3, 0, 4], sampling=sampling, prompts=prompts, seed=2))
    assert [sample.number for sample in more] == list(range(12))
    assert [sample.text for sample in more[:3]] == [sample.text for sample in few[:3]]
    assert [sample.text for sample in more[5:8]] == [sample.text for sample in few[3:6]]
    assert [sample.text for sample in more[8:11]] == [sample.text for sample in few[9:12]]


def test_rounds_give_what_one_round_gives(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = Sampling(top_k=10, max_tokens=50)
    expected = [(sample.number, sample.text) for sample in generate(checkpoint, 40, sampling=sampling)]
    monkeypatch.setattr(generation, "SAMPLES_A_ROUND", 7)
    assert [(sample.number, sample.text) for sample in generate(checkpoint, 40, sampling=sampling)] == expected


def test_equal_prompts_have_beams_of_their_own(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    sampling = Sampling(beams=3, max_tokens=40)
    found = list(generate(checkpoint, 3, sampling=sampling, prompts=[prompts[0], prompts[0]]))
    assert [sample.text for sample in found[:3]] == [sample.text for sample in found[3:]]


@pytest.mark.parametrize("settings", [{"top_k": 5, "batch_size": 4}, {"beams": 3, "batch_size": 6}, {"greedy": True}])
def test_no_kept_row_is_lost(checkpoint: Checkpoint, prompts: list[Prompt], settings: dict[str, Any]) -> None:
    decoder = Decoder(checkpoint.model)
    sampling = Sampling.parse({**settings, "max_tokens": 40})
    requests = [Request(prompt.token_ids, list(range(i << 32, (i << 32) + 1))) for i, prompt in enumerate(prompts)]
    eos, banned = checkpoint.tokenizer.eos_id, [checkpoint.tokenizer.pad_id]
    with torch.inference_mode():
        if sampling.beams:
            found = list(BeamSearch(decoder, sampling, eos, banned).run(requests))
        else:
            found = list(Sampler(decoder, sampling, eos, banned, key=1).run(requests))
    assert len(found) == len(prompts) and decoder.rows.in_use == 0


def test_a_prompt_may_leave_room_for_one_token(checkpoint: Checkpoint, prompts: list[Prompt]) -> None:
    longest = len(prompts[0].token_ids) + 1
    (sample,) = generate(checkpoint, 1, sampling=Sampling(max_tokens=longest), prompts=prompts[:1])
    assert sample.n_tokens + sample.complete == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_published_tokenizer_generates_whole_symbols_only(version: str) -> None:
    """Its vocabulary has letters and pieces too, and a model without training would take them."""
    branch = "[Branch1_2]" if version == "v1" else "[=Branch1]"
    symbols = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "[", "C", "##1]", "##Branch", "[C]", "[=O]", "[N]", branch]
    tokenizer = WordPieceTokenizer({symbol: index for index, symbol in enumerate(symbols)})
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=20, max_positions=32)
    published = Checkpoint(build_chemgpt(config, seed=0).eval(), tokenizer, Path("published"))
    prompt = parse_prompt(f"[C]{branch}[C][=O][N]", tokenizer)
    assert prompt.n_tokens == 5
    samples = list(generate(published, 50, sampling=Sampling(max_tokens=20), prompts=[prompt]))
    assert len(samples) == 50 and {sample.complete for sample in samples} == {True, False}
    for sample in samples:
        assert set(split_selfies(sample.text)) <= {"[C]", "[=O]", "[N]", branch}
    assert all(sample.smiles for sample in samples)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_greedy_is_the_same_on_a_gpu(trained_run: Path, prompts: list[Prompt]) -> None:
    trained = load_checkpoint(trained_run)
    sampling = Sampling(greedy=True, max_tokens=40)
    expected = [sample.text for sample in generate(trained, 1, sampling=sampling, prompts=prompts)]
    trained.model.cuda()
    assert [sample.text for sample in generate(trained, 1, sampling=sampling, prompts=prompts)] == expected
