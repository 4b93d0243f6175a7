"""References: read from a stream, kept as keys."""

import pytest

from chemscale.base.errors import UserError
from chemscale.language.known_molecules import molecule_key, read_known


def test_a_stream_is_read_once_and_known_by_molecules() -> None:
    known = read_known(iter(["OCC", "CCO", "oops", "", "c1ccccc1"]), compared=None)
    assert known.n_molecules == 3 and len(known.keys) == 2 and len(known.profiles) == 3
    assert molecule_key("CCO") in known and molecule_key("c1ccccc1") in known
    assert molecule_key("CC") not in known and 2**64 - 1 not in known


def test_at_most_so_many_are_measured() -> None:
    assert len(read_known(["C" * length for length in range(1, 30)], compared=5).profiles) == 5


def test_a_reference_of_no_molecules_is_an_error() -> None:
    with pytest.raises(UserError, match="reference: none of its 2 texts is a molecule"):
        read_known(iter(["oops", ""]), compared=None)


def test_keys_never_change() -> None:
    assert molecule_key("CCO") == 7863297522579887043
