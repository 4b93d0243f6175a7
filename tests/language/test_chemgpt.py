import math

import numpy as np
import pytest
import torch

from chemscale.base.errors import ConfigError
from chemscale.language import ChemGPT, ChemGPTConfig
from chemscale.language.models.chemgpt import build_chemgpt, mean_context

PUBLISHED = {16: 77_600, 32: 302_656, 64: 1_195_136, 128: 4_749_568, 256: 18_936_320, 2048: 1_208_455_168}


@pytest.mark.parametrize(("width", "expected"), PUBLISHED.items())
def test_closed_form_gives_the_published_parameter_counts(width: int, expected: int) -> None:
    assert ChemGPTConfig(width=width).n_parameters() == expected


@pytest.mark.parametrize("width", [16, 64])
def test_counted_parameters_agree_with_the_closed_form(width: int) -> None:
    config = ChemGPTConfig(width=width, vocabulary_size=684)
    model = ChemGPT(config)
    assert model.n_parameters() == config.n_parameters()
    assert model.n_parameters(embedding=True) == config.n_parameters(embedding=True)
    assert model.n_parameters(embedding=True) == sum(value.numel() for value in model.state_dict().values())


def test_loss_at_initialisation_is_that_of_guessing() -> None:
    model = build_chemgpt(ChemGPTConfig(width=64, n_layers=4, vocabulary_size=97), seed=0)
    tokens = torch.randint(97, (8, 40), generator=torch.Generator().manual_seed(1))
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(97), abs=0.05)


def test_no_token_sees_a_later_one_and_padding_changes_nothing() -> None:
    model = build_chemgpt(ChemGPTConfig(width=32, n_layers=3, n_heads=4, vocabulary_size=30), seed=0)
    tokens = torch.randint(30, (2, 20), generator=torch.Generator().manual_seed(1))
    changed = tokens.clone()
    changed[:, 12:] = 0
    with torch.no_grad():
        whole, cut, padded = model(tokens), model(tokens[:, :12]), model(changed)
    torch.testing.assert_close(whole[:, :12], cut, atol=1e-5, rtol=0)
    torch.testing.assert_close(padded[:, :12], cut, atol=1e-5, rtol=0)
    assert not torch.allclose(whole[:, 12:], padded[:, 12:])


def test_local_layers_see_their_window_only() -> None:
    # one global and one local layer of window 4: what is 5 tokens back reaches a token through the global layer alone
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=11, window=4)
    local = build_chemgpt(config, seed=0).blocks[1].double()
    x = torch.randn(1, 12, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (gradient,) = torch.autograd.grad(local(x, "torch")[0, 10].sum(), x)
    reached = gradient[0].abs().sum(-1) > 0
    assert reached.tolist() == [7 <= position <= 10 for position in range(12)]


def test_mean_context_counts_what_each_token_sees() -> None:
    lengths = np.array([3, 7])
    for window in (None, 1, 4, 100):
        seen = [min(position + 1, window or 100) for length in lengths for position in range(length)]
        assert mean_context(lengths, window) == pytest.approx(sum(seen) / len(seen))


def test_same_seed_same_weights_and_the_global_stream_is_untouched() -> None:
    config = ChemGPTConfig(width=16, n_layers=1, n_heads=2, vocabulary_size=9)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = build_chemgpt(config, 3), build_chemgpt(config, 3)
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_bad_configurations_are_explained() -> None:
    with pytest.raises(ConfigError, match="width 20 is not a multiple of n_heads 16"):
        ChemGPTConfig.parse({"width": 20})
    with pytest.raises(ConfigError, match="vocabulary_size is not set"):
        ChemGPT(ChemGPTConfig(width=16))
    model = ChemGPT(ChemGPTConfig(width=16, n_layers=1, vocabulary_size=9, max_positions=8))
    with pytest.raises(ValueError, match="9 tokens, but the model has 8 positions"):
        model(torch.zeros(1, 9, dtype=torch.long))
