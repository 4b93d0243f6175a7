"""chemscale: how does this model scale on molecules, and what should I spend on it?

The public verbs are looked up on first use, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chemscale.verbs import compare_neighbours as compare_neighbours
    from chemscale.verbs import draw_map as draw_map
    from chemscale.verbs import embed as embed
    from chemscale.verbs import fit as fit
    from chemscale.verbs import generate as generate
    from chemscale.verbs import neighbours as neighbours
    from chemscale.verbs import plan as plan
    from chemscale.verbs import report_study as report_study
    from chemscale.verbs import status as status
    from chemscale.verbs import study as study
    from chemscale.verbs import sweep_prompts as sweep_prompts
    from chemscale.verbs import table as table
    from chemscale.verbs import train as train
    from chemscale.verbs import tune as tune

__all__ = [
    "compare_neighbours",
    "draw_map",
    "embed",
    "fit",
    "generate",
    "neighbours",
    "plan",
    "report_study",
    "status",
    "study",
    "sweep_prompts",
    "table",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("chemscale.verbs"), name)
    raise AttributeError(f"module 'chemscale' has no attribute {name!r}")
