"""Molecular dynamics at constant energy with a trained force field, and how well it keeps the energy.

Command   python examples/force_field_dynamics.py [RUN or exported file]
Duration  about 25 seconds on one core, half of it training where nothing is named
Expected  drift and fluctuation fall with the square of the time step, as velocity Verlet's do when forces are the
          gradient of the energy, and are the same in single precision
"""

import sys

from force_field_relaxation import relaxed, train_on_forces

from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.dynamics import energy_drift

model = sys.argv[1] if len(sys.argv) > 1 else train_on_forces()
start = relaxed(ForceFieldCalculator(model))
for dtype, timestep_fs, steps in (("float64", 0.5, 1000), ("float64", 0.25, 2000), ("float32", 0.5, 1000)):
    calculator = ForceFieldCalculator(model, dtype=dtype)
    print(f"{dtype}, {timestep_fs} fs: {energy_drift(calculator, start, timestep_fs=timestep_fs, steps=steps)}")
