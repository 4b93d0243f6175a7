"""Grids of runs: expand, execute, resume, gather."""
