"""Attention against plain loops over molecules and atoms."""

import math

import pytest
import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.attention import (
    MoleculeLayout,
    exact_attention,
    favor_attention,
    random_directions,
)

COUNTS = (3, 1, 5)
WIDTH = 4


def layout_of(*counts: int) -> MoleculeLayout:
    frame = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    none = Segments.of(frame[:0], len(frame))
    zeros = torch.zeros(len(counts))
    return MoleculeLayout.of(AtomGraph(frame, Segments.of(frame, len(counts)), none, none, None, zeros, zeros))


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    query, key, value = torch.randn(3, sum(COUNTS), WIDTH, dtype=torch.float64)
    return query, key, value


def test_the_table_has_a_row_for_every_molecule() -> None:
    layout = layout_of(*COUNTS)
    rows = torch.arange(1.0, 10.0).unsqueeze(-1)
    table = layout.table(rows).squeeze(-1)
    assert table.tolist() == [[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [5, 6, 7, 8, 9]]
    assert torch.equal(layout.blocked.squeeze(1), table == 0)
    assert torch.equal(layout.atoms(layout.table(rows)), rows)


def test_exact_attention_is_a_softmax_over_the_molecule() -> None:
    query, key, value = inputs()
    expected = []
    for atoms in torch.arange(9).split(COUNTS):
        for i in atoms:
            weights = torch.tensor([math.exp(query[i] @ key[j] / math.sqrt(WIDTH)) for j in atoms]).double()
            expected.append((weights.unsqueeze(-1) * value[atoms]).sum(0) / weights.sum())
    attended = exact_attention(query, key, value, layout_of(*COUNTS))
    torch.testing.assert_close(attended, torch.stack(expected), rtol=1e-6, atol=1e-8)


def test_random_features_by_their_formula() -> None:
    query, key, value = inputs()
    omega = random_directions(WIDTH)
    expected = []
    for atoms in torch.arange(9).split(COUNTS):
        top = max(0.0, (key[atoms] @ omega).max().item() / WIDTH**0.25)
        keys = [features(key[j], omega, top) for j in atoms]
        for i in atoms:
            own = features(query[i], omega, (query[i] @ omega).max().item() / WIDTH**0.25)
            weights = torch.stack([own @ other for other in keys])
            expected.append((weights.unsqueeze(-1) * value[atoms]).sum(0) / (weights.sum() + 1e-8))
    attended = favor_attention(query, key, value, layout_of(*COUNTS), omega)
    torch.testing.assert_close(attended, torch.stack(expected), rtol=1e-9, atol=1e-12)


def features(x: Tensor, omega: Tensor, top: float) -> Tensor:
    exponent = x @ omega / WIDTH**0.25 - x @ x / (2 * math.sqrt(WIDTH)) - top
    return (torch.exp(exponent) + 1e-4) / math.sqrt(omega.shape[1])


def test_many_random_features_come_near_the_softmax() -> None:
    query, key, value = inputs()  # of length one: the floor under the features keeps longer ones from coming near
    query, key = (torch.nn.functional.normalize(part, dim=1) for part in (query, key))
    omega = torch.cat([random_directions(WIDTH) for _ in range(4000)], dim=1)
    layout = layout_of(*COUNTS)
    near, exact = favor_attention(query, key, value, layout, omega), exact_attention(query, key, value, layout)
    even = exact_attention(torch.zeros_like(query), key, value, layout)
    assert (even - exact).abs().max().item() > 0.1
    assert (near - exact).abs().max().item() < 0.02


@pytest.mark.parametrize("attention", ["exact", "favor"])
def test_molecules_do_not_see_each_other(attention: str) -> None:
    query, key, value = inputs()
    omega = random_directions(WIDTH)

    def attend(rows: Tensor, *counts: int) -> Tensor:
        parts = query[rows], key[rows], value[rows], layout_of(*counts)
        return exact_attention(*parts) if attention == "exact" else favor_attention(*parts, omega)

    together = attend(torch.arange(9), *COUNTS)
    alone = torch.cat([attend(atoms, len(atoms)) for atoms in torch.arange(9).split(COUNTS)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
