"""Kinds of atoms, and how charge and spin spread over them."""

import pytest
import torch

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.atom_kinds import atom_kinds
from chemscale.forcefields.spooky.embedding import AtomEmbedding

NUMBERS = [8, 1, 1, 7, 1, 1, 1, 1, 6, 1]
FRAME = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]
SPECIES = (1, 6, 7, 8)


def three_frames(charges: list[float], unpaired: list[float]) -> AtomGraph:
    none = Segments.of(torch.zeros(0, dtype=torch.int64), 10)
    frames = Segments.of(torch.tensor(FRAME), 3)
    return AtomGraph(torch.tensor(NUMBERS), frames, none, none, None, torch.tensor(charges), torch.tensor(unpaired))


def elements_of(graph: AtomGraph) -> torch.Tensor:
    return torch.tensor([SPECIES.index(number) for number in graph.atomic_numbers.tolist()])


def embedded(graph: AtomGraph, embedding: AtomEmbedding) -> torch.Tensor:
    kinds = atom_kinds(graph, elements_of(graph), len(SPECIES))
    return kinds.of_atom.gather(embedding(graph, kinds, False))


@pytest.fixture
def embedding() -> AtomEmbedding:
    torch.manual_seed(3)
    made = AtomEmbedding(5, SPECIES).double()
    for weights in made.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
    return made


def test_neutral_frames_have_the_elements_as_kinds() -> None:
    graph = three_frames([0.0] * 3, [0.0] * 3)
    kinds = atom_kinds(graph, elements_of(graph), len(SPECIES))
    assert not kinds.charged
    assert kinds.counts.tolist() == [7, 1, 1, 1]
    assert torch.equal(kinds.of_atom.index, elements_of(graph))


def test_charged_frames_have_kinds_of_their_own() -> None:
    graph = three_frames([0.0, 1.0, 0.0], [0.0] * 3)
    kinds = atom_kinds(graph, elements_of(graph), len(SPECIES))
    assert kinds.charged
    assert len(kinds.counts) == 5  # H and N of the ion; H, C and O of the neutral frames
    assert kinds.counts[kinds.of_atom.index].tolist() == [1, 3, 3, 1, 4, 4, 4, 4, 1, 3]


def test_charge_and_spin_change_their_own_frame_only(embedding: AtomEmbedding) -> None:
    neutral = embedded(three_frames([0.0] * 3, [0.0] * 3), embedding)
    charged = embedded(three_frames([0.0, 1.0, 0.0], [0.0, 0.0, 2.0]), embedding)
    changed = ((neutral - charged).abs().amax(1) > 1e-9).tolist()
    assert changed == [False] * 3 + [True] * 7


def test_the_formula_on_one_ion(embedding: AtomEmbedding) -> None:
    graph = three_frames([0.0, -2.0, 0.0], [0.0] * 3)
    charge = embedding.charge
    elements = embedding.nuclear()[elements_of(graph)]
    psi = torch.tensor([0.0, 2.0], dtype=torch.float64)
    key = charge.key(psi / 2.0)  # divided by the larger of itself and one; the other channel is zero
    weights = torch.nn.functional.softplus(charge.query(elements[3:8]) @ key / 5**0.5)
    shares = weights / weights.sum()
    assert shares.sum().item() == pytest.approx(1.0)
    spread = charge.perceptron((shares.unsqueeze(-1) * charge.value(psi)).unsqueeze(0), False)[0]
    torch.testing.assert_close(embedded(graph, embedding)[3:8], elements[3:8] + spread, rtol=0, atol=1e-7)
