"""Models that were trained here or came from elsewhere, ready to use."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

from torch import nn

from chemscale.base.errors import DataError
from chemscale.base.records import RunFolder
from chemscale.language.corpus import VOCABULARY
from chemscale.language.families import FAMILIES, build_model
from chemscale.language.huggingface import AnyTokenizer, from_huggingface
from chemscale.language.models.chemgpt import ChemGPT
from chemscale.language.tokenizer import Tokenizer
from chemscale.training.checkpoints import load_best


@dataclass(frozen=True)
class Checkpoint:
    """A trained ChemGPT with the tokenizer that gives its ids their meaning.

    Attributes:
        model: in evaluation mode, float32, on the CPU.
        tokenizer: of its vocabulary.
        path: the folder that it came from.
        trained_tokens: of the longest sequence that it can have been trained on; None where that is not known.
    """

    model: ChemGPT
    tokenizer: AnyTokenizer
    path: Path
    trained_tokens: int | None = None

    @cached_property
    def sha256(self) -> str:
        """A hash over all weights: two checkpoints with equal hashes give equal embeddings."""
        digest = sha256()
        for name, value in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def load_checkpoint(folder: Path | str) -> Checkpoint:
    """A run folder of ours, or a folder in Hugging Face's GPT-Neo format with its tokenizer.

    Raises:
        DataError: the folder is neither, has no checkpoint yet, or no tokenizer; or a weight is NaN or infinite.
    """
    checkpoint = _load(Path(folder))
    broken = [name for name, value in checkpoint.model.state_dict().items() if not bool(value.isfinite().all())]
    if broken:
        raise DataError(f"{folder}: {len(broken)} weights are not finite, {broken[0]} first; the training diverged")
    return checkpoint


def _load(folder: Path) -> Checkpoint:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected a run folder, or a folder in Hugging Face's format")
    if is_huggingface_folder(folder):
        model, tokenizer = from_huggingface(folder)
        if tokenizer is None:
            raise DataError(f"{folder}: no vocabulary.json and no tokenizer.json, so its ids have no meaning")
        n_ids = model.token_embedding.num_embeddings
        if len(tokenizer) > n_ids:
            raise DataError(
                f"{folder}: the tokenizer has {len(tokenizer)} ids, the model {n_ids}; they do not belong together"
            )
        return Checkpoint(model.eval(), tokenizer, folder)
    trained, own_tokenizer = load_run(folder)
    data = RunFolder(folder).config()["data"]
    longest = data["block_tokens"] if data["protocol"] == "blocks" else data["max_tokens"]
    return Checkpoint(cast(ChemGPT, trained), own_tokenizer, folder, longest)


def is_huggingface_folder(folder: Path) -> bool:
    """Whether a folder holds weights in Hugging Face's layout."""
    names = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    return any((folder / name).is_file() for name in names)


def load_run(folder: Path | str) -> tuple[nn.Module, Tokenizer]:
    """The best model of a run folder, in evaluation mode, and its tokenizer.

    Args:
        folder: a run folder; the run need not be finished, but must have been evaluated once.

    Raises:
        DataError: the folder is no run of this world, or has no checkpoint yet.
    """
    run = RunFolder(Path(folder))
    if not (run.path / "config.json").exists():
        raise DataError(f"{run.path}: no run here (config.json is missing)")
    values = run.config()
    if values.get("family") not in FAMILIES:
        raise DataError(f"{run.path}: its family is {values.get('family')!r}, not one of {', '.join(FAMILIES)}")
    tokenizer = Tokenizer.load(run.path / VOCABULARY)
    config = FAMILIES[values["family"]].config.parse(values["model"] | {"vocabulary_size": len(tokenizer)}, "model")
    model = build_model(config, seed=0)
    model.load_state_dict(load_best(run.checkpoints))
    return model.eval(), tokenizer
