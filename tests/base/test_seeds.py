import numpy as np

from chemscale.base.seeds import stream, stream_seed


def test_streams_are_repeatable_and_independent() -> None:
    assert np.array_equal(stream(3, "data order", 1).random(4), stream(3, "data order", 1).random(4))
    draws = [stream(seed, name, epoch).random() for seed in (0, 1) for name in ("a", "b") for epoch in (0, 1)]
    assert len(set(draws)) == 8


def test_stream_values_do_not_change_between_versions() -> None:
    assert stream(0, "split").permutation(8).tolist() == [4, 7, 3, 5, 6, 1, 0, 2]
    assert stream_seed(0, "initialisation") == 9155882057071326272
