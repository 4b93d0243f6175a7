"""Energies known from physics: nuclear repulsion, electrostatics and dispersion, in eV per atom."""
