"""World 1: chemical language models. SMILES and SELFIES corpora, ChemGPT, and what it is trained on."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chemscale.language.data import Corpus as Corpus
    from chemscale.language.huggingface import from_huggingface as from_huggingface
    from chemscale.language.huggingface import to_huggingface as to_huggingface
    from chemscale.language.models.chemgpt import ChemGPT as ChemGPT
    from chemscale.language.models.chemgpt import ChemGPTConfig as ChemGPTConfig
    from chemscale.language.tokenizer import Tokenizer as Tokenizer
    from chemscale.language.trained import Checkpoint as Checkpoint
    from chemscale.language.trained import load_checkpoint as load_checkpoint
    from chemscale.language.trained import load_run as load_run

# Looked up on first use, so that preparing a corpus never waits for torch.
_PUBLIC = {
    "Checkpoint": "chemscale.language.trained",
    "ChemGPT": "chemscale.language.models.chemgpt",
    "ChemGPTConfig": "chemscale.language.models.chemgpt",
    "Corpus": "chemscale.language.data",
    "Tokenizer": "chemscale.language.tokenizer",
    "from_huggingface": "chemscale.language.huggingface",
    "load_checkpoint": "chemscale.language.trained",
    "load_run": "chemscale.language.trained",
    "to_huggingface": "chemscale.language.huggingface",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'chemscale.language' has no attribute {name!r}")
