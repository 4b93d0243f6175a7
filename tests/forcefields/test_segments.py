import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from chemscale.forcefields.segments import Segments

INDEX = torch.tensor([3, 0, 3, 1, 0, 3])
N_ROWS = 5  # rows 2 and 4 have no pairs


@pytest.fixture
def segments() -> Segments:
    return Segments.of(INDEX, N_ROWS)


def test_rows_are_gathered_and_summed_as_by_hand(segments: Segments) -> None:
    rows = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0], [5.0, 50.0]])
    assert segments.gather(rows)[:, 0].tolist() == [4, 1, 4, 2, 1, 4]
    pairs = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert segments.sum(pairs).tolist() == [18, 8, 0, 37, 0]
    assert torch.equal(segments.take(rows), segments.gather(rows)) and torch.equal(
        segments.add(pairs), segments.sum(pairs)
    )


@pytest.mark.parametrize("shape", [(), (4,), (3, 2)])
def test_any_shape_of_row(segments: Segments, shape: tuple[int, ...]) -> None:
    pairs = torch.randn(len(INDEX), *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(N_ROWS, *shape, dtype=torch.float64).index_add(0, INDEX, pairs)
    torch.testing.assert_close(segments.sum(pairs), expected)


def test_each_is_the_adjoint_of_the_other(segments: Segments) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(N_ROWS, 3, dtype=torch.float64, generator=generator)
    pairs = torch.randn(len(INDEX), 3, dtype=torch.float64, generator=generator)
    assert float((segments.gather(rows) * pairs).sum()) == pytest.approx(float((rows * segments.sum(pairs)).sum()))


def test_both_are_differentiable_twice(segments: Segments) -> None:
    rows = torch.randn(N_ROWS, 2, dtype=torch.float64, requires_grad=True)
    pairs = torch.randn(len(INDEX), 2, dtype=torch.float64, requires_grad=True)
    for function, values in ((lambda x: segments.gather(x).sin(), rows), (lambda x: segments.sum(x).sin(), pairs)):
        assert gradcheck(function, values) and gradgradcheck(function, values)


def test_no_pairs_at_all() -> None:
    empty = Segments.of(torch.zeros(0, dtype=torch.int64), 3)
    rows = torch.randn(3, 2, requires_grad=True)
    assert empty.gather(rows).shape == (0, 2)
    sums = empty.sum(empty.gather(rows))
    assert torch.equal(sums, torch.zeros(3, 2))
    (gradient,) = torch.autograd.grad(sums.sum(), rows)
    assert torch.equal(gradient, torch.zeros(3, 2))


def test_what_torch_func_sees_is_the_same(segments: Segments) -> None:
    rows = torch.randn(N_ROWS, 2, dtype=torch.float64)

    def total(x: torch.Tensor) -> torch.Tensor:
        return segments.sum(segments.gather(x).square()).sin().sum()

    leaf = rows.clone().requires_grad_()
    (expected,) = torch.autograd.grad(total(leaf), leaf)
    torch.testing.assert_close(torch.func.grad(total)(rows), expected)
