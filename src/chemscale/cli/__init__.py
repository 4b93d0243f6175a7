"""The command line: one subcommand per verb. It parses, calls the public function, and prints.

app.py        the application, its options, and how errors are told
training.py   train, study, report, status, presets, keys
laws.py       fit, plan
estimation.py tpe, tune
data.py       data list, get, info, verify, prepare
forces.py     data frames, data make, predict
generation.py generate
search.py     embed, neighbours
maps.py       map
"""

from chemscale.cli import data, estimation, forces, generation, laws, maps, search, training
from chemscale.cli.app import app, main

__all__ = ["app", "data", "estimation", "forces", "generation", "laws", "main", "maps", "search", "training"]
