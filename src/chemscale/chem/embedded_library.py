"""The embedded library: millions of drug-like molecules, each a pure function of its index.

The library is combinatorial. A route says which reactions join which kinds of building blocks; its blocks are the axes
of a box, and a number counts the places in the box (the last axis fastest). The routes stand one after the other, so
that an index names a route, a block on every axis, and with them one molecule. Nothing is enumerated or stored.

There are three kinds of routes. `pair`: two caps, one step. `chain`: cap, linker, cap, two steps; a symmetric diamine
and a primary amine that is alkylated and then acylated are chains too. `convergent`: two halves of a small cap and a
small linker, made in the first step and joined in the second. All molecules have 10 to 45 heavy atoms, no stereo marks
and no charges but those of nitro groups.
"""

import bisect
import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream
from chemscale.chem.building_blocks import CAPS, LINKERS
from chemscale.chem.reactions import REACTIONS, Reaction, reaction
from chemscale.chem.synthons import Recipe, Step, joined

MIN_HEAVY_ATOMS = 10
MAX_HEAVY_ATOMS = 45
_PAIR_CAP_ATOMS = range(5, 17)
_CHAIN_CAP_ATOMS = range(3, 15)
_CHAIN_LINKER_ATOMS = range(4, 17)
_SMALL_CAP_ATOMS = range(3, 9)
_SMALL_LINKER_ATOMS = range(4, 9)
_CIPHER_ROUNDS = 6


@dataclass(frozen=True)
class Arm:
    """A cap and the reaction that puts it onto a linker."""

    reaction: str
    group: str
    block: str


@dataclass(frozen=True)
class Route:
    """A box of molecules: `linkers` in a row between two `arms`; with no linker the two arms react with each other.

    Attributes:
        groups: for each linker the group on its left and the group on its right.
        left: the arms at the left end; for a pair these are the caps in the reaction's first place.
        linkers: for each place in the row the blocks that can stand there.
        right: the arms at the right end.
        join: the reaction between two linkers, where there are two.
    """

    groups: tuple[tuple[str, str], ...]
    left: tuple[Arm, ...]
    linkers: tuple[tuple[str, ...], ...]
    right: tuple[Arm, ...]
    join: str = ""

    @property
    def size(self) -> int:
        """How many molecules the box holds."""
        return math.prod(map(len, (self.left, *self.linkers, self.right)))

    def recipe(self, place: int) -> Recipe:
        """The recipe at a place, counted from 0 with the right arm fastest."""
        place, right_digit = divmod(place, len(self.right))
        row = []
        for blocks in reversed(self.linkers):
            place, digit = divmod(place, len(blocks))
            row.append(blocks[digit])
        left, right = self.left[place], self.right[right_digit]
        blocks = (left.block, *reversed(row), right.block)
        if not row:
            return Recipe(blocks, (Step(left.reaction, 0, left.group, 1, right.group),))
        last = len(blocks) - 1
        steps = [_step(left, 0, self.groups[0][0], 1), _step(right, last, self.groups[-1][1], last - 1)]
        if self.join:
            steps.append(Step(self.join, 1, self.groups[0][1], 2, self.groups[1][0]))
        return Recipe(blocks, tuple(steps))


def library_size() -> int:
    """The number of indices: `molecule` takes 0 to `library_size() - 1`.

    An index is one combination of a route and its blocks. A few combinations give the same molecule (under 1%), so
    there are slightly fewer molecules than indices.
    """
    return _ends()[-1]


def recipe(index: int) -> Recipe:
    """The building blocks and named reactions of the molecule at `index`.

    Raises:
        UserError: the index is not in the library.
    """
    if not 0 <= index < library_size():
        raise UserError(f"index {index} is not in the embedded library; allowed: 0 to {library_size() - 1}")
    number = bisect.bisect_right(_ends(), index)
    return _routes()[number].recipe(index - (_ends()[number - 1] if number else 0))


def molecule(index: int) -> str:
    """The molecule at `index` as canonical SMILES.

    The molecule depends on the index alone. How its SMILES is spelt is RDKit's choice and can differ between versions.

    Raises:
        UserError: the index is not in the library.
    """
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(joined(recipe(index)))))


def molecules(start: int, stop: int) -> Iterator[str]:
    """The molecules at the indices `start` to `stop - 1`, in order; neighbours share most of their blocks.

    Raises:
        UserError: the range is not within the library.
    """
    if not 0 <= start <= stop <= library_size():
        raise UserError(f"range {start}:{stop} is not within the embedded library; allowed: 0:{library_size()}")
    return map(molecule, range(start, stop))


def sample(n: int, seed: int) -> list[str]:
    """Molecules at the first `n` indices of a seeded permutation of the library, so a longer sample begins with it.

    No index comes twice; a molecule can, where two indices give the same one (`distinct_sample` leaves those out).

    Raises:
        UserError: `n` is negative or larger than the library, or the seed is negative.
    """
    return list(itertools.islice(_shuffled(n, seed), n))


def distinct_sample(n: int, seed: int) -> list[str]:
    """`n` different molecules in a seeded random order; a longer sample of the same seed begins with a shorter one.

    Raises:
        UserError: `n` is negative or more than the library has, or the seed is negative.
    """
    return list(distinct_molecules(n, seed))


def distinct_molecules(n: int, seed: int) -> Iterator[str]:
    """The molecules of `distinct_sample` one after the other, for work that shows its progress.

    Raises:
        UserError: as `distinct_sample`; the arguments are checked at the call.
    """
    return _first_distinct(_shuffled(n, seed), n)


def _first_distinct(found: Iterator[str], n: int) -> Iterator[str]:
    seen: set[str] = set()
    while len(seen) < n:
        smiles = next(found, None)
        if smiles is None:
            raise UserError(f"n = {n} different molecules are more than the embedded library has; it has {len(seen)}")
        if smiles not in seen:
            seen.add(smiles)
            yield smiles


def _shuffled(n: int, seed: int) -> Iterator[str]:
    """All molecules of the library in a seeded order, after a check of what was asked for."""
    size = library_size()
    if not 0 <= n <= size:
        raise UserError(f"n = {n} molecules cannot be drawn from the embedded library; allowed: 0 to {size}")
    if seed < 0:
        raise UserError(f"seed = {seed} is not allowed; give an integer from 0")
    keys = tuple(int(key) for key in stream(seed, "embedded library").integers(0, 2**63 - 1, _CIPHER_ROUNDS))
    return (molecule(permuted(position, size, keys)) for position in range(size))


def permuted(position: int, size: int, keys: tuple[int, ...]) -> int:
    """Where a keyed permutation of `range(size)` sends `position`, without a table.

    A balanced Feistel network permutes the smallest range of 4^k numbers that holds `size`; a number outside is sent
    on until it falls inside (cycle walking: Black and Rogaway, 2002).
    """
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half_bits) - 1
    value = position
    while True:
        left, right = value >> half_bits, value & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        value = left << half_bits | right
        if value < size:
            return value


def _mixed(value: int) -> int:
    """A 64-bit finaliser: every input bit changes about half of the output bits (Steele, Lea and Flood, 2014)."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    value = (value ^ value >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return value ^ value >> 31


def _step(arm: Arm, cap: int, linker_group: str, linker: int) -> Step:
    if arm.group in reaction(arm.reaction).first:
        return Step(arm.reaction, cap, arm.group, linker, linker_group)
    return Step(arm.reaction, linker, linker_group, cap, arm.group)


@functools.cache
def _ends() -> tuple[int, ...]:
    """For each route the index behind its last molecule."""
    return tuple(itertools.accumulate(route.size for route in _routes()))


@functools.cache
def _routes() -> tuple[Route, ...]:
    routes = (*_pairs(), *_chains(), *_convergent())
    return tuple(route for route in routes if route.size > 0)


def _pairs() -> Iterator[Route]:
    for named in REACTIONS:
        for first, second in itertools.product(named.first, named.second):
            left = tuple(_caps_as_arms(named, first, _PAIR_CAP_ATOMS))
            right = tuple(_caps_as_arms(named, second, _PAIR_CAP_ATOMS))
            yield Route((), left, (), right)


def _chains() -> Iterator[Route]:
    for groups in LINKERS:
        left, right = _arms(groups[0], _CHAIN_CAP_ATOMS), _arms(groups[1], _CHAIN_CAP_ATOMS)
        if groups[0] == groups[1]:
            # The two ends of a symmetric linker are alike: two halves of the arms give no molecule twice.
            left, right = left[0::2], right[1::2]
        yield Route((groups,), left, (_linkers(groups, _CHAIN_LINKER_ATOMS),), right)
    amine = "primary amine"
    arms = _arms(amine, _CHAIN_CAP_ATOMS)
    alkylated = tuple(arm for arm in arms if arm.reaction == "reductive amination")
    acylated = tuple(arm for arm in arms if arm.reaction != "reductive amination")
    centres = tuple(cap for cap in CAPS[amine] if _heavy_atoms(cap) in _CHAIN_LINKER_ATOMS)
    yield Route(((amine, amine),), alkylated, (centres,), acylated)


def _convergent() -> Iterator[Route]:
    halves = [*LINKERS, *(groups[::-1] for groups in LINKERS if groups[0] != groups[1])]
    for (left_end, left_join), (right_join, right_end) in itertools.product(halves, halves):
        for named in REACTIONS:
            if left_join in named.first and right_join in named.second:
                yield Route(
                    ((left_end, left_join), (right_join, right_end)),
                    _arms(left_end, _SMALL_CAP_ATOMS),
                    (
                        _linkers((left_end, left_join), _SMALL_LINKER_ATOMS),
                        _linkers((right_join, right_end), _SMALL_LINKER_ATOMS),
                    ),
                    _arms(right_end, _SMALL_CAP_ATOMS),
                    named.name,
                )


def _arms(group: str, atoms: range) -> tuple[Arm, ...]:
    """Everything that can be put onto `group` in one step and adds as many heavy atoms as `atoms` allows."""
    return tuple(
        arm for named in REACTIONS for partner in named.partners(group) for arm in _caps_as_arms(named, partner, atoms)
    )


def _caps_as_arms(named: Reaction, group: str, atoms: range) -> Iterator[Arm]:
    lost = named.atoms_lost(group)
    return (Arm(named.name, group, cap) for cap in CAPS[group] if _heavy_atoms(cap) - lost in atoms)


def _linkers(groups: tuple[str, str], atoms: range) -> tuple[str, ...]:
    blocks = LINKERS.get(groups) or LINKERS[groups[::-1]]
    return tuple(block for block in blocks if _heavy_atoms(block) in atoms)


@functools.cache
def _heavy_atoms(block: str) -> int:
    return int(Chem.MolFromSmiles(block).GetNumHeavyAtoms())
