"""Bemis-Murcko scaffolds: the rings of a molecule and what links them (10.1021/jm9602928)."""

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold


def murcko_scaffold(molecule: Chem.Mol) -> str:
    """The canonical SMILES of the scaffold, "" for a molecule without rings.

    As in MOSES: exocyclic double bonds to the scaffold stay, stereo marks stay, side chains go.
    """
    try:
        scaffold = MurckoScaffold.GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
        return str(Chem.MolToSmiles(scaffold))
    except (ValueError, RuntimeError):  # a few molecules have scaffolds that RDKit cannot sanitise
        return ""
