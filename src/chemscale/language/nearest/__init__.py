"""Nearest neighbours of a molecule in a library, by embedding or by fingerprint."""
