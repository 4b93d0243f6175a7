"""The corpus on disk: gathers against a plain loop, files that do not fit, other processes."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.language.corpus import id_type
from chemscale.language.data import Corpus, prepare_corpus


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    source = folder / "source.smi"
    source.write_text("".join(f"{'C' * (i % 17 + 1)}{'OC'[i % 2]}\n" for i in range(200)))
    prepare_corpus(source, folder / "out", workers=1)
    return folder / "out"


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    for path in prepared.iterdir():
        if path.is_file() and not path.name.startswith("."):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize("indices", [[], [0], [199, 0, 5, 5], list(range(200))])
def test_a_gather_is_the_loop_over_molecules(prepared: Path, indices: list[int]) -> None:
    corpus = Corpus.open(prepared)
    ids, lengths = corpus.gather(np.array(indices, dtype=np.int64))
    expected = [corpus.ids[corpus.offsets[i] : corpus.offsets[i + 1]] for i in indices]
    assert ids.tolist() == [value for part in expected for value in part.tolist()]
    assert lengths.tolist() == [len(part) for part in expected]
    assert ids.dtype == np.uint16


@pytest.mark.parametrize("indices", [[-1], [200], [0, 10_000]])
def test_an_index_outside_is_refused(prepared: Path, indices: list[int]) -> None:
    with pytest.raises(IndexError, match=r"0 \.\. 199"):
        Corpus.open(prepared).gather(indices)


def test_sizes_and_a_single_molecule(prepared: Path) -> None:
    corpus = Corpus.open(prepared)
    assert len(corpus) == 200
    assert corpus.lengths.sum() == corpus.n_tokens == corpus.offsets[-1]
    assert corpus[-1].tolist() == corpus[199].tolist()
    with pytest.raises(IndexError):
        corpus[200]
    assert "200 molecules" in str(corpus)


def test_another_process_gets_the_name_and_not_the_content(prepared: Path) -> None:
    sent = pickle.dumps(Corpus.open(prepared))
    assert len(sent) < 1_000
    assert pickle.loads(sent).ids.tolist() == Corpus.open(prepared).ids.tolist()


def test_ids_are_as_small_as_the_vocabulary_allows() -> None:
    assert id_type(2**16) == np.uint16
    assert id_type(2**16 + 1) == np.uint32


def test_a_folder_that_is_no_corpus_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder.*data prepare"):
        Corpus.open(tmp_path / "absent")
    with pytest.raises(DataError, match=r"no corpus\.json.*run the preparation again"):
        Corpus.open(tmp_path)


@pytest.mark.parametrize("name", ["ids.bin", "offsets.npy", "vocabulary.json"])
@pytest.mark.parametrize("damage", ["missing", "shorter", "empty"])
def test_a_file_that_does_not_fit_is_named(copy: Path, name: str, damage: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    if damage != "missing":
        (copy / name).write_bytes(content[:-4] if damage == "shorter" else b"")
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        Corpus.open(copy)


def test_a_vocabulary_of_another_corpus_is_refused(copy: Path) -> None:
    values = json.loads((copy / "vocabulary.json").read_text())
    values["symbols"] = values["symbols"][::-1]
    (copy / "vocabulary.json").write_text(json.dumps(values))
    with pytest.raises(DataError, match=r"not the vocabulary that corpus\.json names"):
        Corpus.open(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is not the record"), ("[]", "is not the record"), ('{"format": 99}', "format 99, this version reads 1")],
)
def test_a_bad_record_is_named(copy: Path, content: str, message: str) -> None:
    (copy / "corpus.json").write_text(content)
    with pytest.raises(DataError, match=message):
        Corpus.open(copy)
