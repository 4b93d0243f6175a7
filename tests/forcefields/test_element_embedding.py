import torch
from torch import nn

from chemscale.forcefields.element_embedding import ElementEmbedding


def test_atoms_of_an_element_share_a_row() -> None:
    embedding = ElementEmbedding(4, [8, 1, 6])
    rows = embedding(torch.tensor([1, 6, 1, 8]))
    assert torch.equal(rows[0], rows[2]) and not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[3], embedding.table.weight[8])


def test_a_layer_after_it_is_evaluated_once_for_every_element() -> None:
    embedding, layer, seen = ElementEmbedding(4, [8, 1, 6]), nn.Linear(4, 3), []

    def counted(rows: torch.Tensor) -> torch.Tensor:
        seen.append(len(rows))
        return layer(rows)

    numbers = torch.tensor([1, 6, 1, 8, 8])
    torch.testing.assert_close(embedding.after(counted, numbers), layer(embedding(numbers)))
    assert seen == [3]


def test_the_gradient_of_an_element_is_the_sum_over_its_atoms() -> None:
    embedding = ElementEmbedding(2, [1, 6])
    factors = torch.tensor([[1.0], [10.0], [100.0]])
    (embedding.after(lambda rows: 2 * rows, torch.tensor([1, 6, 1])) * factors).sum().backward()
    gradient = embedding.table.weight.grad
    assert gradient is not None
    assert gradient[1].tolist() == [202, 202] and gradient[6].tolist() == [20, 20] and gradient.sum() == 444


def test_weights_do_not_depend_on_which_elements_occur() -> None:
    tables = []
    for species in ([1], [1, 6, 8]):
        torch.manual_seed(0)
        tables.append(ElementEmbedding(4, species).table.weight)
    assert torch.equal(*tables)
