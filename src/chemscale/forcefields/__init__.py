"""World 2: neural force fields. Frames in, energies and forces out.

`build_model` makes a force field, `ForceFieldCalculator` drives dynamics with one (through ASE).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chemscale.forcefields.calculator import ForceFieldCalculator as ForceFieldCalculator
    from chemscale.forcefields.families import build_model as build_model

HOMES = {"ForceFieldCalculator": "calculator", "build_model": "families"}
__all__ = ["ForceFieldCalculator", "build_model"]


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(importlib.import_module(f"chemscale.forcefields.{HOMES[name]}"), name)
    raise AttributeError(f"module 'chemscale.forcefields' has no attribute {name!r}")
