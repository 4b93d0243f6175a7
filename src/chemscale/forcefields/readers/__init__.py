"""Readers of frame files: one format a file, all listed in `formats`. Units are converted here, at the border."""
