"""Small organic molecules for frames: a core on which substituents grow, each molecule a function of seed and number.

The embedded library of `chemscale.chem` is drug-like: of its molecules one in ten thousand has 21 atoms or fewer with
hydrogens. Frames of force fields want small ones, so these are built from rings and chains instead: a core, and
one substituent after the other in place of a hydrogen on carbon. Only carbon is substituted, and a saturated carbon
takes at most one kind of heteroatom, so that no peroxide, N-halogen, hydrate or hemiaminal comes out.
"""

import functools
from collections.abc import Iterator

import numpy as np
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream

MIN_ATOMS, MAX_ATOMS = 9, 21
_CORES = """
    C CC CCC C(C)(C)C C=C CC=C C#C C=CC=C C=C=C COC CSC CNC CN(C)C CC=O CC(C)=O COC=O NC=O CNC=O CC=NO CC#N C=NC
    C1CC1 C1CCC1 C1CCCC1 C1CO1 C1CN1 C1CS1 C1COC1 C1CNC1 C1CCOC1 C1CCNC1 C1CCSC1 C1COCO1 C1=CCC1 C1=CCCC1 C1CC2CC12
    c1ccccc1 c1ccncc1 c1cnccn1 c1cncnc1 c1ccnnc1 c1ncncn1 c1ccoc1 c1cc[nH]c1 c1ccsc1 c1cnc[nH]1 c1cn[nH]c1 c1cocn1
    c1cnoc1 c1cscn1 c1cnsc1 c1nnco1 c1nncs1 c1nc[nH]n1 Cn1cccc1 Cn1ccnc1 O=c1cc[nH]cc1 O=C1CCN1 O=C1CCO1 O=C1CCC1
    O=C1C=CC(=O)C=C1 C1=COC=C1 CS(C)=O CS(C)(=O)=O CSSC C[N+](=O)[O-] CC(=O)OC NC(N)=O CNC(=O)N COCOC C1OCO1 CON
"""
_SUBSTITUENTS = """
    C C C CC C(C)C C=C C#C C1CC1 C(F)(F)F C(F)F CF CCl F F F Cl Cl O O O OC OC=O OCC N N NC N(C)C NC=O S SC S(C)=O
    S(C)(=O)=O S(N)(=O)=O C#N C#N C=O C(C)=O C(=O)O C(N)=O C(=O)OC C(F)=O CO CN COC CC#N CC=O [N+](=O)[O-] N=C=O N=O
    C=NO OC(F)F SCF C1CO1 C(=O)NC CS
"""
_MAX_ATTEMPTS_WITHOUT_NEW = 20_000


def small_molecules(seed: int) -> Iterator[str]:
    """Different molecules of 9 to 21 atoms (hydrogens counted) of H, C, N, O, F, S, Cl, as canonical SMILES, unending.

    The stream depends on the seed alone: a longer sample begins with a shorter one.

    Raises:
        UserError: the seed is negative; or so many were taken that no new one is found in 20,000 attempts.
    """
    if seed < 0:
        raise UserError(f"seed = {seed} is not allowed; give an integer from 0")
    return _distinct(stream(seed, "small molecules"))


def _distinct(random: np.random.Generator) -> Iterator[str]:
    seen: set[str] = set()
    misses = 0
    while misses < _MAX_ATTEMPTS_WITHOUT_NEW:
        smiles = _grown(random)
        if smiles is None or smiles in seen:
            misses += 1
            continue
        misses = 0
        seen.add(smiles)
        yield smiles
    raise UserError(
        f"the {len(seen):,} small molecules of this seed are used up; ask for more frames a molecule, or give a file"
    )


def _grown(random: np.random.Generator) -> str | None:
    """One molecule, its size drawn first, small ones more often; None where growth misses the sizes."""
    wanted = int(random.integers(MIN_ATOMS, MAX_ATOMS + 1, 2).min())
    molecule = _drawn(_CORES, random)
    while (size := _n_atoms(molecule)) < wanted:
        substituent = _drawn(_SUBSTITUENTS, random)
        sites = [atom.GetIdx() for atom in molecule.GetAtoms() if _takes(atom, substituent)]
        if not sites:
            return None
        molecule = _substituted(molecule, sites[random.integers(len(sites))], substituent)
    return str(Chem.MolToSmiles(molecule)) if MIN_ATOMS <= size <= MAX_ATOMS else None


def _takes(atom: Chem.Atom, substituent: Chem.Mol) -> bool:
    """Whether a hydrogen of this atom can give way to the substituent's first atom."""
    if atom.GetAtomicNum() != 6 or atom.GetTotalNumHs() == 0:
        return False
    incoming = substituent.GetAtomWithIdx(0).GetAtomicNum()
    hetero = {neighbour.GetAtomicNum() for neighbour in atom.GetNeighbors()} - {6}
    return incoming == 6 or not hetero or atom.GetIsAromatic() or hetero == {incoming} == {9}


def _substituted(molecule: Chem.Mol, site: int, substituent: Chem.Mol) -> Chem.Mol:
    joined = Chem.RWMol(Chem.CombineMols(molecule, substituent))
    joined.AddBond(site, molecule.GetNumAtoms(), Chem.BondType.SINGLE)
    Chem.SanitizeMol(joined)
    return joined.GetMol()


def _n_atoms(molecule: Chem.Mol) -> int:
    return sum(1 + atom.GetTotalNumHs() for atom in molecule.GetAtoms())


def _drawn(listed: str, random: np.random.Generator) -> Chem.Mol:
    molecules = _parsed(listed)
    return molecules[random.integers(len(molecules))]


@functools.cache
def _parsed(listed: str) -> tuple[Chem.Mol, ...]:
    return tuple(map(Chem.MolFromSmiles, listed.split()))
