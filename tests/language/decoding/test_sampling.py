"""The choice of a token: against hand-worked cases, frequencies, and what transformers keeps."""

import numpy as np
import pytest
import torch

from chemscale.base.errors import ConfigError
from chemscale.language.decoding.draws import uniform_draws
from chemscale.language.decoding.sampling import Sampling, choose_tokens

PROBABILITIES = [0.05, 0.4, 0.1, 0.25, 0.2]


def chosen(draw: float, **settings: float) -> int:
    scores = torch.tensor([PROBABILITIES]).log()
    return int(choose_tokens(scores, Sampling.parse(settings), torch.tensor([draw], dtype=torch.float64))[0])


def test_a_draw_falls_where_the_cumulated_probability_passes_it() -> None:
    assert [chosen(draw) for draw in (0.0, 0.04, 0.06, 0.44, 0.46, 0.56, 0.79, 0.81, 0.9999)] == [
        0, 0, 1, 1, 2, 3, 3, 4, 4,
    ]  # fmt: skip


def test_top_k_keeps_the_likeliest() -> None:
    # of 0.4 and 0.25: the first holds 0.615 of what is left
    assert [chosen(draw, top_k=2) for draw in (0.0, 0.61, 0.62, 0.9999)] == [1, 1, 3, 3]
    assert [chosen(draw, top_k=1) for draw in (0.0, 0.9999)] == [1, 1]


def test_the_nucleus_is_the_fewest_tokens_that_reach_p() -> None:
    # 0.4 + 0.25 < 0.7 <= 0.4 + 0.25 + 0.2
    assert {chosen(draw, top_p=0.7) for draw in np.linspace(0, 0.9999, 200)} == {1, 3, 4}
    assert {chosen(draw, top_p=0.39) for draw in np.linspace(0, 0.9999, 50)} == {1}
    # after top-k the probabilities are those among the k: 0.471, 0.294, 0.235
    assert {chosen(draw, top_k=3, top_p=0.7) for draw in np.linspace(0, 0.9999, 200)} == {1, 3}


def test_greedy_takes_the_likeliest() -> None:
    assert chosen(0.99, greedy=True) == 1


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0.5}, {"temperature": 2.0, "top_p": 0.8}, {"top_k": 7, "top_p": 0.9}]
)
def test_frequencies_are_those_of_transformers_warpers(settings: dict[str, float]) -> None:
    transformers = pytest.importorskip("transformers", reason="the reference needs transformers (extra hf)")
    scores = torch.randn(1, 30, generator=torch.Generator().manual_seed(0)) * 2
    warped = scores / settings.get("temperature", 1.0)
    if "top_k" in settings:
        warped = transformers.TopKLogitsWarper(int(settings["top_k"]))(None, warped)
    if "top_p" in settings:
        warped = transformers.TopPLogitsWarper(settings["top_p"])(None, warped)
    n = 40_000
    draws = torch.from_numpy(uniform_draws(5, np.arange(n), np.zeros(n, dtype=np.int64)))
    tokens = choose_tokens(scores.expand(n, -1), Sampling.parse(settings), draws)
    seen = torch.bincount(tokens, minlength=30) / n
    expected = warped.softmax(1)[0]
    assert (seen[expected == 0] == 0).all()
    assert (seen - expected).abs().max() < 5 * (0.25 / n) ** 0.5


def test_draws_are_uniform_and_belong_to_their_place() -> None:
    samples, positions = np.divmod(np.arange(100_000), 50)
    draws = uniform_draws(3, samples, positions)
    assert draws.min() >= 0 and draws.max() < 1 and len(np.unique(draws)) == len(draws)
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8  # chi-squared, 19 degrees of freedom, one in a thousand
    neighbours = np.corrcoef(draws[:-1], draws[1:])[0, 1]
    assert abs(neighbours) < 0.01
    order = np.random.default_rng(0).permutation(len(draws))
    assert np.array_equal(uniform_draws(3, samples[order], positions[order]), draws[order])
    assert not np.array_equal(uniform_draws(4, samples, positions), draws)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"greedy": True, "beams": 3}, "exclude each other"),
        ({"beams": 3, "top_k": 5}, "beam search draws nothing, so top_k"),
        ({"greedy": True, "temperature": 0.5}, "greedy draws nothing, so temperature"),
        ({"temperature": 0}, "sampling.temperature"),
        ({"top_q": 0.5}, "did you mean 'top_p'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampling.parse(settings, "sampling")
