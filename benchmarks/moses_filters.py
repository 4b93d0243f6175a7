"""MCF and PAINS filters: molecules a CPU second beside the MOSES reference implementation, and all verdicts compared.

    PYTHONPATH=peers/moses python benchmarks/moses_filters.py [FILE ...] [--molecules 2000] [--rounds 3]

About two minutes; `moses_reference.py` says how to get the peer. FILES are molecule files or sources, from which the
molecules are taken in equal parts; without any they are of the embedded library. A hundred odd ones are added: charges,
salts, radicals, isotopes, large rings, metals, and texts that are no molecule. Both sides read the SMILES themselves,
use one thread and count processor time; they take turns, the ratio is the median of ratios within rounds. A verdict
that differs ends the program with an error.

    whole          from SMILES to verdict, all molecules
    alerts alone   both given molecules that pass all cheaper tests, so that every alert is tried
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from rdkit import Chem, rdBase

from chemscale.chem.alerts import moses_alert_set
from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.molecule_set import read_set
from chemscale.chem.moses_filters import judge_all
from chemscale.chem.sources import resolve
from moses_reference import load_reference
from side_by_side import machine_line, median_ratio, spread, take_turns

ODD = [
    "", "C1CC", "c1cccc1", "C(C)(C)(C)(C)C", "[Na+].[Cl-]", "CC(=O)[O-].[Na+]", "C[N+](C)(C)C", "[CH3]", "[CH2]C",
    "[O]", "[2H]C([2H])([2H])O", "[13CH4]", "[H][H]", "[2H][2H]", "[H]", "[H+]", "C1CCCCCCC1", "C1CCCCCC1",
    "C1CCCCCCCCCCC1", "c1ccc2c(c1)Cc1ccccc1CCc1ccccc1C2", "C[Si](C)(C)C", "CP(C)C", "CB(O)O", "CI", "C[Se]C", "[Fe]",
    "Cl[Pt](Cl)(N)N", "[*]C", "*c1ccccc1", "O=[N+]([O-])c1ccccc1", "C[S+](C)[O-]", "C[N+]#[C-]", "N#N", "O=O", "C",
    "O", "[NH4+].[OH-]", "FC(F)(F)C(F)(F)C(F)(F)F", "ClC(Cl)(Cl)Cl", "BrC(Br)Br", "FC(F)(F)C(F)(F)C(F)(F)F.FC",
    "CSSC", "C1OC1", "C1CN1", "CN=C=O", "CC=O", "C=C(C)C#N", "CN=NC", "NN", "CNNC", "C=CS(C)(=O)=O", "C1C=CC(=C)O1",
    "C1=CC=C(C)O1", "C1=CC(=C)C=C1", "O=C1C=CC(=O)C=C1", "Oc1ccccc1O", "c1ccsc1", "Clc1ccccn1", "Clc1ccncc1", "NCN",
    "OCO", "C1OCO1", "NC1=CC=CC=CC1", "O=C1C=CC=CC=C1", "c1ccc2ccccc2c1", "c1ccc2cccc-2cc1",
    "S=C1NC(=O)C(=Cc2ccccc2)S1", "O=C1CSC(=S)N1", "CN(C)c1ccccc1", "Nc1ccc(N)cc1", "OC1=CC(=O)C=CC1=O",
    "CC(=O)C(=O)C", "C=C1C(=O)NN(c2ccccc2)C1=O", "N#CC(C#N)=C", "c1ccc(cc1)N=Nc1ccccc1", "C[C@H](N)C(=O)O", "F/C=C/F",
    "C[C@@H]1CC[C@H](C)CC1", "CC(C)(C)c1ccc(O)cc1", "[O-][n+]1ccccc1", "C[n+]1ccccc1", "[nH]1cccc1",
    "c1ccc2c(c1)ccc1ccc3ccc4ccc5ccccc5c4c3c12", "c1cc2ccc3ccc4ccc5ccc6ccc1c1c2c3c4c5c61", "O=S(=O)(O)O", "S", "CS",
    "N", "F", "Cl", "Br", "I", "[Cl]", "[C]", "[CH]", "C#C", "C=C=C", "C1=CC1", "C1C2CC12", "O=C=O", "[C-]#[O+]",
    "N=[N+]=[N-]", "CN=[N+]=[N-]",
]  # fmt: skip


def main() -> None:
    """Compare verdicts, measure, print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--molecules", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    reference, _ = load_reference()
    rdBase.DisableLog("rdApp.*")
    smiles = ODD + real_molecules(options.sources, options.molecules)
    print(machine_line(sources=" ".join(options.sources) or "embedded", molecules=len(smiles)))
    moses_alert_set()
    compare_verdicts(smiles, reference.mol_passes_filters)
    measure(
        "whole",
        len(smiles),
        lambda: judge_all(smiles),
        lambda: [reference.mol_passes_filters(text) for text in smiles],
        options.rounds,
    )
    plain = plain_molecules(smiles)
    measure(
        "alerts alone",
        len(plain),
        lambda: list(map(moses_alert_set().first, plain)),
        lambda: [first_alert(reference._filters, molecule) for molecule in plain],
        options.rounds,
    )


def real_molecules(sources: Sequence[str], count: int) -> list[str]:
    """Molecules in equal parts of all sources."""
    if not sources:
        return distinct_sample(count, seed=0)
    each = -(-count // len(sources))
    return [text for source in sources for _, text in islice(read_smiles(resolve(source)), each)]


def compare_verdicts(smiles: Sequence[str], reference: Callable[[str], bool]) -> None:
    """Every verdict of both, and the reasons.

    Raises:
        SystemExit: one differs.
    """
    verdicts = judge_all(smiles)
    different = [t for t, verdict in zip(smiles, verdicts, strict=True) if verdict.passes != reference(t)]
    if different:
        raise SystemExit(f"{len(different)} verdicts differ: {different[:10]}")
    reasons = Counter(verdict.reason.partition(" ")[0] for verdict in verdicts)
    passed = reasons.pop("")
    print(f"all {len(smiles):,} verdicts agree; {passed:,} pass; {len(reasons)} reasons, most frequent: ", end="")
    print(", ".join(f"{reason} {count}" for reason, count in reasons.most_common(6)))


def plain_molecules(smiles: Sequence[str]) -> list[Chem.Mol]:
    """Those that no test but the alerts refuses."""
    names = {"", *moses_alert_set().names}
    molecules = read_set(smiles).valid
    return [
        molecule for molecule, verdict in zip(molecules, judge_all(molecules), strict=True) if verdict.reason in names
    ]


def first_alert(filters: Sequence[Chem.Mol], molecule: Chem.Mol) -> bool:
    """The reference's loop over alerts."""
    with_hydrogens = Chem.AddHs(molecule)
    return any(with_hydrogens.HasSubstructMatch(query) for query in filters)


def measure(title: str, count: int, ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> None:
    """Print molecules a CPU second and the ratio."""
    rates = take_turns({"ours": rate(count, ours), "reference": rate(count, theirs)}, rounds, warm_up=0)
    ratio = median_ratio(rates["ours"], rates["reference"])
    print(f"\n{title}, {count:,} molecules, a CPU second: median (lowest, highest)")
    print(f"reference     {spread(rates['reference']):>26s}")
    print(f"chemscale     {spread(rates['ours']):>26s} {ratio:6.2f}x", flush=True)


def rate(count: int, action: Callable[[], object]) -> Callable[[], float]:
    """Molecules a CPU second of an action over `count` molecules."""

    def measured() -> float:
        started = time.process_time()
        action()
        return count / (time.process_time() - started)

    return measured


if __name__ == "__main__":
    main()
