import numpy as np
import pytest
from ase import Atoms
from ase.formula import Formula

from chemscale.forcefields.frame import fewest_unpaired, formula_of, unpaired_electrons


@pytest.mark.parametrize("text", ["CH4", "C2H5ClO", "H2O", "ClNa", "C6H6", "H", "C", "BrCHClF", "O2S"])
def test_formulas_are_in_the_order_of_hill(text: str) -> None:
    numbers = Atoms(text).numbers
    assert formula_of(numbers) == Formula(text).format("hill") == formula_of(numbers[::-1])


def test_an_odd_number_of_electrons_has_one_unpaired() -> None:
    methyl = np.array([6, 1, 1, 1])
    assert fewest_unpaired(methyl, 0) == 1
    assert fewest_unpaired(methyl, 1) == fewest_unpaired(methyl, -1) == 0
    assert fewest_unpaired(np.array([200, 201], dtype=np.uint8), 0) == 1


@pytest.mark.parametrize(("stored", "unpaired"), [(1, 0), (3, 2), (0, 0), (2, 2)])
def test_a_multiplicity_that_cannot_be_counts_electrons(stored: int, unpaired: int) -> None:
    carbene = np.array([6, 1, 1])  # an even number of electrons: the multiplicity is odd
    assert unpaired_electrons(stored, carbene, 0) == unpaired


def test_a_radical_is_a_doublet() -> None:
    assert unpaired_electrons(2, np.array([6, 1, 1, 1]), 0) == 1
    assert unpaired_electrons(4, np.array([7]), 0) == 3
