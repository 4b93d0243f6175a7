"""Every building block is what its heading says, and nothing besides."""

from collections import Counter

import pytest
from rdkit import Chem

from chemscale.chem.building_blocks import CAPS, LINKERS
from chemscale.chem.reactions import FUNCTIONAL_GROUPS, sites

LISTED = [((group,), block) for group, blocks in CAPS.items() for block in blocks] + [
    (groups, block) for groups, blocks in LINKERS.items() for block in blocks
]


def test_headings_are_functional_groups() -> None:
    assert set(CAPS) == set(FUNCTIONAL_GROUPS)
    assert {group for groups in LINKERS for group in groups} <= set(FUNCTIONAL_GROUPS)


def test_no_linker_heading_comes_twice_in_reverse() -> None:
    assert not {groups for groups in LINKERS if groups[0] != groups[1] and groups[::-1] in LINKERS}


def test_no_block_is_listed_twice() -> None:
    counts = Counter(Chem.CanonSmiles(block) for _, block in LISTED)
    assert [block for block, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("heading", [*((group,) for group in CAPS), *LINKERS], ids=" + ".join)
def test_blocks_have_their_groups_once_and_no_other(heading: tuple[str, ...]) -> None:
    for block in [block for groups, block in LISTED if groups == heading]:
        molecule = Chem.MolFromSmiles(block)
        ranks = list(Chem.CanonicalRankAtoms(molecule, breakTies=False))
        own: set[int] = set()
        for group, count in Counter(heading).items():
            places = sites(molecule, group)
            alike = len({tuple(sorted(ranks[atom] for atom in place)) for place in places}) == 1
            assert len(places) == count or (len(places) > 0 and alike), f"{block}: {group} {len(places)} times"
            assert count == 1 or alike, f"{block}: the two ends differ"
            own.update(*places)
        for group in FUNCTIONAL_GROUPS:
            assert all(own & set(place) for place in sites(molecule, group)), f"{block}: has {group} as well"


def test_blocks_have_no_stereo_marks_and_one_fragment() -> None:
    assert [block for _, block in LISTED if set(block) & set("@/\\.")] == []
