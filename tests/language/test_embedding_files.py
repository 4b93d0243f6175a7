"""Files of embeddings: rows in order, NaN and rejects, workers, atomic results."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base import worker_processes
from chemscale.base.errors import DataError, UserError
from chemscale.base.processor import available_cores
from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.language import ChemGPTConfig, embedding_files, embedding_worker, to_huggingface
from chemscale.language.array_file import create_array, write_rows
from chemscale.language.embedding_worker import embed_stream
from chemscale.language.embeddings import Embedder, embed_file
from chemscale.language.models.chemgpt import build_chemgpt
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.trained import Checkpoint, load_checkpoint
from chemscale.language.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def folder(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in Hugging Face's format."""
    symbols = (symbol for text in smiles_file.read_text().split() for symbol in split_selfies(encode_selfies(text)))
    tokenizer = Tokenizer(Vocabulary.of(symbols, "selfies", selfies_version()))
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=len(tokenizer))
    path = tmp_path_factory.mktemp("model")
    to_huggingface(build_chemgpt(config, seed=0), tokenizer, path)
    return path


@pytest.fixture
def table(smiles_file: Path, tmp_path: Path) -> Path:
    """A table of 402 rows, the second and the last of which cannot be embedded."""
    lines = smiles_file.read_text().split()
    rows = [lines[0], "C1CC", *lines[1:], "[Pt](Cl)Cl"]
    path = tmp_path / "molecules.csv"
    path.write_text("name,smiles\n" + "".join(f"m{i},{text}\n" for i, text in enumerate(rows)))
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_are_in_order_and_bad_ones_are_nan(
    folder: Path, table: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_worker, "MOLECULES_PER_ORDER", 150)
    report = embed_file(folder, table, tmp_path / "out" / "e.npy", workers=workers)
    vectors = np.load(report.out)
    smiles = pd.read_csv(table)["smiles"].tolist()
    expected = Embedder(load_checkpoint(folder)).embed(smiles)
    assert (report.n_rows, report.n_embedded, report.width) == (402, 400, 16)
    assert vectors.dtype == np.float32 and vectors.shape == (402, 16)
    assert np.flatnonzero(np.isnan(vectors).any(1)).tolist() == [1, 401]
    good = ~np.isnan(vectors[:, 0])
    assert np.abs(vectors[good] - expected.vectors[good]).max() < 1e-5
    assert report.rejects is not None
    rejects = pd.read_csv(report.rejects, sep="\t")
    assert rejects[["row", "line", "smiles"]].to_numpy().tolist() == [[1, 3, "C1CC"], [401, 403, "[Pt](Cl)Cl"]]
    assert "not in the vocabulary" in rejects["reason"][1]
    assert sorted(path.name for path in report.out.parent.iterdir()) == ["e.npy", "e.npy.rejects.tsv"]


def test_a_file_without_faults_has_no_rejects(folder: Path, smiles_file: Path, tmp_path: Path) -> None:
    (tmp_path / "e.npy.rejects.tsv").write_text("of an earlier run")
    report = embed_file(folder, smiles_file, tmp_path / "e.npy", layer=1, pooling="last")
    assert report.rejects is None and not (tmp_path / "e.npy.rejects.tsv").exists()
    expected = Embedder(load_checkpoint(folder), 1, "last").embed(smiles_file.read_text().split()[:3]).vectors
    assert np.abs(np.load(report.out)[:3] - expected).max() < 1e-5


def test_parquet_has_lines_and_smiles(
    folder: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow (extra parquet)")
    monkeypatch.setattr("chemscale.language.embedding_tables.ROWS_PER_GROUP", 100)
    report = embed_file(folder, table, tmp_path / "e.parquet", workers=1)
    embed_file(folder, table, tmp_path / "e.npy", workers=1)
    found = pd.read_parquet(report.out)
    assert found["smiles"].tolist() == pd.read_csv(table)["smiles"].tolist()
    assert found["line"].tolist() == list(range(2, 404))
    np.testing.assert_array_equal(np.stack(found["embedding"].to_list()), np.load(tmp_path / "e.npy"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_gives_nothing_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    empty, header, broken = tmp_path / "empty.smi", tmp_path / "header.csv", tmp_path / "broken.smi"
    empty.write_text("")
    header.write_text("smiles\n")
    broken.write_text("C1CC\n[Pt]\n")
    for path, message in (
        (empty, "is empty"),
        (header, "holds no molecule"),
        (broken, r"none of its 2 molecules can be embedded; most often"),
        (tmp_path / "absent.smi", "no file or prepared folder"),
    ):
        with pytest.raises(DataError, match=message):
            embed_file(folder, path, tmp_path / "out.npy")
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".out*"))


def test_settings_are_checked_before_the_work(folder: Path, smiles_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"written as \.npy or \.parquet, not as '\.csv'"):
        embed_file(folder, smiles_file, tmp_path / "e.csv")
    with pytest.raises(UserError, match="workers: 0"):
        embed_file(folder, smiles_file, tmp_path / "e.npy", workers=0)
    with pytest.raises(DataError, match="no such folder"):
        embed_file(tmp_path / "absent", smiles_file, tmp_path / "e.npy")


def test_a_failure_on_the_way_keeps_the_earlier_result(
    folder: Path, smiles_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed_file(folder, smiles_file, tmp_path / "e.npy")
    before = (tmp_path / "e.npy").read_bytes()
    start = worker_processes.start_worker

    def start_and_kill(kind: worker_processes.WorkerKind) -> object:
        process = start(kind)
        process.kill()
        return process

    monkeypatch.setattr(worker_processes, "start_worker", start_and_kill)
    monkeypatch.setattr(embedding_worker, "MOLECULES_PER_ORDER", 100)
    with pytest.raises(DataError, match=r"an embedding worker ended unexpectedly.*fewer workers"):
        embed_file(folder, smiles_file, tmp_path / "e.npy", pooling="max", workers=2)
    assert (tmp_path / "e.npy").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["e.npy"]


def test_workers_refuse_other_weights_than_those_asked_for(
    folder: Path, smiles_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_worker, "MOLECULES_PER_ORDER", 200)
    tokenizer = load_checkpoint(folder).tokenizer
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=len(tokenizer))
    in_memory = Embedder(Checkpoint(build_chemgpt(config, seed=1).eval(), tokenizer, folder))
    molecules = list(enumerate(smiles_file.read_text().split(), start=1))
    create_array(tmp_path / "v.npy", (len(molecules), 16), np.float32)
    with pytest.raises(DataError, match=r"holds other weights than the model that embeds.*workers=1"):
        list(embed_stream(molecules, in_memory, 2, tmp_path / "v.npy"))
    list(embed_stream(molecules, in_memory, 1, tmp_path / "v.npy"))
    expected = in_memory.embed([text for _, text in molecules]).vectors
    assert np.abs(np.load(tmp_path / "v.npy") - expected).max() < 1e-5


def test_a_compressed_file_and_a_named_column(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\nCCO,CCCO\nCC,CCC\n"))
    embed_file(folder, path, tmp_path / "e.npy", column="b")
    expected = Embedder(load_checkpoint(folder)).embed(["CCCO", "CCC"]).vectors
    assert np.abs(np.load(tmp_path / "e.npy") - expected).max() < 1e-5


def test_few_molecules_are_embedded_in_this_process() -> None:
    assert embedding_files.choose_workers(None, 100) == 1
    assert embedding_files.choose_workers(3, 100) == 3
    assert embedding_files.choose_workers(None, 10**6) == available_cores()


def test_an_array_file_is_what_numpy_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    create_array(path, (5, 3), np.float32)
    assert np.load(path).tolist() == np.zeros((5, 3)).tolist()
    write_rows(path, 3, np.array([[1, 2, 3], [4, 5, 6]]))
    write_rows(path, 0, np.array([[7.5, 8, 9]]))
    expected = [[7.5, 8, 9], [0, 0, 0], [0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert np.load(path, mmap_mode="r").tolist() == expected
