"""Cached decoding gives the states of the whole sequence, whatever rows they are kept in."""

import numpy as np
import pytest
import torch

from chemscale.language.decoding.rows import FreeRows
from chemscale.language.decoding.step import Decoder
from chemscale.language.models.chemgpt import ChemGPT, ChemGPTConfig, build_chemgpt
from chemscale.language.native.library import native_available, why_not

BACKENDS = [
    "torch",
    pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason=f"native operators: {why_not()}")),
]


def perturbed(backend: str, width: int = 32, n_heads: int = 4) -> ChemGPT:
    config = ChemGPTConfig(
        width=width, n_heads=n_heads, n_layers=4, vocabulary_size=50, window=8, max_positions=64, attention=backend
    )
    model = build_chemgpt(config, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("width", "n_heads"), [(32, 4), (16, 16), (48, 16), (42, 6), (40, 20)])
def test_step_by_step_equals_the_whole_sequence(backend: str, width: int, n_heads: int) -> None:
    model = perturbed(backend, width, n_heads)
    tokens = torch.randint(50, (9, 21), generator=torch.Generator().manual_seed(2))
    decoder = Decoder(model)
    table = torch.zeros(9, 21, dtype=torch.int32)
    states = []
    with torch.inference_mode():
        expected = model.hidden_states(tokens)
        for position in range(21):
            table[:, position] = torch.from_numpy(decoder.take_rows(9))
            lengths = torch.full((9,), position + 1, dtype=torch.int32)
            states.append(decoder.hidden_states(tokens[:, position], table, lengths))
    assert (torch.stack(states, 1) - expected).abs().max() < 2e-5


@pytest.mark.parametrize("backend", BACKENDS)
def test_sequences_of_different_lengths_share_and_reuse_rows(backend: str) -> None:
    model = perturbed(backend)
    decoder = Decoder(model)
    decoder.take_rows(5)  # rows need not begin at zero
    first = torch.randint(50, (1, 12), generator=torch.Generator().manual_seed(3))
    rows = decoder.take_rows(12)
    with torch.inference_mode():
        for position in range(12):
            table = torch.from_numpy(rows[None])
            decoder.hidden_states(first[:, position], table, torch.tensor([position + 1], dtype=torch.int32))
        # two sequences that go on after 4 and after 11 of the same tokens
        new = decoder.take_rows(2)
        table = torch.from_numpy(np.stack([rows, rows]))
        table[0, 4], table[1, 11] = int(new[0]), int(new[1])
        ids = torch.tensor([7, 9])
        states = decoder.hidden_states(ids, table, torch.tensor([5, 12], dtype=torch.int32))
        for own, begin, token in zip(states, (4, 11), (7, 9), strict=True):
            whole = torch.cat([first[:, :begin], torch.tensor([[token]])], 1)
            assert (own - model.hidden_states(whole)[0, -1]).abs().max() < 2e-5


def test_a_decoder_takes_more_rows_than_it_began_with() -> None:
    model = perturbed("torch")
    decoder = Decoder(model)
    tokens = torch.randint(50, (300, 20), generator=torch.Generator().manual_seed(4))
    table = torch.zeros(300, 20, dtype=torch.int32)
    with torch.inference_mode():
        for position in range(20):
            table[:, position] = torch.from_numpy(decoder.take_rows(300))
            last = decoder.hidden_states(
                tokens[:, position], table, torch.full((300,), position + 1, dtype=torch.int32)
            )
        assert (last - model.hidden_states(tokens)[:, -1]).abs().max() < 2e-5
    assert decoder.rows.in_use == 6000


def test_rows_are_given_out_once() -> None:
    rows = FreeRows(4)
    held = list(rows.take(3))
    rows.give_back(np.array(held[:2], dtype=np.int32))
    more = list(rows.take(7))
    assert len({*held[2:], *more}) == 8
    assert rows.in_use == 8 and rows.n_rows >= 8
