from pathlib import Path

import numpy as np
import pytest
import torch

from chemscale.base.errors import ConfigError, DataError
from chemscale.language.batches import IGNORED
from chemscale.language.data import prepare_corpus
from chemscale.language.models.chemgpt import ChemGPTConfig
from chemscale.language.task import LanguageData, LanguageTask, prepare_source, split_corpus

TINY = ChemGPTConfig(width=16, n_layers=2, n_heads=4)


def data(source: Path, **changes: object) -> LanguageData:
    return LanguageData.parse({"source": str(source), "validation_size": 40} | changes)


def test_subsets_are_nested_and_validation_is_fixed(smiles_file: Path) -> None:
    corpus = prepare_source(data(smiles_file))
    small = split_corpus(corpus, data(smiles_file, size=50))
    large = split_corpus(corpus, data(smiles_file, size=200))
    rest = split_corpus(corpus, data(smiles_file))
    assert np.array_equal(small.train.indices, large.train.indices[:50])
    assert np.array_equal(large.train.indices, rest.train.indices[:200])
    assert np.array_equal(small.validation.indices, rest.validation.indices)
    assert not set(rest.train.indices) & set(rest.validation.indices)
    assert len(rest.train) + len(rest.validation) == len(corpus) == 400


def test_blocks_are_nested_and_share_no_molecule_with_validation(smiles_file: Path) -> None:
    config = {"protocol": "blocks", "block_tokens": 32, "validation_size": 20}
    corpus = prepare_source(data(smiles_file))
    small = split_corpus(corpus, data(smiles_file, size=30, **config))
    rest = split_corpus(corpus, data(smiles_file, **config))
    assert len(small.train) == 30
    assert np.array_equal(small.train.rows, rest.train.rows[:30])
    assert np.array_equal(small.validation.rows, rest.validation.rows)
    assert len(rest.validation) == 20
    assert rest.n_available == len(rest.train)


def test_too_large_a_subset_says_how_many_there_are(smiles_file: Path) -> None:
    corpus = prepare_source(data(smiles_file))
    with pytest.raises(DataError, match=r"data\.size is 361, but .* has 360 molecules"):
        split_corpus(corpus, data(smiles_file, size=361))
    with pytest.raises(DataError, match="nothing is left to train on"):
        split_corpus(corpus, data(smiles_file, validation_size=400))


def test_loss_is_per_real_token_and_padding_dilutes_nothing(smiles_file: Path) -> None:
    task = LanguageTask(TINY, data(smiles_file), batch_size=8, seed=0)
    model = task.build_model()
    batch = task.batch(0)
    logits = model(batch.token_ids)
    real = batch.targets != IGNORED
    by_hand = -logits.log_softmax(-1)[real].gather(1, batch.targets[real][:, None]).sum()
    assert task.loss_sum(model, batch).item() == pytest.approx(by_hand.item(), rel=1e-5)
    one_by_one = sum(
        task.loss_sum(model, task.train.batch(position[None])).item() for position in task.train.epoch_order(8, 0, 0)[0]
    )
    assert one_by_one == pytest.approx(by_hand.item(), rel=1e-4)


def test_batches_are_a_function_of_the_step(smiles_file: Path) -> None:
    one = LanguageTask(TINY, data(smiles_file), batch_size=32, seed=0)
    other = LanguageTask(TINY, data(smiles_file), batch_size=32, seed=0)
    assert one.steps_per_epoch == 12
    for step in (25, 3, 11):
        assert torch.equal(one.batch(step).token_ids, other.batch(step).token_ids)


def test_resources_state_what_the_run_costs(smiles_file: Path) -> None:
    task = LanguageTask(TINY, data(smiles_file), batch_size=32, seed=0)
    resources = task.resources()
    vocabulary = len(task.corpus.vocabulary)
    lengths = [len(task.corpus[index]) + 1 for index in task.train.indices]
    context = sum(sum(range(1, length + 1)) for length in lengths) / sum(lengths)
    by_hand = 3 * (2 * (2 * (12 * 256 + 160) + 32) + 2 * vocabulary * 16 + 4 * 2 * 16 * context)
    assert resources["flops_per_label"] == pytest.approx(by_hand)
    assert resources["n_parameters_total"] == task.build_model().n_parameters(embedding=True)


def test_a_vocabulary_or_length_that_does_not_fit_is_refused(smiles_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.vocabulary_size is 9, but the corpus has"):
        LanguageTask(TINY.model_copy(update={"vocabulary_size": 9}), data(smiles_file), 8, 0)
    with pytest.raises(ConfigError, match=r"model\.max_positions is 64, but sequences have 512"):
        LanguageTask(TINY.model_copy(update={"max_positions": 64}), data(smiles_file), 8, 0)


def test_a_prepared_folder_keeps_to_what_is_asked(smiles_file: Path, tmp_path: Path) -> None:
    prepare_corpus(smiles_file, tmp_path / "corpus", encoding="smiles", workers=1)
    with pytest.raises(ConfigError, match=r"data\.encoding is 'selfies', but .* was prepared with 'smiles'"):
        prepare_source(data(tmp_path / "corpus"))
    asked = data(tmp_path / "corpus", encoding="smiles", limit=100)
    split = split_corpus(prepare_source(asked), asked)
    assert len(split.train) + len(split.validation) == 100
