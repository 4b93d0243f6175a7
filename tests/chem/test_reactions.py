"""The named reactions give the products that a textbook gives."""

import pytest
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.chem.building_blocks import CAPS
from chemscale.chem.reactions import FUNCTIONAL_GROUPS, REACTIONS, Reactant, react, reaction, sites

# Reaction, first block, its group, second block, its group, product: written down by hand.
PRODUCTS = [
    ("amide coupling", "OC(=O)c1ccccc1", "acid", "C1COCCN1", "secondary amine", "O=C(c1ccccc1)N1CCOCC1"),
    ("amide coupling", "CC(=O)O", "acid", "Nc1ccc(OCC)cc1", "aniline", "CC(=O)Nc1ccc(OCC)cc1"),
    ("amide coupling", "OC(=O)c1cccnc1", "acid", "NCc1ccccc1", "primary amine", "O=C(NCc1ccccc1)c1cccnc1"),
    ("esterification", "OC(=O)c1ccccc1", "acid", "CCO", "alcohol", "CCOC(=O)c1ccccc1"),
    ("sulfonamide formation", "CS(=O)(=O)Cl", "sulfonyl chloride", "Nc1ccccc1", "aniline", "CS(=O)(=O)Nc1ccccc1"),
    ("urea formation", "O=C=Nc1ccccc1", "isocyanate", "CNC", "secondary amine", "CN(C)C(=O)Nc1ccccc1"),
    ("carbamate formation", "CCN=C=O", "isocyanate", "OC1CCCC1", "alcohol", "CCNC(=O)OC1CCCC1"),
    ("reductive amination", "O=Cc1ccccc1", "aldehyde", "C1CCNC1", "secondary amine", "c1ccc(CN2CCCC2)cc1"),
    ("reductive amination", "O=C1CCOCC1", "ketone", "NCC1CC1", "primary amine", "C1CC1CNC1CCOCC1"),
    ("SNAr amination", "Clc1ncnc2ccccc12", "activated chloride", "Nc1ccccc1", "aniline", "c1ccc(Nc2ncnc3ccccc23)cc1"),
    ("SNAr etherification", "Clc1ncccn1", "activated chloride", "Oc1ccccc1", "phenol", "c1ccc(Oc2ncccn2)cc1"),
    ("Suzuki coupling", "Brc1cccnc1", "aryl bromide", "OB(O)c1ccccc1", "boronic acid", "c1ccc(-c2cccnc2)cc1"),
    ("Buchwald-Hartwig amination", "Brc1ccccc1", "aryl bromide", "C1COCCN1", "secondary amine", "c1ccc(N2CCOCC2)cc1"),
    ("Sonogashira coupling", "Brc1ccccc1", "aryl bromide", "C#CC1CC1", "alkyne", "C(#CC1CC1)c1ccccc1"),
    ("Williamson ether synthesis", "BrCc1ccccc1", "alkyl bromide", "Oc1ccccc1", "phenol", "c1ccc(COc2ccccc2)cc1"),
    ("thioether alkylation", "BrCC1CC1", "alkyl bromide", "Sc1ncccn1", "thiol", "C1CC1CSc1ncccn1"),
    ("azole alkylation", "BrCC1CC1", "alkyl bromide", "c1cn[nH]c1", "azole", "C1CC1Cn1cccn1"),
    ("Mitsunobu etherification", "OC1CCCC1", "alcohol", "Oc1ccccc1", "phenol", "c1ccc(OC2CCCC2)cc1"),
    ("Chan-Lam coupling", "c1cn[nH]c1", "azole", "OB(O)c1ccccc1", "boronic acid", "c1ccc(-n2cccn2)cc1"),
    ("azide-alkyne click", "[N-]=[N+]=NCc1ccccc1", "azide", "C#Cc1ccccc1", "alkyne", "c1ccc(Cn2cc(-c3ccccc3)nn2)cc1"),
    ("1,2,4-oxadiazole synthesis", "ON=C(N)c1ccccc1", "amidoxime", "CC(=O)O", "acid", "Cc1nc(-c2ccccc2)no1"),
    ("Hantzsch thiazole synthesis", "BrCC(=O)c1ccccc1", "bromoketone", "CC(N)=S", "thioamide", "Cc1nc(-c2ccccc2)cs1"),
    ("imidazopyridine synthesis", "BrCC(=O)C", "bromoketone", "Nc1ccccn1", "aminoazine", "Cc1cn2ccccc2n1"),
    ("benzimidazole synthesis", "CNc1ccccc1N", "ortho diamine", "CC=O", "aldehyde", "Cc1nc2ccccc2n1C"),
]


def identified(smiles: str, offset: int) -> Chem.Mol:
    molecule = Chem.MolFromSmiles(smiles)
    for atom in molecule.GetAtoms():
        atom.SetIsotope(offset + atom.GetIdx())
    return molecule


def reactant(smiles: str, group: str, offset: int, place: int = 0) -> Reactant:
    molecule = identified(smiles, offset)
    return Reactant(molecule, frozenset(offset + atom for atom in sites(molecule, group)[place]))


def plain_smiles(molecule: Chem.Mol) -> str:
    for atom in molecule.GetAtoms():
        atom.SetIsotope(0)
    return str(Chem.MolToSmiles(molecule))


@pytest.mark.parametrize(("name", "first", "first_group", "second", "second_group", "product"), PRODUCTS)
def test_reaction_gives_the_textbook_product(
    name: str, first: str, first_group: str, second: str, second_group: str, product: str
) -> None:
    made = react(reaction(name), reactant(first, first_group, 1), reactant(second, second_group, 101))
    assert plain_smiles(made) == Chem.CanonSmiles(product)


def test_every_reaction_has_a_textbook_product_here() -> None:
    assert {case[0] for case in PRODUCTS} == {named.name for named in REACTIONS}


def test_every_product_atom_comes_from_a_reactant() -> None:
    for name, first, first_group, second, second_group, _ in PRODUCTS:
        made = react(reaction(name), reactant(first, first_group, 1), reactant(second, second_group, 101))
        assert all(atom.GetIsotope() > 0 for atom in made.GetAtoms()), name


def test_groups_and_reactions_fit_together() -> None:
    names = [named.name for named in REACTIONS]
    assert len(set(names)) == len(names) >= 15
    assert {group for named in REACTIONS for group in (*named.first, *named.second)} == set(FUNCTIONAL_GROUPS)
    assert not [named.name for named in REACTIONS if set(named.first) & set(named.second)]


def test_atoms_lost_is_the_difference_between_blocks_and_product() -> None:
    for name, first, first_group, second, second_group, product in PRODUCTS:
        before = sum(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() for smiles in (first, second))
        lost = reaction(name).atoms_lost(first_group) + reaction(name).atoms_lost(second_group)
        assert before - lost == Chem.MolFromSmiles(product).GetNumHeavyAtoms(), name


def test_only_the_chosen_site_reacts() -> None:
    acid = reactant("CC(=O)O", "acid", 1)
    diamine = "NCC1CCNCC1"
    on_primary = react(reaction("amide coupling"), acid, reactant(diamine, "primary amine", 101))
    on_secondary = react(reaction("amide coupling"), acid, reactant(diamine, "secondary amine", 101))
    assert plain_smiles(on_primary) == Chem.CanonSmiles("CC(=O)NCC1CCNCC1")
    assert plain_smiles(on_secondary) == Chem.CanonSmiles("CC(=O)N1CCC(CN)CC1")


def test_sites_that_do_not_react_are_an_error_that_names_the_reaction() -> None:
    with pytest.raises(UserError, match="Suzuki coupling: 0 products"):
        react(reaction("Suzuki coupling"), reactant("CC(=O)O", "acid", 1), reactant("CNC", "secondary amine", 101))


def test_two_possible_products_are_an_error() -> None:
    molecule = identified("NCC1CCNCC1", 101)
    everything = Reactant(molecule, frozenset(atom.GetIsotope() for atom in molecule.GetAtoms()))
    with pytest.raises(UserError, match="2 products"):
        react(reaction("amide coupling"), reactant("CC(=O)O", "acid", 1), everything)


def test_unknown_reaction_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no reaction 'Grignard'.*amide coupling"):
        reaction("Grignard")


def test_partners() -> None:
    assert reaction("Suzuki coupling").partners("aryl bromide") == ("boronic acid",)
    assert reaction("Suzuki coupling").partners("boronic acid") == ("aryl bromide",)
    assert reaction("Suzuki coupling").partners("acid") == ()
    assert all(named.partners(group) for named in REACTIONS for group in (*named.first, *named.second))
    assert set(CAPS) == set(FUNCTIONAL_GROUPS)
