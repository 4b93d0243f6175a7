"""What distributions of molecules are compared by, without the molecules: a kilobyte each in place of fifty."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from chemscale.chem.distributions import Values, wasserstein_distance
from chemscale.chem.fingerprints import WORDS, Fingerprints, morgan_fingerprints
from chemscale.chem.properties import PROPERTIES
from chemscale.chem.set_metrics import brics_fragments, cosine_similarity, mean_nearest_similarity

_FEWEST_RINGS = 2


class Profile(NamedTuple):
    """One molecule.

    Attributes:
        properties: values of `PROPERTIES`.
        fingerprint: the bytes of a row of `morgan_fingerprints`.
        fragments: SMILES of BRICS fragments.
        scaffold: SMILES of a scaffold with two rings or more; "" where there is none.
    """

    properties: tuple[float, ...]
    fingerprint: bytes
    fragments: tuple[str, ...]
    scaffold: str


class SetDistances(NamedTuple):
    """How far molecules are from a reference; NaN where one of both is empty."""

    nearest: float
    fragments: float
    scaffolds: float
    properties: dict[str, float]


def profile(molecule: Chem.Mol, properties: tuple[float, ...], scaffold: str) -> Profile:
    """The profile of a molecule, of which properties and Bemis-Murcko scaffold are known.

    Scaffolds are counted from two rings on, as in MOSES; a scaffold has all rings of its molecule.
    """
    return Profile(
        properties,
        morgan_fingerprints([molecule]).tobytes(),
        tuple(brics_fragments(molecule)),
        scaffold if rdMolDescriptors.CalcNumRings(molecule) >= _FEWEST_RINGS else "",
    )


def property_values(profiles: Sequence[Profile]) -> Values:
    """Properties [n_molecules, n_properties]."""
    return np.array([one.properties for one in profiles], dtype=np.float64).reshape(-1, len(PROPERTIES))


def fingerprints_of(profiles: Sequence[Profile]) -> Fingerprints:
    """Fingerprints [n_molecules, WORDS]."""
    return np.frombuffer(b"".join(one.fingerprint for one in profiles), dtype=np.uint64).reshape(-1, WORDS)


def set_distances(profiles: Sequence[Profile], reference: Sequence[Profile]) -> SetDistances:
    """Distances of molecules to a reference, as MOSES defines them."""
    values, beside = property_values(profiles), property_values(reference)
    fragments = [Counter(fragment for one in side for fragment in one.fragments) for side in (profiles, reference)]
    scaffolds = [Counter(one.scaffold for one in side if one.scaffold) for side in (profiles, reference)]
    return SetDistances(
        nearest=mean_nearest_similarity(fingerprints_of(profiles), fingerprints_of(reference)),
        fragments=cosine_similarity(*fragments),
        scaffolds=cosine_similarity(*scaffolds),
        properties={
            name: wasserstein_distance(values[:, column], beside[:, column]) for column, name in enumerate(PROPERTIES)
        },
    )
