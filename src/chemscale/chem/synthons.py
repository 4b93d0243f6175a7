"""From a recipe to its molecule: by running the reactions, or fast, by joining prepared fragments.

A synthon is what stays of a building block in a product, written as SMILES whose open bonds are ring closures:
benzoic acid in an amide is `c1ccccc1C%90=O`, morpholine `C1CN%90CCO1`; put together with a dot they are the amide.
Synthons are cut out of the products of the named reactions, so `chemscale.chem.reactions` stays the only definition of
the chemistry, and the tests hold both ways to the same molecules.
"""

import functools
import re
from dataclasses import dataclass

from rdkit import Chem

from chemscale.chem.building_blocks import CAPS
from chemscale.chem.reactions import Reactant, react, reaction, sites

_IDENTITIES_PER_BLOCK = 1000
_MAX_BONDS_PER_STEP = 2
_FIRST_CLOSURE = 10
_CLOSURE = re.compile(r"%(\d\d)")


@dataclass(frozen=True)
class Step:
    """One reaction of a recipe: the positions of two blocks in the recipe and the group each of them reacts with."""

    reaction: str
    first_block: int
    first_group: str
    second_block: int
    second_group: str


@dataclass(frozen=True)
class Recipe:
    """How a molecule is made: building blocks (SMILES) and the steps that join them, n - 1 steps for n blocks."""

    blocks: tuple[str, ...]
    steps: tuple[Step, ...]


def joined(recipe: Recipe) -> str:
    """The product of a recipe as SMILES of joined synthons, not canonical; the fast way."""
    return ".".join(_synthon(block, _joins(recipe, number)) for number, block in enumerate(recipe.blocks))


def synthesised(recipe: Recipe) -> Chem.Mol:
    """The product of a recipe by running its reactions one after the other; the slow way, which defines the fast one.

    Raises:
        UserError: a step gives no product, or more than one.
    """
    members = {number: _identified(block, number) for number, block in enumerate(recipe.blocks)}
    reacting = [dict(_sites(block, number, _joins(recipe, number))) for number, block in enumerate(recipe.blocks)]
    for slot, step in enumerate(recipe.steps):
        product = react(
            reaction(step.reaction),
            Reactant(members[step.first_block], reacting[step.first_block][slot]),
            Reactant(members[step.second_block], reacting[step.second_block][slot]),
        )
        merged = (members[step.first_block], members[step.second_block])
        members = {number: product if molecule in merged else molecule for number, molecule in members.items()}
    return _without_identities(members[0])


_Join = tuple[str, str, int]
"""A block's part in a step: its functional group, the reaction's name, the number of the step."""


def _joins(recipe: Recipe, number: int) -> tuple[_Join, ...]:
    joins = []
    for slot, step in enumerate(recipe.steps):
        if step.first_block == number:
            joins.append((step.first_group, step.reaction, slot))
        elif step.second_block == number:
            joins.append((step.second_group, step.reaction, slot))
    return tuple(joins)


@functools.cache
def _synthon(block: str, joins: tuple[_Join, ...]) -> str:
    """The synthon of a block with the closure numbers of the steps that it takes part in."""
    slots = [slot for _, _, slot in joins]
    text = _cut_out(block, tuple((group, name) for group, name, _ in joins))

    def renumbered(match: re.Match[str]) -> str:
        join, bond = divmod(int(match[1]) - _FIRST_CLOSURE, _MAX_BONDS_PER_STEP)
        return f"%{_FIRST_CLOSURE + _MAX_BONDS_PER_STEP * slots[join] + bond}"

    return _CLOSURE.sub(renumbered, text)


@functools.cache
def _cut_out(block: str, joins: tuple[tuple[str, str], ...]) -> str:
    """What is left of the block when it has reacted with a probe at each join.

    The closures of join k are numbered from 10 + 2 k in the order of the reaction's map numbers, which both partners
    of a bond agree on.
    """
    product, closures = _with_probes(block, joins)
    return _fragment_text(product, dict(closures))


@functools.cache
def _with_probes(
    block: str, joins: tuple[tuple[str, str], ...]
) -> tuple[Chem.Mol, tuple[tuple[frozenset[int], int], ...]]:
    """The block (number 0) after a reaction with a probe at each join, and the closure number of each new bond."""
    if not joins:
        return _identified(block, 0), ()
    molecule, closures = _with_probes(block, joins[:-1])
    number = len(joins)
    group, name = joins[-1]
    _, site = _sites(block, 0, tuple((*join, slot) for slot, join in enumerate(joins)))[-1]
    probe_group = reaction(name).partners(group)[0]
    probe = min(CAPS[probe_group], key=len)
    ((_, probe_site),) = _sites(probe, number, ((probe_group, name, 0),))
    pair = Reactant(molecule, site), Reactant(_identified(probe, number), probe_site)
    product = react(reaction(name), *(pair if group in reaction(name).first else pair[::-1]))
    first = _FIRST_CLOSURE + _MAX_BONDS_PER_STEP * (number - 1)
    return product, (*closures, *((ends, first + bond) for bond, ends in enumerate(_new_bonds(product, number))))


def _new_bonds(product: Chem.Mol, probe_number: int) -> list[frozenset[int]]:
    """Bonds between block 0 and the probe as pairs of identities, in the order of the reaction's map numbers."""
    found = []
    for bond in product.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        if {_owner(atom) for atom in ends} == {0, probe_number}:
            maps = sorted(atom.GetIntProp("old_mapno") for atom in ends)
            found.append((maps, frozenset(atom.GetIsotope() for atom in ends)))
    return [ends for _, ends in sorted(found, key=lambda entry: entry[0])]


def _fragment_text(product: Chem.Mol, closures: dict[frozenset[int], int]) -> str:
    """SMILES of block 0 inside `product`, its open bonds as ring closures."""
    labels: dict[int, str] = {}
    for bond in product.GetBonds():
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        closure = closures.get(frozenset((begin.GetIsotope(), end.GetIsotope())))
        if closure is not None:
            inner = begin if _owner(begin) == 0 else end
            labels[inner.GetIdx()] = labels.get(inner.GetIdx(), "") + f"{_bond_symbol(bond)}%{closure}"
    inside = [atom.GetIdx() for atom in product.GetAtoms() if _owner(atom) == 0]
    plain = _without_identities(product)
    for index, label in labels.items():
        Chem.SetSupplementalSmilesLabel(plain.GetAtomWithIdx(index), label)
    return str(Chem.MolFragmentToSmiles(plain, atomsToUse=inside))


def _bond_symbol(bond: Chem.Bond) -> str:
    if bond.GetBondType() == Chem.BondType.DOUBLE:
        return "="
    both_aromatic = bond.GetBeginAtom().GetIsAromatic() and bond.GetEndAtom().GetIsAromatic()
    return "-" if bond.GetBondType() == Chem.BondType.SINGLE and both_aromatic else ""


@functools.cache
def _sites(block: str, number: int, joins: tuple[_Join, ...]) -> list[tuple[int, frozenset[int]]]:
    """For each join its slot and the identities of its site; a group used twice takes the next place, if there is one.

    A primary amine has one nitrogen and can react twice: both joins then have the same site.
    """
    molecule = Chem.MolFromSmiles(block)
    used: dict[str, int] = {}
    result = []
    for group, _, slot in joins:
        places = sites(molecule, group)
        place = places[min(used.get(group, 0), len(places) - 1)]
        used[group] = used.get(group, 0) + 1
        result.append((slot, frozenset(_identity(number, index) for index in place)))
    return result


@functools.cache
def _identified(block: str, number: int) -> Chem.Mol:
    """The molecule of a block with an identity on every atom (its isotope number, which reactions carry along)."""
    molecule = Chem.MolFromSmiles(block)
    for atom in molecule.GetAtoms():
        atom.SetIsotope(_identity(number, atom.GetIdx()))
    return molecule


def _identity(number: int, index: int) -> int:
    return number * _IDENTITIES_PER_BLOCK + index + 1


def _owner(atom: Chem.Atom) -> int:
    return int(atom.GetIsotope()) // _IDENTITIES_PER_BLOCK


def _without_identities(molecule: Chem.Mol) -> Chem.Mol:
    plain = Chem.Mol(molecule)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    return plain
