"""The MOSES reference implementation, imported from a checkout with what it misses today.

    git clone https://github.com/molecularsets/moses peers/moses
    export PYTHONPATH=peers/moses

Its release does not install beside present packages. Its metrics run once three things are put in their place: the
module `rdkit.six`, `DataFrame.append`, and `fcd_torch`, which is only for the Frechet distance. No file is changed.
"""

import functools
import importlib
import importlib.util
import sys
import types
from typing import Any

import numpy as np
import pandas as pd

HOW_TO_GET_IT = (__doc__ or "").split("\n\n")[1]


@functools.cache
def load_reference() -> tuple[types.ModuleType, types.ModuleType]:
    """The reference's `moses.metrics.utils` and `moses.metrics.metrics`; ends the program where it is missing."""
    if importlib.util.find_spec("moses") is None:
        raise SystemExit(f"The MOSES reference implementation is not on PYTHONPATH. Get it with\n\n{HOW_TO_GET_IT}")
    _replace("rdkit.six", iteritems=lambda mapping: iter(mapping.items()))
    if importlib.util.find_spec("fcd_torch") is None:
        _replace("fcd_torch", FCD=object)
    if not hasattr(pd.DataFrame, "append"):
        pd.DataFrame.append = _append
    if not hasattr(np, "NaN"):  # taken out of NumPy 2
        np.__dict__["NaN"] = np.nan
    return importlib.import_module("moses.metrics.utils"), importlib.import_module("moses.metrics.metrics")


def _append(table: pd.DataFrame, other: pd.DataFrame, sort: bool = False) -> pd.DataFrame:
    return pd.concat([table, other], sort=sort)


def _replace(name: str, **contents: Any) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    sys.modules[name] = module
