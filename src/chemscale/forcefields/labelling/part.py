"""The frames of some molecules in one file: written whole or not at all, joined to the store at the end."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chemscale.base.errors import DataError
from chemscale.base.files import replacing
from chemscale.chem.smiles import MoleculeError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.labelling.sampling import Kind, MoleculeFrames, Sampling, frames_of
from chemscale.forcefields.labelling.xtb import LabelError


@dataclass(frozen=True)
class PartFrame:
    """One entry of a part: a frame and how it was made, or the reason why there is none.

    Attributes:
        molecule: canonical SMILES.
        frame: None where there is a fault.
        kind: how the geometry was made.
        temperature: in kelvin; 0 where there is none.
        fault: why there is no frame.
    """

    molecule: str
    frame: Frame | None = None
    kind: Kind | None = None
    temperature: float = 0.0
    fault: str = ""


def make_part(path: Path, first: int, molecules: Sequence[str], seed: int, sampling: Sampling) -> int:
    """Make and label the frames of some molecules and write them; returns the number of frames.

    Args:
        path: the file to write.
        first: number, in the source, of the first molecule.
        molecules: SMILES.
        seed: of all molecules.
        sampling: which geometries.

    Raises:
        OSError: the file cannot be written.
    """
    results = []
    for number, smiles in enumerate(molecules, start=first):
        try:
            results.append(frames_of(smiles, number, seed, sampling))
        except (LabelError, MoleculeError) as error:
            result = MoleculeFrames()
            result.rejects[str(error)] = sampling.frames_per_molecule
            results.append(result)
    _save(path, molecules, results)
    return sum(len(result.frames) for result in results)


def read_part(path: Path) -> Iterator[PartFrame]:
    """The entries of a part, molecule by molecule, the faults of a molecule behind its frames.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with np.load(path) as arrays:
            part = dict(arrays)
        notes = json.loads(str(part["notes"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it and run the same command again") from None
    row = atom = 0
    for note in notes:
        smiles = note["smiles"]
        numbers, charge, unpaired = np.array(note["numbers"], dtype=np.int64), note["charge"], note["unpaired"]
        for kind, temperature in zip(note["kinds"], note["temperatures"], strict=True):
            atoms = slice(atom, atom + len(numbers))
            frame = Frame(
                numbers,
                part["positions"][atoms],
                float(part["energies"][row]),
                part["forces"][atoms],
                charge,
                unpaired,
                smiles,
            )
            yield PartFrame(smiles, frame, kind, temperature)
            row, atom = row + 1, atoms.stop
        for reason, count in note["rejects"].items():
            yield from [PartFrame(smiles, fault=reason)] * count


def count_frames(path: Path) -> int:
    """How many frames a part has.

    Raises:
        DataError: the file is damaged.
    """
    return sum(entry.frame is not None for entry in read_part(path))


def _save(path: Path, molecules: Sequence[str], results: Sequence[MoleculeFrames]) -> None:
    frames = [frame for result in results for frame in result.frames]
    notes = [_note(smiles, result) for smiles, result in zip(molecules, results, strict=True)]
    none = np.zeros((0, 3))
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            positions=np.concatenate([none, *(frame.positions for frame in frames)]),
            forces=np.concatenate([none, *(none if frame.forces is None else frame.forces for frame in frames)]),
            energies=np.array([frame.energy for frame in frames]),
            notes=np.array(json.dumps(notes)),
        )


def _note(smiles: str, result: MoleculeFrames) -> dict[str, object]:
    first = result.frames[0] if result.frames else None
    return {
        "smiles": smiles,
        "numbers": first.atomic_numbers.tolist() if first else [],
        "charge": first.charge if first else 0,
        "unpaired": first.unpaired if first else 0,
        "kinds": result.kinds,
        "temperatures": result.temperatures,
        "rejects": dict(result.rejects),
    }
