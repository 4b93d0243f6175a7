"""Energies, forces and charges of every structure of a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import ase
import torch

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.files import replacing
from chemscale.base.progress import progress_bar
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.prediction_errors import PredictionErrors
from chemscale.forcefields.structure_batches import predict_batch
from chemscale.forcefields.structure_files import labels_of, read_structures, write_prediction
from chemscale.forcefields.structures import dtype_of, frozen_copy
from chemscale.forcefields.trained import force_field_of


@dataclass(frozen=True)
class PredictionReport:
    """What was predicted, and how far it is from the labels that the structures came with.

    Attributes:
        n_structures: structures in the file.
        n_predicted: of them predicted.
        out: the file with the predictions, extended XYZ.
        rejects: number (from 0) and reason of every structure that was left out; None where all are predicted.
        errors: against energies and forces in the file; its counts are 0 where there are none.
    """

    n_structures: int
    n_predicted: int
    out: Path
    rejects: Path | None
    errors: PredictionErrors


def predict_structures(
    model: ForceField | Path | str,
    structures: Path | str,
    out: Path | str,
    *,
    batch_atoms: int = 2048,
    device: str = "cpu",
    dtype: Literal["float32", "float64"] = "float32",
) -> PredictionReport:
    """Predict every structure of a file that ASE can read, and write them in the same order as extended XYZ.

    Energies and forces that the structures came with stay beside the prediction as `REF_energy` and `REF_forces`. A
    structure that cannot be predicted (an unknown element, two atoms at the same place) is left out and named in
    `<out>.rejects.tsv`.

    Args:
        model: a force field, or a run folder.
        structures: any format of ASE; charge and unpaired electrons come from `info`, see `ForceFieldCalculator`.
        out: the file to write.
        batch_atoms: structures are predicted together up to this many atoms.
        device: of torch.
        dtype: precision of the network.

    Raises:
        ConfigError: a setting is not allowed.
        DataError: the file cannot be read, or none of its structures can be predicted.
    """
    structures, out = Path(structures), Path(out)
    if batch_atoms < 1:
        raise ConfigError(f"batch_atoms: {batch_atoms} is not allowed; expected 1 or more")
    if out.exists() and structures.exists() and out.samefile(structures):
        raise ConfigError(f"out: {out} is the file to be read; choose another one")
    force_field = frozen_copy(force_field_of(model), torch.device(device), dtype_of(dtype))
    rejects = out.with_name(f"{out.name}.rejects.tsv")
    with replacing(rejects) as rejects_file, replacing(out) as out_file:
        with out_file.open("w", encoding="utf-8") as to, rejects_file.open("w", encoding="utf-8") as reasons:
            writer = _Writer(to, reasons)
            with progress_bar("predict", None, "structures") as bar:
                for batch in _batches(read_structures(structures), batch_atoms):
                    writer.write(force_field, batch)
                    bar.advance(len(batch))
        if not writer.n_predicted:
            raise DataError(
                f"{structures}: none of its {writer.n_structures} structures can be predicted; "
                f"the first: {writer.first_reason}"
            )
    if writer.n_predicted == writer.n_structures:
        rejects.unlink()
    return PredictionReport(
        n_structures=writer.n_structures,
        n_predicted=writer.n_predicted,
        out=out,
        rejects=rejects if rejects.exists() else None,
        errors=writer.errors,
    )


class _Writer:
    def __init__(self, out: TextIO, rejects: TextIO) -> None:
        self.out, self.rejects = out, rejects
        self.n_structures = self.n_predicted = 0
        self.first_reason = ""
        self.errors = PredictionErrors()

    def write(self, force_field: ForceField, batch: list[ase.Atoms | DataError]) -> None:
        results = iter(predict_batch(force_field, [item for item in batch if isinstance(item, ase.Atoms)]))
        for item in batch:
            result = item if isinstance(item, DataError) else next(results)
            if isinstance(result, DataError):
                self.first_reason = self.first_reason or str(result)
                self.rejects.write(f"{self.n_structures}\t{' '.join(str(result).split())}\n")
            else:
                assert isinstance(item, ase.Atoms)
                write_prediction(self.out, item, result)
                self.errors.add(*labels_of(item), result)
                self.n_predicted += 1
            self.n_structures += 1


def _batches(structures: Iterable[ase.Atoms | DataError], batch_atoms: int) -> Iterator[list[ase.Atoms | DataError]]:
    batch: list[ase.Atoms | DataError] = []
    n_atoms = 0
    for structure in structures:
        more = 1 if isinstance(structure, DataError) else len(structure)
        if batch and n_atoms + more > batch_atoms:
            yield batch
            batch, n_atoms = [], 0
        batch.append(structure)
        n_atoms += more
    if batch:
        yield batch
