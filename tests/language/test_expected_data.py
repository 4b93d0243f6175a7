from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError, UserError
from chemscale.language.data import prepare_corpus
from chemscale.language.expected_data import RELATIVE_LENGTHS, expected_data, prepared_corpus
from chemscale.language.models.chemgpt import ChemGPTConfig
from chemscale.language.task import LanguageData, LanguageTask, prepare_source, split_corpus


@pytest.fixture(autouse=True)
def _nothing_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    expected_data.cache_clear()


def config(source: object, **changes: object) -> LanguageData:
    return LanguageData.parse({"source": str(source), "validation_size": 40} | changes)


@pytest.mark.parametrize("protocol", ["molecules", "blocks"])
@pytest.mark.parametrize("size", [60, "all"])
def test_a_prepared_corpus_is_counted(smiles_file: Path, protocol: str, size: object) -> None:
    data = config(smiles_file, protocol=protocol, size=size, block_tokens=32, max_tokens=40)
    split = split_corpus(prepare_source(data), data)
    found = expected_data(data)
    assert found.assumptions == ()
    assert found.n_train == len(split.train)
    assert found.labels_per_epoch == split.train.n_labels
    assert (found.n_validation, found.validation_labels) == (len(split.validation), split.validation.n_labels)
    assert found.lengths.mean() == pytest.approx(split.train.lengths.mean())
    task = LanguageTask(ChemGPTConfig(width=16), data, 8, 0)
    assert found.longest == max(task.batch(step).token_ids.shape[1] for step in range(task.steps_per_epoch))
    assert found.vocabulary_size == task.model_config.vocabulary_size


def test_a_corpus_folder_is_counted_too(smiles_file: Path, tmp_path: Path) -> None:
    corpus = prepare_corpus(smiles_file, tmp_path / "corpus", workers=1)
    assert expected_data(config(tmp_path / "corpus")).n_train == len(corpus) - 40


def test_a_file_that_is_not_prepared_is_sampled_and_left_as_it_is(smiles_file: Path) -> None:
    data = config(smiles_file, max_tokens=64)
    before = expected_data(data)
    assert prepared_corpus(data) is None
    assert "not prepared yet" in before.assumptions[0]
    corpus = prepare_source(data)
    assert before.n_train == len(corpus) - 40
    assert before.vocabulary_size == len(corpus.vocabulary)
    expected_data.cache_clear()
    after = expected_data(data)
    assert before.labels_per_epoch == pytest.approx(after.labels_per_epoch, rel=0.02)
    assert before.longest == 63


def test_the_embedded_library_is_sampled() -> None:
    found = expected_data(config("embedded", limit=3000))
    assert found.n_train == 2960
    assert 30 < found.labels_per_epoch / found.n_train < 60
    with pytest.raises(UserError, match="embedded library needs a number of molecules"):
        expected_data(config("embedded"))


def test_the_paper_s_data_set_is_reckoned_where_it_is_not() -> None:
    # Frey et al. 2023: all of PubChem10M but 5% are 595,032 blocks of 512 tokens
    paper = expected_data(config("pubchem10m", protocol="blocks", validation_size=31_250))
    assert paper.n_train == pytest.approx(595_032, rel=3e-4)
    assert paper.labels_per_epoch == paper.n_train * 511
    assert paper.vocabulary_size == 684
    assert "not on this machine" in paper.assumptions[0]
    some = expected_data(config("PubChem10M", limit=1_000_000))
    assert (some.n_train, some.n_validation) == (999_960, 40)
    assert some.labels_per_epoch == pytest.approx(999_960 * 31.07, rel=1e-6)
    assert RELATIVE_LENGTHS.mean() == pytest.approx(1, abs=1e-3)


def test_a_source_that_nobody_knows_needs_a_size() -> None:
    assert expected_data(config("nowhere.smi", size=500, validation_size=None)).n_validation == 26
    assert expected_data(config("nowhere.smi", limit=1040)).n_train == 1000
    with pytest.raises(DataError, match=r"nobody knows how many molecules 'all' is; give data\.size a number"):
        expected_data(config("nowhere.smi"))


def test_impossible_data_are_refused(smiles_file: Path) -> None:
    with pytest.raises(DataError, match=r"data\.size is 2000, but 'pubchem10m' has about 960 molecules"):
        expected_data(config("pubchem10m", limit=1000, size=2000))
    with pytest.raises(DataError, match=r"data\.max_tokens is 3, but the molecules of .* have about"):
        expected_data(config(smiles_file, max_tokens=3))
    prepare_source(config(smiles_file))
    with pytest.raises(DataError, match=r"data\.size is 361, but .* has 360 molecules"):
        expected_data(config(smiles_file, size=361))


def test_half_of_a_long_tail_is_left_out() -> None:
    short = expected_data(config("pubchem10m", max_tokens=32, limit=10_000))
    assert short.n_train == 5_000 - 40
    assert np.all(short.lengths <= 31)
