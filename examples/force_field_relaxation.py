"""A small force field: trained on forces, then used to relax a molecule.

The labels come from ASE's effective medium theory, so that nothing has to be downloaded; any other would do.

Command   python examples/force_field_relaxation.py
Duration  about 10 seconds on one core
Expected  errors of the forces fall below 30 meV/angstrom, and the bonds of the relaxed molecule are within a few
          hundredths of an angstrom of those that the labels' own method gives
"""

import ase
import numpy as np
import torch
from ase.build import molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.optimize import BFGS

from chemscale.forcefields import ForceFieldCalculator, build_model
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined


def relaxed(calculator: Calculator) -> ase.Atoms:
    """Methanol at rest."""
    atoms = molecule("CH3OH")
    atoms.calc = calculator
    BFGS(atoms, logfile=None).run(fmax=0.01, steps=200)
    return atoms


def train_on_forces(n_frames: int = 400, epochs: int = 30) -> torch.nn.Module:
    """A small PaiNN for methanol, trained on frames about its minimum."""
    random, start = np.random.default_rng(0), relaxed(EMT())
    frames = start.positions + random.normal(0, 0.08, (n_frames, *start.positions.shape))
    forces = np.array([EMT().get_forces(ase.Atoms(start.numbers, positions)) for positions in frames])
    graphs = [graph_of(start.numbers, positions, 5.0) for positions in frames]
    model = build_model("painn", width=32, depth=2, species=[1, 6, 8], cutoff=5.0)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        for batch in random.permutation(n_frames).reshape(-1, 16):
            positions, known = (torch.tensor(rows[batch].reshape(-1, 3)).float() for rows in (frames, forces))
            predicted = model.predict(joined([graphs[i] for i in batch]), positions, create_graph=True)
            loss = (predicted.forces - known).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: force error {1000 * loss.item():.0f} meV/angstrom")
    return model


if __name__ == "__main__":
    ours, theirs = relaxed(ForceFieldCalculator(train_on_forces())), relaxed(EMT())
    for bond, *ends in (("C-O", 0, 1), ("O-H", 1, 3), ("C-H", 0, 2)):
        print(f"{bond} {ours.get_distance(*ends):.3f}, in the labels {theirs.get_distance(*ends):.3f} angstrom")
