"""Molecules as chemists know them, over RDKit and SELFIES: files, sources, spellings, and an embedded library.

Import what you need from its modules; importing this package loads neither RDKit nor SELFIES.
"""
