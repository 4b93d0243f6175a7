"""Frames made here: molecules, geometries and labels by GFN2-xTB, on any machine and with no download.

`making.make_frames` does it all. `small_molecules` are the molecules, `conformers`, `displacements` and `dynamics` the
geometries, `xtb` the labels, `sampling` puts them together for one molecule.
"""
