"""Named reactions as SMARTS, and how one is run on chosen sites of two molecules.

A reaction joins two building blocks. Only the chosen site of each block reacts: every other atom is protected, as a
chemist would protect a second group. This gives one product, never a mixture.
"""

import functools
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import rdChemReactions

from chemscale.base.errors import UserError

AMINES = ("primary amine", "secondary amine", "aniline")

FUNCTIONAL_GROUPS: dict[str, str] = {
    "acid": "[CX3](=O)[OX2H1]",
    "primary amine": "[NX3;H2;$(N[CX4])]",
    "secondary amine": "[NX3;H1;$(N([CX4])[CX4])]",
    "aniline": "[NX3;H2;$(Nc)]",
    "alcohol": "[CX4][OX2H1]",
    "phenol": "[OX2H1;$(Oc)]",
    "sulfonyl chloride": "[SX4](=O)(=O)Cl",
    "isocyanate": "[NX2]=[CX2]=O",
    "aldehyde": "[CX3;H1;$(C[#6])]=O",
    "ketone": "[CX3;R;$(C([CX4])[CX4])]=O",
    "activated chloride": "[c;$(c:[nX2])]Cl",
    "boronic acid": "cB([OX2H1])[OX2H1]",
    "aryl bromide": "cBr",
    "alkyl bromide": "[CX4;!$(CC(=O)[#6])]Br",
    "azide": "[NX2]=[N+]=[N-]",
    "alkyne": "[CX2;H1]#[CX2]",
    "azole": "[nX3;H1]",
    "amidoxime": "[OX2H1][NX2]=[CX3][NX3;H2]",
    "bromoketone": "Br[CX4;H2][CX3;$(C([#6])[#6])]=O",
    "thioamide": "[NX3;H2][CX3]=S",
    "aminoazine": "[NX3;H2]c:[nX2;r6]",
    "ortho diamine": "[NX3;H2]cc[NX3;H1;$(N[CX4])]",
    "thiol": "[SX2;H1;$(Sc)]",
}
"""Reactive groups by name; the SMARTS covers every atom that a reaction of the group touches."""


@dataclass(frozen=True)
class Reaction:
    """A named reaction of two building blocks.

    Attributes:
        name: as chemists call it.
        smarts: the reaction SMARTS; the templates are in the order of `first` and `second`.
        first: the functional groups that take the first place.
        second: the functional groups that take the second place; no group is in both.
    """

    name: str
    smarts: str
    first: tuple[str, ...]
    second: tuple[str, ...]

    def partners(self, group: str) -> tuple[str, ...]:
        """The groups that react with `group`; empty where it takes no part."""
        if group in self.first:
            return self.second
        return self.first if group in self.second else ()

    def atoms_lost(self, group: str) -> int:
        """How many heavy atoms a block with `group` leaves behind (the OH of an acid, the Br of a bromide)."""
        return _unmapped_atoms(self.smarts, 0 if group in self.first else 1)


REACTIONS: tuple[Reaction, ...] = (
    Reaction("amide coupling", "[C:1](=[O:2])[OH1].[N:3]>>[C:1](=[O:2])[N:3]", ("acid",), AMINES),
    Reaction("esterification", "[C:1](=[O:2])[OH1].[OH1:3]>>[C:1](=[O:2])[O:3]", ("acid",), ("alcohol",)),
    Reaction(
        "sulfonamide formation",
        "[S:1](=[O:2])(=[O:3])Cl.[N:4]>>[S:1](=[O:2])(=[O:3])[N:4]",
        ("sulfonyl chloride",),
        AMINES,
    ),
    Reaction("urea formation", "[N:1]=[C:2]=[O:3].[N:4]>>[NH1:1][C:2](=[O:3])[N:4]", ("isocyanate",), AMINES),
    Reaction(
        "carbamate formation", "[N:1]=[C:2]=[O:3].[OH1:4]>>[NH1:1][C:2](=[O:3])[O:4]", ("isocyanate",), ("alcohol",)
    ),
    Reaction(
        "reductive amination",
        "[C:1]=O.[N:2]>>[C:1]-[N:2]",
        ("aldehyde", "ketone"),
        ("primary amine", "secondary amine"),
    ),
    Reaction("SNAr amination", "[c:1]Cl.[N:2]>>[c:1]-[N:2]", ("activated chloride",), AMINES),
    Reaction("SNAr etherification", "[c:1]Cl.[OH1:2]>>[c:1]-[O:2]", ("activated chloride",), ("phenol", "alcohol")),
    Reaction("Suzuki coupling", "[c:1]Br.[c:2]B([OH1])[OH1]>>[c:1]-[c:2]", ("aryl bromide",), ("boronic acid",)),
    Reaction(
        "Buchwald-Hartwig amination",
        "[c:1]Br.[N:2]>>[c:1]-[N:2]",
        ("aryl bromide",),
        ("secondary amine", "aniline"),
    ),
    Reaction("Sonogashira coupling", "[c:1]Br.[C;H1:2]#[C:3]>>[c:1]-[C:2]#[C:3]", ("aryl bromide",), ("alkyne",)),
    Reaction("Williamson ether synthesis", "[C:1]Br.[OH1:2]>>[C:1]-[O:2]", ("alkyl bromide",), ("phenol",)),
    Reaction("thioether alkylation", "[C:1]Br.[SH1:2]>>[C:1]-[S:2]", ("alkyl bromide",), ("thiol",)),
    Reaction("azole alkylation", "[C:1]Br.[nH1:2]>>[C:1]-[nH0:2]", ("alkyl bromide",), ("azole",)),
    Reaction("Mitsunobu etherification", "[C:1][OH1].[OH1:2]>>[C:1]-[O:2]", ("alcohol",), ("phenol",)),
    Reaction("Chan-Lam coupling", "[nH1:1].[c:2]B([OH1])[OH1]>>[nH0:1]-[c:2]", ("azole",), ("boronic acid",)),
    Reaction(
        "azide-alkyne click",
        "[N:1]=[N+:2]=[N-:3].[C;H1:4]#[C:5]>>[n:1]1[n+0:2][n+0:3][c:5][c:4]1",
        ("azide",),
        ("alkyne",),
    ),
    Reaction(
        "1,2,4-oxadiazole synthesis",
        "[OH1:1][N:2]=[C:3][N:4].[C:5](=O)[OH1]>>[o:1]1[n:2][c:3][n:4][c:5]1",
        ("amidoxime",),
        ("acid",),
    ),
    Reaction(
        "Hantzsch thiazole synthesis",
        "Br[C:1][C:2]=O.[N:3][C:4]=[S:5]>>[c:1]1[c:2][n:3][c:4][s:5]1",
        ("bromoketone",),
        ("thioamide",),
    ),
    Reaction(
        "imidazopyridine synthesis",
        "Br[C:1][C:2]=O.[N:3][c:4][n:5]>>[c:1]1[c:2][n:3][c:4][n:5]1",
        ("bromoketone",),
        ("aminoazine",),
    ),
    Reaction(
        "benzimidazole synthesis",
        "[N;H2:1][c:2][c:3][N;H1:4].[C;H1:5]=O>>[n:1]1[c:2][c:3][n:4][c:5]1",
        ("ortho diamine",),
        ("aldehyde",),
    ),
)


@dataclass(frozen=True)
class Reactant:
    """A molecule whose atoms carry their identity as isotope numbers, and the identities of its reacting site."""

    molecule: Chem.Mol
    site: frozenset[int]


@functools.cache
def compiled(smarts: str) -> rdChemReactions.ChemicalReaction:
    """The RDKit reaction of a reaction SMARTS, ready to run."""
    reaction = rdChemReactions.ReactionFromSmarts(smarts)
    reaction.Initialize()
    return reaction


@functools.cache
def reaction(name: str) -> Reaction:
    """The reaction of this name.

    Raises:
        UserError: there is none.
    """
    for candidate in REACTIONS:
        if candidate.name == name:
            return candidate
    raise UserError(f"no reaction {name!r}; there are: {', '.join(known.name for known in REACTIONS)}")


def sites(molecule: Chem.Mol, group: str) -> list[tuple[int, ...]]:
    """Atom indices of every place in `molecule` where `group` stands."""
    return [tuple(match) for match in molecule.GetSubstructMatches(_pattern(group))]


def react(reaction: Reaction, first: Reactant, second: Reactant) -> Chem.Mol:
    """The one product of a reaction at the sites of its two reactants, sanitised; atoms keep their isotope numbers.

    Raises:
        UserError: the sites do not react, or in more than one way.
    """
    reactants = (_protected(first), _protected(second))
    found = [product for (product,) in compiled(reaction.smarts).RunReactants(reactants)]
    for product in found:
        Chem.SanitizeMol(product)
    products = found if len(found) == 1 else list({Chem.MolToSmiles(product): product for product in found}.values())
    if len(products) != 1:
        texts = ", ".join(Chem.MolToSmiles(reactant.molecule) for reactant in (first, second))
        raise UserError(f"{reaction.name}: {len(products)} products from {texts}, expected one; choose other sites")
    return products[0]


def _protected(reactant: Reactant) -> Chem.Mol:
    """A copy in which RDKit lets only the site react."""
    molecule = Chem.Mol(reactant.molecule)
    for atom in molecule.GetAtoms():
        if atom.GetIsotope() in reactant.site:
            atom.ClearProp("_protected")
        else:
            atom.SetProp("_protected", "1")
    return molecule


@functools.cache
def _unmapped_atoms(smarts: str, place: int) -> int:
    template = compiled(smarts).GetReactantTemplate(place)
    return sum(atom.GetAtomMapNum() == 0 for atom in template.GetAtoms())


@functools.cache
def _pattern(group: str) -> Chem.Mol:
    return Chem.MolFromSmarts(FUNCTIONAL_GROUPS[group])
