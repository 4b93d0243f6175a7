"""Verbs that embed molecules and search among them."""
