"""Families of the language world: one file a family, one line in `chemscale.language.families`."""
