"""The embedded library: valid, drug-like, distinct, reproducible, and the same by both ways of making a molecule.

`python tests/chem/test_embedded_library.py` rewrites the golden file, for a change of the library on purpose.
"""

import hashlib
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rdkit
import selfies
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream
from chemscale.chem import embedded_library
from chemscale.chem.embedded_library import (
    MAX_HEAVY_ATOMS,
    MIN_HEAVY_ATOMS,
    Arm,
    Route,
    distinct_molecules,
    distinct_sample,
    library_size,
    molecule,
    molecules,
    permuted,
    recipe,
    sample,
)
from chemscale.chem.reactions import REACTIONS, reaction
from chemscale.chem.synthons import synthesised

GOLDEN = Path(__file__).parents[1] / "golden" / "embedded_library.json"


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    return distinct_sample(3000, seed=0)


def test_size_is_several_millions() -> None:
    assert library_size() == golden()["library_size"] > 5_000_000


def test_every_molecule_has_10_to_45_heavy_atoms() -> None:
    for route in embedded_library._routes():
        lightest, heaviest = heavy_atom_bounds(route)
        assert lightest >= MIN_HEAVY_ATOMS, route.groups
        assert heaviest <= MAX_HEAVY_ATOMS, route.groups


def test_sampled_molecules_are_canonical_and_whole(drawn: list[str]) -> None:
    for smiles in drawn:
        parsed = Chem.MolFromSmiles(smiles)
        assert Chem.MolToSmiles(parsed) == smiles
        assert "." not in smiles
        assert MIN_HEAVY_ATOMS <= parsed.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS


def test_no_reactive_group_is_left_over(drawn: list[str]) -> None:
    left_over = [
        Chem.MolFromSmarts(text) for text in ("Br", "B", "[N]=[N+]=[N-]", "N=C=O", "S(=O)(=O)Cl", "[CX3;H1]=O")
    ]
    left_over += [Chem.MolFromSmarts(text) for text in ("C(=O)[OH]", "[C;H1]#C", "[SH]", "[OX2H1]")]
    parsed = [Chem.MolFromSmiles(smiles) for smiles in drawn]
    assert [
        smiles for smiles, mol in zip(drawn, parsed, strict=True) if any(map(mol.HasSubstructMatch, left_over))
    ] == []


def test_a_molecule_of_every_route_is_what_its_reactions_give() -> None:
    start = 0
    for route in embedded_library._routes():
        index = start + int(stream(start, "place").integers(route.size))
        assert molecule(index) == Chem.MolToSmiles(synthesised(recipe(index))), recipe(index)
        start += route.size
    assert start == library_size()


def test_random_molecules_are_what_their_reactions_give() -> None:
    for index in stream(3, "indices").integers(0, library_size(), 500).tolist():
        assert molecule(index) == Chem.MolToSmiles(synthesised(recipe(index))), recipe(index)


def test_recipes_of_a_route_are_all_different() -> None:
    small = [route for route in embedded_library._routes() if route.size < 3000]
    assert {len(route.linkers) for route in small} == {0, 1, 2}
    for route in small:
        assert len({route.recipe(place) for place in range(route.size)}) == route.size


def test_selfies_writes_and_reads_every_molecule(drawn: list[str]) -> None:
    for smiles in drawn[:1000]:
        assert Chem.CanonSmiles(selfies.decoder(selfies.encoder(smiles))) == smiles


def test_every_reaction_is_used() -> None:
    used = {step.reaction for index in range(0, library_size(), 997) for step in recipe(index).steps}
    assert used == {named.name for named in REACTIONS}


def test_scaffolds_are_varied(drawn: list[str]) -> None:
    scaffolds = {MurckoScaffold.MurckoScaffoldSmiles(smiles) for smiles in drawn[:1000]}
    assert len(scaffolds) > 800


def test_indices_seldom_share_a_molecule() -> None:
    found = sample(4000, seed=5)
    assert len(set(found)) >= 0.99 * len(found)


def test_distinct_sample_has_no_duplicates_and_is_nested(drawn: list[str]) -> None:
    assert len(set(drawn)) == len(drawn)
    assert distinct_sample(100, seed=0) == drawn[:100]
    assert distinct_sample(0, seed=0) == []


def test_distinct_molecules_come_one_by_one_and_are_checked_at_the_call(drawn: list[str]) -> None:
    assert list(itertools.islice(distinct_molecules(library_size(), seed=0), 5)) == drawn[:5]
    with pytest.raises(UserError, match="n = -2"):
        distinct_molecules(-2, seed=0)


def test_distinct_sample_skips_a_molecule_that_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_library, "library_size", lambda: 10)
    monkeypatch.setattr(embedded_library, "molecule", lambda index: "C" * (1 + index // 2))
    assert sorted(distinct_sample(5, seed=1)) == ["C" * length for length in range(1, 6)]
    with pytest.raises(UserError, match="it has 5"):
        distinct_sample(6, seed=1)


def test_seeds_draw_different_molecules() -> None:
    assert len(set(sample(200, seed=0)) & set(sample(200, seed=1))) < 5


def test_sample_is_nested() -> None:
    assert sample(50, seed=9)[:20] == sample(20, seed=9)


def test_molecules_walks_the_indices() -> None:
    assert list(molecules(1000, 1005)) == [molecule(index) for index in range(1000, 1005)]
    assert list(molecules(7, 7)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 4097])
def test_permuted_is_a_permutation(size: int) -> None:
    keys = (11, 22, 33, 44, 55, 66)
    places = [permuted(position, size, keys) for position in range(size)]
    assert sorted(places) == list(range(size))
    assert size < 1000 or places != sorted(places)


def test_permuted_spreads_neighbours() -> None:
    places = [permuted(position, library_size(), (1, 2, 3, 4, 5, 6)) for position in range(4000)]
    tenths = [sum(place * 10 // library_size() == tenth for place in places) for tenth in range(10)]
    # 400 are expected in each tenth, with a standard deviation of 19.
    assert all(300 < count < 500 for count in tenths)


@pytest.mark.parametrize("index", [-1, 10**9])
def test_index_outside_the_library_is_refused(index: int) -> None:
    with pytest.raises(UserError, match=f"index {index} is not in the embedded library; allowed: 0 to"):
        molecule(index)


def test_impossible_samples_are_refused() -> None:
    with pytest.raises(UserError, match="n = -1"):
        sample(-1, seed=0)
    with pytest.raises(UserError, match=f"allowed: 0 to {library_size()}"):
        distinct_sample(library_size() + 1, seed=0)
    with pytest.raises(UserError, match="seed = -3"):
        distinct_sample(3, seed=-3)
    with pytest.raises(UserError, match="range 5:3"):
        molecules(5, 3)


def test_golden_indices_still_name_the_same_molecules() -> None:
    for index, smiles in golden()["molecules"].items():
        assert molecule(int(index)) == Chem.CanonSmiles(smiles)


def test_golden_sample_is_still_the_same_molecules() -> None:
    assert keys_digest(distinct_sample(1000, seed=0)) == golden()["sample_inchi_keys_sha256"]


def test_golden_sample_is_still_spelt_the_same() -> None:
    digest = text_digest(distinct_sample(1000, seed=0))
    if rdkit.__version__ not in golden()["rdkit"] and digest != golden()["sample_smiles_sha256"]:
        pytest.skip(f"RDKit {rdkit.__version__} spells canonical SMILES in another way")
    assert digest == golden()["sample_smiles_sha256"]


def test_a_fresh_process_gives_the_same_molecule() -> None:
    code = "from chemscale.chem.embedded_library import molecule; print(molecule(4242424))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == molecule(4242424)


def heavy_atom_bounds(route: Route) -> tuple[int, int]:
    """The exact fewest and most heavy atoms of a route, from its blocks and what the reactions take away."""

    def atoms(block: str) -> int:
        return int(Chem.MolFromSmiles(block).GetNumHeavyAtoms())

    def adds(arm: Arm, onto: str | None) -> int:
        lost_by_linker = reaction(arm.reaction).atoms_lost(onto) if onto else 0
        return atoms(arm.block) - reaction(arm.reaction).atoms_lost(arm.group) - lost_by_linker

    ends = (route.groups[0][0], route.groups[-1][1]) if route.groups else (None, None)
    axes = [[adds(arm, ends[0]) for arm in route.left], [adds(arm, ends[1]) for arm in route.right]]
    axes += [[atoms(block) for block in blocks] for blocks in route.linkers]
    lost = (
        sum(reaction(route.join).atoms_lost(group) for group in (route.groups[0][1], route.groups[1][0]))
        if route.join
        else 0
    )
    return sum(map(min, axes)) - lost, sum(map(max, axes)) - lost


def golden() -> dict[str, Any]:
    return dict(json.loads(GOLDEN.read_text()))


def text_digest(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def keys_digest(smiles: list[str]) -> str:
    return text_digest([Chem.MolToInchiKey(Chem.MolFromSmiles(text)) for text in smiles])


def write_golden() -> None:
    indices = [number * (library_size() // 20) for number in range(20)]
    drawn = distinct_sample(1000, seed=0)
    content = {
        "rdkit": [rdkit.__version__],
        "library_size": library_size(),
        "molecules": {str(index): molecule(index) for index in indices},
        "sample_smiles_sha256": text_digest(drawn),
        "sample_inchi_keys_sha256": keys_digest(drawn),
    }
    GOLDEN.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    write_golden()
