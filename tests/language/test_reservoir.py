"""Random samples of streams."""

from collections import Counter

from chemscale.language.reservoir import Reservoir


def sample(size: int | None, n: int, first: int = 0) -> list[int]:
    reservoir: Reservoir[int] = Reservoir(size)
    for item in range(first, first + n):
        reservoir.offer(lambda item=item: item)  # type: ignore[misc]
    return reservoir.items()


def test_all_that_fit_are_kept_in_order() -> None:
    assert sample(None, 50) == sample(50, 50) == sample(99, 50) == list(range(50))
    assert sample(0, 5) == []


def test_a_sample_is_in_order_the_same_again_and_from_everywhere() -> None:
    found = sample(200, 10_000)
    assert found == sorted(set(found)) == sample(200, 10_000) and len(found) == 200
    quarters = Counter(item // 2_500 for item in found)
    assert min(quarters.values()) > 30  # 50 expected, with a deviation of 6


def test_only_what_is_kept_is_made() -> None:
    made: list[int] = []
    reservoir: Reservoir[int] = Reservoir(10)
    for _ in range(10_000):
        reservoir.offer(lambda: made.append(0) or 0)
    assert 10 < len(made) < 200  # 10 (1 + ln 1000) = 79 expected
