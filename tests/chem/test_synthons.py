"""Joined synthons and executed reactions are two ways to the same molecule."""

import pytest
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.chem.building_blocks import CAPS
from chemscale.chem.reactions import REACTIONS
from chemscale.chem.synthons import Recipe, Step, joined, synthesised

PAIRS = [(named.name, first, second) for named in REACTIONS for first in named.first for second in named.second]


@pytest.mark.parametrize(("name", "first", "second"), PAIRS)
def test_every_cap_of_a_reaction_joins_as_it_reacts(name: str, first: str, second: str) -> None:
    longest = max(len(CAPS[first]), len(CAPS[second]))
    for number in range(longest):
        blocks = (CAPS[first][number % len(CAPS[first])], CAPS[second][(5 * number) % len(CAPS[second])])
        recipe = Recipe(blocks, (Step(name, 0, first, 1, second),))
        assert Chem.CanonSmiles(joined(recipe)) == Chem.MolToSmiles(synthesised(recipe)), blocks


def test_a_chain_written_by_hand() -> None:
    recipe = Recipe(
        ("OB(O)c1ccccc1", "OC(=O)c1cncc(Br)c1", "C1COCCN1"),
        (
            Step("Suzuki coupling", 1, "aryl bromide", 0, "boronic acid"),
            Step("amide coupling", 1, "acid", 2, "secondary amine"),
        ),
    )
    expected = Chem.CanonSmiles("O=C(N1CCOCC1)c1cncc(c1)-c1ccccc1")
    assert Chem.CanonSmiles(joined(recipe)) == expected
    assert Chem.MolToSmiles(synthesised(recipe)) == expected


def test_a_primary_amine_reacts_twice_at_its_nitrogen() -> None:
    recipe = Recipe(
        ("O=CC1CC1", "NCc1ccccc1", "CC(=O)O"),
        (
            Step("reductive amination", 0, "aldehyde", 1, "primary amine"),
            Step("amide coupling", 2, "acid", 1, "primary amine"),
        ),
    )
    expected = Chem.CanonSmiles("CC(=O)N(CC1CC1)Cc1ccccc1")
    assert Chem.CanonSmiles(joined(recipe)) == expected
    assert Chem.MolToSmiles(synthesised(recipe)) == expected


def test_the_two_ends_of_piperazine_react_in_turn() -> None:
    recipe = Recipe(
        ("CC(=O)O", "C1CNCCN1", "CS(=O)(=O)Cl"),
        (
            Step("amide coupling", 0, "acid", 1, "secondary amine"),
            Step("sulfonamide formation", 2, "sulfonyl chloride", 1, "secondary amine"),
        ),
    )
    assert Chem.CanonSmiles(joined(recipe)) == Chem.CanonSmiles("CC(=O)N1CCN(CC1)S(C)(=O)=O")


def test_a_convergent_recipe_written_by_hand() -> None:
    recipe = Recipe(
        ("C1CC1C=O", "NCC(=O)O", "NC1CCNCC1", "CS(=O)(=O)Cl"),
        (
            Step("reductive amination", 0, "aldehyde", 1, "primary amine"),
            Step("sulfonamide formation", 3, "sulfonyl chloride", 2, "primary amine"),
            Step("amide coupling", 1, "acid", 2, "secondary amine"),
        ),
    )
    expected = Chem.CanonSmiles("C1CC1CNCC(=O)N1CCC(CC1)NS(C)(=O)=O")
    assert Chem.CanonSmiles(joined(recipe)) == expected
    assert Chem.MolToSmiles(synthesised(recipe)) == expected


def test_unknown_reaction_in_a_recipe_is_named() -> None:
    recipe = Recipe(("CC(=O)O", "CNC"), (Step("amide", 0, "acid", 1, "secondary amine"),))
    with pytest.raises(UserError, match="no reaction 'amide'"):
        joined(recipe)
