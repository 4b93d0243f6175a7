"""Verbs that make molecules with a trained language model."""
