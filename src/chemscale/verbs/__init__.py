"""The public verbs: what the command line does, as Python functions.

run_text.py   what is said of one run
training.py   train, study, report_study, status, table
tuning.py     tune
generation.py generate; sweeps.py sweep_prompts
search.py     embed, neighbours, compare_neighbours
maps.py       draw_map
laws.py       fit, and what is said of it [no torch]; law_drawings.py its figures
plans.py      plan [no torch]; budgets.py how a budget is written

They are looked up on first use, so that a law is fitted without waiting for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chemscale.verbs.generation import generate_to_file as generate
    from chemscale.verbs.laws import fit as fit
    from chemscale.verbs.maps import draw_map as draw_map
    from chemscale.verbs.plans import PlanRequest as PlanRequest
    from chemscale.verbs.plans import plan as plan
    from chemscale.verbs.run_text import run_summary as run_summary
    from chemscale.verbs.search import compare_neighbours as compare_neighbours
    from chemscale.verbs.search import embed as embed
    from chemscale.verbs.search import neighbours as neighbours
    from chemscale.verbs.sweeps import sweep_prompts as sweep_prompts
    from chemscale.verbs.training import StudyResult as StudyResult
    from chemscale.verbs.training import count_states as count_states
    from chemscale.verbs.training import law_table as law_table
    from chemscale.verbs.training import report_study as report_study
    from chemscale.verbs.training import status as status
    from chemscale.verbs.training import study as study
    from chemscale.verbs.training import table as table
    from chemscale.verbs.training import train as train
    from chemscale.verbs.tuning import tune as tune

_ROOMS = {
    "training": ("StudyResult", "count_states", "law_table", "report_study", "status", "study", "table", "train"),
    "run_text": ("run_summary",),
    "tuning": ("tune",),
    "laws": ("fit",),
    "plans": ("PlanRequest", "plan"),
    "generation": ("generate",),
    "sweeps": ("sweep_prompts",),
    "search": ("compare_neighbours", "embed", "neighbours"),
    "maps": ("draw_map",),
}
# a module may have another function of the name
_NAMED_OTHERWISE = {"generate": "generate_to_file"}

__all__ = [
    "PlanRequest",
    "StudyResult",
    "compare_neighbours",
    "count_states",
    "draw_map",
    "embed",
    "fit",
    "generate",
    "law_table",
    "neighbours",
    "plan",
    "report_study",
    "run_summary",
    "status",
    "study",
    "sweep_prompts",
    "table",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            module = importlib.import_module(f"chemscale.verbs.{room}")
            return getattr(module, _NAMED_OTHERWISE.get(name, name))
    raise AttributeError(f"module 'chemscale.verbs' has no attribute {name!r}")
