"""Rotations in three dimensions: irreducible representations, spherical harmonics, and products of them."""
