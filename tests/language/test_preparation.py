"""Corpus preparation: the same bytes however it was made, resumed after a kill, rejects and duplicates recorded."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chemscale.base import worker_processes
from chemscale.base.errors import BusyError, DataError, StorageError, UserError
from chemscale.base.files import folder_lock
from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.chem.smiles import canonical_smiles
from chemscale.chem.sources import find_source_file
from chemscale.language import corpus_assembly, encoding_worker, preparation, recipe
from chemscale.language.data import Corpus, corpus_for, prepare_corpus
from chemscale.language.tokenizer import Tokenizer

MOLECULES = ["CCO", "OCC", "c1ccccc1", "CC(=O)N", "CCO", "C[C@H](F)Cl", "[Na+].[Cl-]", "CCCCCCCC#N"]


def bytes_of(folder: Path) -> dict[str, str]:
    names = ("ids.bin", "offsets.npy", "vocabulary.json", "corpus.json", "rejects.tsv")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.smi"
    path.write_text("".join(f"{'C' * (i % 23)}{MOLECULES[i % 8]} name{i}\n" for i in range(400)) + "C1CC\n*C\n")
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "PART_LINES", 50)


def test_every_molecule_is_there_in_the_order_of_the_file(source: Path, tmp_path: Path) -> None:
    corpus = prepare_corpus(source, tmp_path / "out", workers=1)
    expected = [f"{'C' * (i % 23)}{MOLECULES[i % 8]}" for i in range(400)]
    tokenizer = Tokenizer(corpus.vocabulary)
    assert len(corpus) == 400
    for index in (0, 1, 49, 50, 123, 399):
        assert list(corpus[index]) == tokenizer.encode(expected[index])[1:-1]
    symbols = {symbol for smiles in expected for symbol in split_selfies(encode_selfies(smiles))}
    assert corpus.vocabulary.symbols == tuple(sorted(symbols))
    assert not (tmp_path / "out" / "parts").exists()


def test_the_record_has_source_counts_versions_and_the_longest(source: Path, tmp_path: Path) -> None:
    corpus = prepare_corpus(source, tmp_path / "out", workers=1)
    record = json.loads((tmp_path / "out" / "corpus.json").read_text())
    counts = {"read": 402, "kept": 400, "rejected": 2, "duplicates": 0, "tokens": int(corpus.lengths.sum())}
    assert record["counts"] == counts
    assert record["recipe"]["source"] == "source.smi"
    assert record["recipe"]["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record["recipe"]["selfies_version"] == selfies_version()
    assert record["vocabulary"] == {"size": len(corpus.vocabulary), "sha256": corpus.vocabulary.sha256}
    assert record["longest"]["tokens"] == corpus.lengths.max()
    line = source.read_text().splitlines()[record["longest"]["line"] - 1].split()[0]
    assert len(split_selfies(encode_selfies(line))) == corpus.lengths.max()


def test_rejects_have_line_text_and_reason(source: Path, tmp_path: Path) -> None:
    prepare_corpus(source, tmp_path / "out", workers=1)
    lines = (tmp_path / "out" / "rejects.tsv").read_text().splitlines()
    assert lines[0] == "line\ttext\treason"
    assert [line.split("\t")[:2] for line in lines[1:]] == [["401", "C1CC"], ["402", "*C"]]
    assert all(line.split("\t")[2] for line in lines[1:])


@pytest.mark.parametrize("encoding", ["selfies", "smiles"])
def test_one_and_two_workers_give_the_same_bytes(source: Path, tmp_path: Path, encoding: str) -> None:
    for workers in (1, 2):
        prepare_corpus(
            source,
            tmp_path / str(workers),
            encoding=encoding,  # type: ignore[arg-type]
            canonical=True,
            drop_duplicates=True,
            workers=workers,
        )
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2")


def test_duplicates_are_dropped_on_request_by_text(tmp_path: Path) -> None:
    source = tmp_path / "twice.smi"
    source.write_text("CCO\nOCC\nCCN\nCCO\n")
    plain = prepare_corpus(source, tmp_path / "plain", drop_duplicates=True)
    canonical = prepare_corpus(source, tmp_path / "canonical", drop_duplicates=True, canonical=True)
    decode = Tokenizer(canonical.vocabulary).decode
    assert (len(plain), plain.record["counts"]["duplicates"]) == (3, 1)
    assert [decode(canonical[index]) for index in range(len(canonical))] == ["CCO", "CCN"]
    assert canonical.record["counts"]["duplicates"] == 2


def test_duplicates_are_found_in_several_rounds_as_in_one(source: Path, tmp_path: Path) -> None:
    records = [(i, "C" * (i % 7) + MOLECULES[i % 8]) for i in range(300)]
    parts = []
    for number in range(3):
        part = tmp_path / f"{number}.npz"
        encoding_worker.carry_out(
            encoding_worker.WorkOrder(str(part), "selfies", True, records[100 * number : 100 * number + 100])
        )
        parts.append(part)
    keep = corpus_assembly.first_occurrences(parts, 300)
    seen: set[str] = set()
    expected = []
    for _, smiles in records:
        text = canonical_smiles(smiles)
        expected.append(text not in seen)
        seen.add(text)
    assert keep.tolist() == expected
    assert corpus_assembly.first_occurrences(parts, 300, in_memory=40).tolist() == expected


def test_a_limit_reads_the_first_molecules(source: Path, tmp_path: Path) -> None:
    limited = prepare_corpus(source, tmp_path / "limited", limit=75, workers=1)
    assert len(limited) == limited.record["counts"]["read"] == 75


def test_a_column_is_passed_on(tmp_path: Path) -> None:
    source = tmp_path / "two.csv"
    source.write_text("smiles,product\nCCO,CC=O\n")
    corpus = prepare_corpus(source, tmp_path / "out", column="product")
    assert Tokenizer(corpus.vocabulary).decode(corpus[0]) == "CC=O"


def test_odd_lines_are_rejected_and_do_not_stop_the_work(tmp_path: Path) -> None:
    source = tmp_path / "odd.csv"
    source.write_bytes(b'smiles,x\nCCO,1\n,2\nCC\xff,3\n"C C",4\n"C\nC",5\n' + b"C" * 20_000 + b",6\nCCN,7\n")
    corpus = prepare_corpus(source, tmp_path / "out")
    assert len(corpus) == 2
    lines = [line.split("\t") for line in (tmp_path / "out" / "rejects.tsv").read_text().splitlines()[1:]]
    assert [line for line, _, _ in lines] == ["3", "4", "5", "7", "8"]
    assert lines[3][1] == "C\\nC"
    assert "UTF-8" in lines[1][2] and "10,000" in lines[4][2] and len(lines[4][1]) <= 10_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("C1CC\nnope\n", "none of its 2 lines can be encoded: .*parse"),
        ("# only\n", "holds no molecule"),
    ],
)
def test_nothing_usable_is_an_error_and_leaves_nothing_that_looks_finished(
    tmp_path: Path, content: str, message: str
) -> None:
    source = tmp_path / "bad.smi"
    source.write_text(content)
    with pytest.raises(DataError, match=message):
        prepare_corpus(source, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus.json").exists()
    with pytest.raises(DataError):
        Corpus.open(tmp_path / "out")
    source.write_text("CCO\n")
    assert len(prepare_corpus(source, tmp_path / "out")) == 1


def test_the_same_folder_is_opened_again_and_another_recipe_is_refused(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare_corpus(source, out)
    before = (out / "ids.bin").stat().st_mtime_ns
    prepare_corpus(source, out)
    assert (out / "ids.bin").stat().st_mtime_ns == before
    with pytest.raises(UserError, match=r"made otherwise \(encoding, selfies_version differ\)"):
        prepare_corpus(source, out, encoding="smiles")
    source.write_text("CCO\n")
    with pytest.raises(UserError, match="source_sha256 differ"):
        prepare_corpus(source, out)


def test_a_folder_with_other_files_and_a_file_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"other files \(.*source\.smi"):
        prepare_corpus(source, tmp_path)
    with pytest.raises(UserError, match="is a file"):
        prepare_corpus(source, source)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoding": "selfie"}, "did you mean 'selfies'"),
        ({"limit": 0}, "limit: 0"),
        ({"workers": 0}, "workers: 0"),
    ],
)
def test_settings_out_of_range_are_named(
    source: Path, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        prepare_corpus(source, tmp_path / "out", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_folder_that_another_process_holds_is_refused(source: Path, tmp_path: Path) -> None:
    with folder_lock(tmp_path / "out", "a test"), pytest.raises(BusyError):
        prepare_corpus(source, tmp_path / "out")


def test_a_killed_preparation_goes_on_with_its_parts(source: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    script = textwrap.dedent(f"""
        import time
        from chemscale.language import encoding_worker, preparation
        preparation.PART_LINES = 50
        orders = encoding_worker.carry_out_all
        def slowly(*arguments):
            for done in orders(*arguments):
                yield done
                time.sleep(0.3)
        preparation.carry_out_all = slowly
        preparation.prepare_corpus({str(source)!r}, {str(out)!r}, workers=2)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list((out / "parts").glob("0*.npz"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "corpus.json").exists()
    parts = {path.name: path.stat().st_mtime_ns for path in (out / "parts").glob("0*.npz")}
    assert 3 <= len(parts) < 9

    made: list[str] = []

    def noted(order: encoding_worker.WorkOrder) -> int:
        made.append(Path(order.path).name)
        return carry_out(order)

    carry_out = encoding_worker.carry_out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding_worker, "carry_out", noted)
        prepare_corpus(source, out, workers=1)
    assert not set(made) & set(parts)
    prepare_corpus(source, whole, workers=1)
    assert bytes_of(out) == bytes_of(whole)


def test_parts_of_another_recipe_are_not_used(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(preparation, "assemble", fail)
        with pytest.raises(KeyboardInterrupt):
            prepare_corpus(source, tmp_path / "out", workers=1)
    prepare_corpus(source, tmp_path / "out", workers=1, encoding="smiles")
    prepare_corpus(source, tmp_path / "whole", workers=1, encoding="smiles")
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_explained_and_the_work_goes_on_later(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    with monkeypatch.context() as patch:
        if workers == 1:
            patch.setattr(encoding_worker, "carry_out", full)
        else:
            patch.setattr(worker_processes, "ask", full)
        with pytest.raises(StorageError, match=r"disk is full.*run the same command again"):
            prepare_corpus(source, tmp_path / "out", workers=workers)
    assert len(prepare_corpus(source, tmp_path / "out", workers=1)) == 400


def test_a_worker_that_dies_is_reported(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = worker_processes.start_worker

    def start_and_kill(kind: worker_processes.WorkerKind) -> "subprocess.Popen[str]":
        process = start(kind)
        process.kill()
        return process

    with monkeypatch.context() as patch:
        patch.setattr(worker_processes, "start_worker", start_and_kill)
        with pytest.raises(DataError, match=r"worker ended unexpectedly.*fewer workers"):
            prepare_corpus(source, tmp_path / "out", workers=2)
    assert len(prepare_corpus(source, tmp_path / "out", workers=1)) == 400


def test_corpus_for_prepares_once_into_the_cache(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    first = corpus_for(source, workers=1)
    assert first.folder.parent == tmp_path / "cache" / "corpora" and first.folder.name.startswith("source-")
    monkeypatch.setattr(preparation, "_prepare_locked", None)
    assert corpus_for(str(source)).folder == first.folder
    assert corpus_for(first.folder, encoding="smiles").vocabulary.encoding == "selfies"
    with pytest.raises(TypeError):
        corpus_for(source, canonical=True)


def test_two_processes_that_want_one_corpus_share_it(source: Path, tmp_path: Path) -> None:
    code = f"from chemscale.language.data import corpus_for; print(corpus_for({str(source)!r}, workers=1).folder)"
    environment = dict(os.environ, CHEMSCALE_CACHE=str(tmp_path / "cache"))
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) for _ in "ab"
    ]
    folders = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(folders) == 1 and len(Corpus.open(folders.pop())) == 400


def test_the_embedded_library_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def library(n: int, seed: int) -> Iterator[str]:
        return (f"{'C' * (i + seed + 1)}O" for i in range(n))

    monkeypatch.setattr(preparation, "distinct_molecules", library)
    monkeypatch.setattr(recipe, "distinct_sample", library)
    corpus = prepare_corpus("embedded", tmp_path / "out", limit=60, workers=1)
    assert len(corpus) == 60 and corpus.record["recipe"]["source"] == "embedded"
    with pytest.raises(UserError, match="needs a number of molecules"):
        prepare_corpus("embedded", tmp_path / "other")


def test_a_worker_loads_no_torch() -> None:
    code = "import sys, chemscale.language.encoding_worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.data
@pytest.mark.parametrize(("name", "kept"), [("freesolv", 642), ("tox21", 2_000)])
def test_real_files_are_prepared(name: str, kept: int, tmp_path: Path) -> None:
    if find_source_file(name) is None:
        pytest.skip(f"CHEMSCALE_DATA has no file of {name}")
    corpus = prepare_corpus(name, tmp_path / "out", limit=2_000, workers=1)
    assert len(corpus) + corpus.record["counts"]["rejected"] == corpus.record["counts"]["read"] == kept
    assert corpus.record["counts"]["rejected"] <= 0.01 * kept
