"""What a run's data will hold, without preparing it: counted where it is prepared, else sampled, else assumed.

Three ways, the best one that is at hand:

counted    the corpus has been prepared on this machine: every number is exact
sampled    the source is here: its first molecules are encoded, and the number of molecules is that of its lines
assumed    the source is not here: the number of molecules is its registered one, the lengths are those below
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.base.files import cache_folder
from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.molecule_files import count_lines, read_smiles
from chemscale.chem.sources import SOURCES, find_source_file, resolve
from chemscale.language.corpus import Corpus, is_corpus_folder
from chemscale.language.encoded_part import encode_part
from chemscale.language.recipe import EMBEDDED, recipe_for
from chemscale.language.task import LanguageData, default_validation, plan_split
from chemscale.language.vocabulary import SPECIAL_SYMBOLS

SAMPLED_MOLECULES = 500

# Frey et al. 2023: 304,656,384 tokens of 9.5 million molecules are 32.07 a molecule, 2 special ones among them, in a
# vocabulary of 684. One symbol an id, a shuffled sample of 50,000 molecules of all PubChem has 39.4 and 2.
ASSUMED_TOKENS: Mapping[str, float] = MappingProxyType({"pubchem10m": 30.07, "moses": 34.5, "moses-test": 34.5})
ASSUMED_TOKENS_ELSEWHERE = 40.0
ASSUMED_VOCABULARY: Mapping[str, int] = MappingProxyType({"pubchem10m": 684, "moses": 30, "moses-test": 30})
ASSUMED_VOCABULARY_ELSEWHERE = 200
# The middles of the ten tenths of the molecules of that PubChem sample, by length, relative to the mean.
RELATIVE_LENGTHS = np.array([0.457, 0.611, 0.712, 0.839, 0.915, 1.017, 1.118, 1.220, 1.347, 1.764])


@dataclass(frozen=True, eq=False)
class ExpectedData:
    """Training subset and validation set, as far as costs depend on them.

    Attributes:
        n_train: examples of the training subset.
        labels_per_epoch: labels in one pass over it.
        lengths: labels of its sequences, all of them or a sample of the same distribution [n_sequences].
        longest: tokens of the longest sequence, at most.
        n_validation: examples held out.
        validation_labels: labels of them.
        vocabulary_size: token ids.
        assumptions: what was not counted; empty where everything was.
    """

    n_train: int
    labels_per_epoch: int
    lengths: npt.NDArray[Any]
    longest: int
    n_validation: int
    validation_labels: int
    vocabulary_size: int
    assumptions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MoleculeStatistics:
    """What is known of a source's molecules.

    Attributes:
        n_molecules: how many there are; None where nobody knows.
        lengths: tokens of molecules without special ones, a sample [n_sampled].
        vocabulary_size: token ids.
        longest: tokens of the longest one, at most; None where nobody knows.
        assumption: how it is known.
    """

    n_molecules: int | None
    lengths: npt.NDArray[Any]
    vocabulary_size: int
    longest: int | None
    assumption: str


@lru_cache(maxsize=256)
def expected_data(data: LanguageData) -> ExpectedData:
    """What a run with this data configuration will see; nothing is downloaded or prepared.

    Raises:
        UserError: the embedded library is asked for without a limit.
        DataError: there are fewer examples than asked for, or nothing tells how many "all" are.
    """
    corpus = prepared_corpus(data)
    return _counted(corpus, data) if corpus is not None else _estimated(data, _statistics(data))


def prepared_corpus(data: LanguageData) -> Corpus | None:
    """The corpus of a configuration if it has been prepared on this machine already, else None."""
    if data.source == EMBEDDED:
        path: Any = EMBEDDED
    elif data.source.lower() in SOURCES:
        path = find_source_file(data.source)
    else:
        path = _found(data.source)
        if path is not None and path.is_dir():
            return Corpus.open(path)
    if path is None:
        return None
    recipe, _ = recipe_for(data.source, data.encoding, data.canonical, data.drop_duplicates, data.limit, data.column)
    folder = cache_folder() / "corpora" / recipe.folder_name
    return Corpus.open(folder) if is_corpus_folder(folder) else None


def _counted(corpus: Corpus, data: LanguageData) -> ExpectedData:
    plan = plan_split(corpus, data)
    if data.protocol == "blocks":
        return _blocks(data, plan.size, plan.n_validation, len(corpus.vocabulary), ())
    train = corpus.lengths[plan.order[plan.first : plan.first + plan.size]] + 1
    held_out = corpus.lengths[plan.order[: plan.first]] + 1
    return ExpectedData(
        n_train=plan.size,
        labels_per_epoch=int(train.sum()),
        lengths=train,
        longest=int(train.max()),
        n_validation=plan.n_validation,
        validation_labels=int(held_out.sum()),
        vocabulary_size=len(corpus.vocabulary),
        assumptions=(),
    )


def _blocks(
    data: LanguageData, n_train: int, n_validation: int, vocabulary_size: int, assumptions: tuple[str, ...]
) -> ExpectedData:
    labels = data.block_tokens - 1
    return ExpectedData(
        n_train=n_train,
        labels_per_epoch=n_train * labels,
        lengths=np.array([labels]),
        longest=labels,
        n_validation=n_validation,
        validation_labels=n_validation * labels,
        vocabulary_size=vocabulary_size,
        assumptions=assumptions,
    )


def _estimated(data: LanguageData, known: MoleculeStatistics) -> ExpectedData:
    lengths = known.lengths[known.lengths + 2 <= data.max_tokens]
    if not len(lengths):
        raise DataError(
            f"data.max_tokens is {data.max_tokens}, but the molecules of {data.source!r} have about "
            f"{known.lengths.mean():.0f} tokens; set a larger one"
        )
    n_molecules = None if known.n_molecules is None else known.n_molecules * len(lengths) // len(known.lengths)
    tokens = float(lengths.mean()) + 2
    n_examples = n_molecules
    if data.protocol == "blocks" and n_molecules is not None:
        n_examples = int(n_molecules * tokens / data.block_tokens)
    n_train, n_validation = _sizes(data, n_examples)
    if data.protocol == "blocks":
        return _blocks(data, n_train, n_validation, known.vocabulary_size, (known.assumption,))
    return ExpectedData(
        n_train=n_train,
        labels_per_epoch=round(n_train * (tokens - 1)),
        lengths=lengths + 1,
        longest=min(data.max_tokens, (known.longest or data.max_tokens) + 2) - 1,
        n_validation=n_validation,
        validation_labels=round(n_validation * (tokens - 1)),
        vocabulary_size=known.vocabulary_size,
        assumptions=(known.assumption,),
    )


def _sizes(data: LanguageData, n_examples: int | None) -> tuple[int, int]:
    unit = "molecules" if data.protocol == "molecules" else f"blocks of {data.block_tokens} tokens"
    if n_examples is None:
        if data.size == "all":
            raise DataError(
                f"data.source {data.source!r} is not on this machine and is no registered source, so nobody knows how "
                f"many {unit} 'all' is; give data.size a number, or data.limit"
            )
        # 5% of all is 1 of 20 held out, so 19 of 20 are what is trained on
        return data.size, data.validation_size or default_validation(-(-data.size * 20 // 19))
    n_validation = data.validation_size or default_validation(n_examples)
    available = n_examples - n_validation
    if available < 1 or (data.size != "all" and data.size > available):
        raise DataError(
            f"data.size is {data.size}, but {data.source!r} has about {max(0, available):,} {unit} to train on beside "
            f"{n_validation:,} held out; ask for fewer, or raise data.limit"
        )
    return (available if data.size == "all" else data.size), n_validation


def _statistics(data: LanguageData) -> MoleculeStatistics:
    if data.source == EMBEDDED:
        n_sampled = min(SAMPLED_MOLECULES, data.limit or SAMPLED_MOLECULES)
        return _sampled(data, list(enumerate(distinct_sample(n_sampled, seed=0))), data.limit)
    registered = SOURCES.get(data.source.lower())
    path = find_source_file(data.source) if registered else _found(data.source)
    if path is None:
        return _assumed(data, registered.rows if registered else None)
    column = data.column or (registered.column if registered else None)
    records = list(itertools.islice(read_smiles(path, column), min(SAMPLED_MOLECULES, data.limit or 2**62)))
    n_molecules = registered.rows if registered and registered.rows else count_lines(path)
    return _sampled(data, records, min(n_molecules, data.limit or n_molecules))


def _sampled(data: LanguageData, records: list[tuple[int, str]], n_molecules: int | None) -> MoleculeStatistics:
    part = encode_part(records, data.encoding, data.canonical)
    if not len(part.lengths):
        raise DataError(f"data.source {data.source!r}: none of its first {part.n_read} molecules can be encoded")
    return MoleculeStatistics(
        n_molecules=None if n_molecules is None else n_molecules * len(part.lengths) // part.n_read,
        lengths=part.lengths,
        vocabulary_size=len(part.symbols) + len(SPECIAL_SYMBOLS),
        longest=None,
        assumption=f"{data.source}: not prepared yet; {part.lengths.mean():.1f} tokens a molecule and "
        f"{len(part.symbols) + len(SPECIAL_SYMBOLS)} token ids are those of its first {part.n_read} molecules",
    )


def _assumed(data: LanguageData, n_registered: int | None) -> MoleculeStatistics:
    name = data.source.lower()
    tokens = ASSUMED_TOKENS.get(name, ASSUMED_TOKENS_ELSEWHERE)
    vocabulary = ASSUMED_VOCABULARY.get(name, ASSUMED_VOCABULARY_ELSEWHERE)
    counts = [count for count in (n_registered, data.limit) if count is not None]
    n_molecules = min(counts) if counts else None
    told = f"{n_molecules:,} molecules, " if n_molecules is not None else ""
    return MoleculeStatistics(
        n_molecules=n_molecules,
        lengths=RELATIVE_LENGTHS * tokens,
        vocabulary_size=vocabulary,
        longest=None,
        assumption=f"{data.source}: not on this machine; assumed are {told}{tokens:g} tokens a molecule "
        f"(and 2 at its ends) and {vocabulary} token ids",
    )


def _found(source: str) -> Any:
    try:
        return resolve(source)
    except DataError:
        return None
