"""Properties of many molecules, on several processes: `python -m chemscale.chem.property_worker`."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.processor import available_cores
from chemscale.base.worker_processes import WorkerKind, WorkerPool, serve
from chemscale.chem.properties import property_table
from chemscale.chem.smiles import parse_smiles

WORKER = WorkerKind(
    module="chemscale.chem.property_worker",
    title="a property worker",
    on_death=lambda order: ", most likely killed for memory. Run the same command again",
)
MOLECULES_PER_ORDER = 200
MOLECULES_WORTH_WORKERS = 2_000  # below, a process takes longer to start than it saves


def properties_of(smiles: Sequence[str], workers: int | None = None) -> Iterator[npt.NDArray[np.float64]]:
    """The properties of molecules, a block of rows at a time, in order [n_block, n_properties].

    Args:
        smiles: molecules that can be read.
        workers: processes; None takes one per core at hand, or this process for few molecules.

    Raises:
        MoleculeError: one is no molecule (in a worker: RuntimeError with the reason).
        DataError: a worker process died.
    """
    orders = (list(smiles[i : i + MOLECULES_PER_ORDER]) for i in range(0, len(smiles), MOLECULES_PER_ORDER))
    chosen = workers or (available_cores() if len(smiles) >= MOLECULES_WORTH_WORKERS else 1)
    if chosen == 1:
        yield from map(_properties, orders)
        return
    with WorkerPool(WORKER, chosen) as pool:
        for rows in pool.results({"smiles": order} for order in orders):
            yield np.array(rows)


def _properties(smiles: Sequence[str]) -> npt.NDArray[np.float64]:
    return property_table([parse_smiles(text) for text in smiles])


def _carry_out(order: dict[str, Any]) -> list[list[float]]:
    return _properties(order["smiles"]).tolist()  # JSON keeps every digit of a float


if __name__ == "__main__":
    serve(_carry_out)
