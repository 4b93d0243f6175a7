"""ChemGPT's side of a run: which molecules, which batches, which loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from chemscale.base.config import Config, content_hash
from chemscale.base.errors import ConfigError, DataError
from chemscale.base.seeds import stream, stream_seed
from chemscale.language.attention import choose_backend
from chemscale.language.batches import IGNORED, Blocks, MoleculeSequences, TokenBatch
from chemscale.language.corpus import VOCABULARY
from chemscale.language.data import Corpus, corpus_for
from chemscale.language.families import build_model
from chemscale.language.models.chemgpt import ChemGPTConfig
from chemscale.training.arithmetic import UNRESTRICTED, Arithmetic

VALIDATION_LABELS_PER_BATCH = 8192


class LanguageData(Config):
    """Which molecules a run sees, and in which form."""

    source: str = Field("embedded", description="embedded, a source's name, a file, or a prepared corpus folder")
    column: str | None = Field(None, description="column of the SMILES; none guesses it")
    limit: int | None = Field(None, description="use only the first molecules of the source", ge=1)
    encoding: Literal["selfies", "smiles"] = Field("selfies", description="selfies or smiles: what one token spells")
    canonical: bool = Field(False, description="write every molecule in RDKit's canonical form first")
    drop_duplicates: bool = Field(False, description="keep only the first of equal molecules")
    protocol: Literal["molecules", "blocks"] = Field(
        "molecules", description="molecules: one a sequence; blocks: joined and cut"
    )
    block_tokens: int = Field(512, description="tokens a block (blocks protocol)", ge=2)
    max_tokens: int = Field(512, description="longer molecules are left out, special tokens included", ge=3)
    size: int | Literal["all"] = Field("all", description="training subset: a number of molecules or blocks, or all")
    validation_size: int | None = Field(None, description="examples held out; none takes 5%, at most 50,000", ge=1)
    split_seed: int = Field(0, description="seed of the one permutation that makes validation set and subsets", ge=0)

    @field_validator("size", mode="before")
    @classmethod
    def _number_or_all(cls, value: Any) -> Any:
        if value != "all" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ValueError("expected a number of 1 or more, or 'all'")
        return value


def data_hash(corpus: Corpus, data: LanguageData) -> str:
    """Identifies the molecules and how they are cut: runs with different hashes do not belong into one law."""
    return content_hash([corpus.sha256, data.identity()], length=16)


def check_source(data: LanguageData) -> str:
    """Prepare the corpus of a configuration, see that it has enough molecules, and give its `data_hash`.

    Raises:
        DataError: the source cannot be found, holds nothing usable, or less than `size`.
    """
    corpus = prepare_source(data)
    plan_split(corpus, data)
    return data_hash(corpus, data)


def prepare_source(data: LanguageData) -> Corpus:
    """The corpus of a configuration, prepared on its first use.

    Raises:
        DataError: the source cannot be found or holds nothing usable.
    """
    if data.source == "embedded" and data.limit is None:
        raise ConfigError("data.limit: missing; the embedded library needs a number of molecules, for example 10000")
    corpus = corpus_for(
        data.source,
        encoding=data.encoding,
        canonical=data.canonical,
        drop_duplicates=data.drop_duplicates,
        limit=data.limit,
        column=data.column,
    )
    made = corpus.record["recipe"]
    for key in ("encoding", "canonical", "drop_duplicates"):
        if made[key] != getattr(data, key):
            raise ConfigError(
                f"data.{key} is {getattr(data, key)!r}, but {data.source} was prepared with {made[key]!r}; "
                "give the value it was prepared with, or prepare the molecules again"
            )
    return corpus


@dataclass(frozen=True)
class SplitPlan:
    """Where the validation set ends and the training subset begins, before any token is touched.

    Attributes:
        order: the molecules that are short enough, in the order of the one permutation.
        n_validation: examples of the validation set, from the start of `order`.
        first: position in `order` of the first training molecule.
        size: examples of the training subset.
        n_available: examples there would be.
    """

    order: np.ndarray
    n_validation: int
    first: int
    size: int
    n_available: int


@dataclass(frozen=True)
class Split:
    """Training subset and validation set, as sequences."""

    train: MoleculeSequences | Blocks
    validation: MoleculeSequences | Blocks
    n_available: int


def plan_split(corpus: Corpus, data: LanguageData) -> SplitPlan:
    """The split of a corpus by lengths alone: cheap, also where cutting it into blocks is not.

    Raises:
        DataError: there are fewer examples than asked for; the message says how many there are.
    """
    short_enough = np.flatnonzero(corpus.lengths[: data.limit] + 2 <= data.max_tokens)
    order = short_enough[stream(data.split_seed, "split").permutation(len(short_enough))]
    if data.protocol == "molecules":
        n_validation = first = data.validation_size or default_validation(len(order))
        n_available, unit = len(order) - n_validation, "molecules"
    else:
        n_tokens = np.cumsum(corpus.lengths[order] + 2)
        n_blocks = int(n_tokens[-1] // data.block_tokens) if len(n_tokens) else 0
        n_validation = data.validation_size or default_validation(n_blocks)
        # whole molecules go to one side: the first molecule after the validation blocks begins the training stream
        first = int(np.searchsorted(n_tokens, n_validation * data.block_tokens)) + 1
        n_available = int(n_tokens[-1] - n_tokens[first - 1]) // data.block_tokens if first < len(order) else 0
        unit = f"blocks of {data.block_tokens} tokens"
    return SplitPlan(order, n_validation, first, _checked_size(data, n_available, unit), n_available)


def split_corpus(corpus: Corpus, data: LanguageData) -> Split:
    """The validation set and the first `size` examples of the training pool, both from one permutation.

    Subsets are nested: a larger one holds every smaller one, and the validation set is the same for all sizes.

    Raises:
        DataError: as `plan_split`.
    """
    plan = plan_split(corpus, data)
    held_out, pool = plan.order[: plan.first], plan.order[plan.first :]
    if data.protocol == "molecules":
        train = MoleculeSequences(corpus, pool[: plan.size])
        return Split(train, MoleculeSequences(corpus, held_out), plan.n_available)
    blocks = Blocks.cut(corpus, pool, data.block_tokens, plan.size)
    return Split(blocks, Blocks.cut(corpus, held_out, data.block_tokens, plan.n_validation), plan.n_available)


def default_validation(n_examples: int) -> int:
    """Examples held out where `validation_size` is not set: 5%, at most 50,000."""
    return max(1, min(50_000, n_examples // 20))


def _checked_size(data: LanguageData, available: int, unit: str) -> int:
    if available < 1:
        raise DataError(
            f"data.source {data.source!r}: nothing is left to train on beside the validation set "
            f"({data.validation_size or '5%'} of its {unit}); set a smaller data.validation_size or a larger data.limit"
        )
    if data.size == "all":
        return available
    if not 1 <= data.size <= available:
        raise DataError(
            f"data.size is {data.size}, but {data.source!r} has {available} {unit} to train on "
            f"beside the validation set. Ask for 1 to {available}, or 'all'."
        )
    return data.size


def check_positions(model: ChemGPTConfig, data: LanguageData) -> None:
    """See that the model has a position for every token of the longest sequence.

    Raises:
        ConfigError: it has not.
    """
    longest = data.block_tokens if data.protocol == "blocks" else data.max_tokens
    if longest > model.max_positions:
        raise ConfigError(f"model.max_positions is {model.max_positions}, but sequences have {longest} tokens")


class LanguageTask:
    """Next-token prediction on a corpus; the loss is in nats per real token."""

    arithmetic: ClassVar[Arithmetic] = UNRESTRICTED

    def __init__(self, model: ChemGPTConfig, data: LanguageData, batch_size: int, seed: int) -> None:
        self.corpus = prepare_source(data)
        self.data = data
        self.batch_size = batch_size
        self.seed = seed
        self.model_config = self._with_vocabulary(model)
        split = split_corpus(self.corpus, data)
        self.train, self.validation = split.train, split.validation
        self._epoch_order = lru_cache(maxsize=2)(self._order_of_epoch)

    def _with_vocabulary(self, model: ChemGPTConfig) -> ChemGPTConfig:
        size = len(self.corpus.vocabulary)
        if model.vocabulary_size not in (None, size):
            raise ConfigError(
                f"model.vocabulary_size is {model.vocabulary_size}, but the corpus has {size} tokens; leave it out"
            )
        check_positions(model, self.data)
        return model.model_copy(update={"vocabulary_size": size})

    def _order_of_epoch(self, epoch: int) -> list[np.ndarray]:
        return self.train.epoch_order(self.batch_size, self.seed, epoch)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the subset; the last may be smaller."""
        return -(-len(self.train) // self.batch_size)

    @property
    def labels_per_epoch(self) -> int:
        """Real tokens to predict in one pass over the subset."""
        return self.train.n_labels

    @property
    def data_hash(self) -> str:
        """Hash of the corpus and of how it is cut."""
        return data_hash(self.corpus, self.data)

    def build_model(self) -> nn.Module:
        """A model initialised from the run's seed."""
        return build_model(self.model_config, stream_seed(self.seed, "initialisation"))

    def save_companions(self, folder: Path) -> None:
        """Write `vocabulary.json`: what the model's ids mean."""
        self.corpus.vocabulary.save(folder / VOCABULARY)

    def batch(self, step: int) -> TokenBatch:
        """The batch of a step, counted through all epochs."""
        epoch, position = divmod(step, self.steps_per_epoch)
        return self.train.batch(self._epoch_order(epoch)[position])

    def validation_batches(self) -> Iterator[TokenBatch]:
        """The validation set, batched by length."""
        mean_labels = max(1, self.validation.n_labels // len(self.validation))
        for positions in self.validation.in_order(max(1, VALIDATION_LABELS_PER_BATCH // mean_labels)):
            yield self.validation.batch(positions)

    def loss_sum(self, model: Any, batch: TokenBatch) -> Tensor:
        """Cross-entropy in nats summed over the labels of the batch."""
        hidden, targets = model.hidden_states(batch.token_ids).flatten(0, 1), batch.targets.flatten()
        if batch.n_labels < len(targets):
            real = targets != IGNORED
            hidden, targets = hidden[real], targets[real]
        return torch.nn.functional.cross_entropy(model.logits(hidden).float(), targets, reduction="sum")

    def resources(self) -> dict[str, float]:
        """Size of model and data; FLOPs per label are three forward passes' (`forward_flops_per_token`)."""
        config = self.model_config
        return {
            "n_parameters": config.n_parameters(),
            "n_parameters_total": config.n_parameters(embedding=True),
            "width": config.width,
            "capacity": config.capacity(),
            "data_points": len(self.train),
            "tokens": self.train.n_labels,
            "flops_per_label": 3 * config.forward_flops_per_token(self.train.lengths),
        }

    def environment(self, device: torch.device) -> dict[str, str]:
        """The attention operator and the corpus's encoding."""
        return {
            "attention": choose_backend(self.model_config.attention, device),
            "vocabulary_hash": self.corpus.vocabulary.sha256[:16],
            "corpus": str(self.corpus.folder),
        }

    def finish(self, model: Any, folder: Path) -> dict[str, float]:
        """Nothing is left to do or to say."""
        return {}
