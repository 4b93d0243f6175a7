"""An indexed library: built once, reused, rebuilt when something changed; queries and comparisons."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError, UserError
from chemscale.chem.properties import PROPERTIES, property_table
from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.chem.smiles import canonical_smiles, parse_smiles
from chemscale.language import ChemGPTConfig, array_file, embedding_worker, to_huggingface
from chemscale.language.embeddings import Embedder
from chemscale.language.models.chemgpt import build_chemgpt
from chemscale.language.nearest import deltas, library_folder
from chemscale.language.nearest.library import RECORD
from chemscale.language.neighbours import (
    Library,
    NeighbourIndex,
    canonical_query,
    evaluate_neighbours,
    neighbour_table,
    open_library,
)
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.trained import load_checkpoint
from chemscale.language.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def checkpoint(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(smiles_file, tmp_path_factory.mktemp("model"), seed=0)


def make_checkpoint(smiles_file: Path, folder: Path, seed: int) -> Path:
    texts = [*smiles_file.read_text().split(), *map(canonical_smiles, smiles_file.read_text().split())]
    symbols = (symbol for text in texts for symbol in split_selfies(encode_selfies(text)))
    tokenizer = Tokenizer(Vocabulary.of(symbols, "selfies", selfies_version()))
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=len(tokenizer))
    to_huggingface(build_chemgpt(config, seed), tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def source(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 molecules, one in another spelling again, one broken, one with an unknown element."""
    lines = smiles_file.read_text().split()[:200]
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join([*lines[:50], "C1CC", *lines[50:], "[Pt](Cl)Cl", "OCC"]) + "\n")
    return path


@pytest.fixture(scope="module")
def library(checkpoint: Path, source: Path) -> Library:
    return open_library(checkpoint, source)


def test_rows_are_the_molecules_that_can_be_embedded(library: Library, checkpoint: Path, source: Path) -> None:
    assert len(library) == 201 and library.record["n_read"] == 203
    lines = source.read_text().split()
    kept = [number for number, text in enumerate(lines, start=1) if text not in ("C1CC", "[Pt](Cl)Cl")]
    assert library.lines.tolist() == kept
    assert [library.smiles[row] for row in range(201)] == [canonical_smiles(lines[line - 1]) for line in kept]
    rejects = (library.folder / "rejects.tsv").read_text().splitlines()
    assert [row.split("\t")[:3] for row in rejects[1:]] == [["50", "51", "C1CC"], ["201", "202", "[Pt](Cl)Cl"]]
    embeddings = Embedder(load_checkpoint(checkpoint)).embed([library.smiles[row] for row in range(201)]).vectors
    np.testing.assert_allclose(library.index.vectors, library.index.projection(embeddings), atol=1e-5)
    kept_files = {path.name for path in library.folder.iterdir() if path.name[0] != "."}
    arrays = {"fingerprints.npy", "lines.npy", "offsets.npy", "vectors.npy", "projection.npz"}
    assert kept_files == arrays | {"library.json", "rejects.tsv", "smiles.bin"}


def test_two_workers_make_the_same_index(
    library: Library, checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_worker, "MOLECULES_PER_ORDER", 40)
    monkeypatch.setattr(array_file, "ROWS_TOGETHER", 33)
    other = open_library(checkpoint, source, folder=tmp_path / "index", workers=2)
    np.testing.assert_array_equal(other.fingerprints.fingerprints, library.fingerprints.fingerprints)
    assert [other.smiles[row] for row in range(201)] == [library.smiles[row] for row in range(201)]
    signs = np.sign((other.index.projection.components * library.index.projection.components).sum(1))
    np.testing.assert_allclose(other.index.vectors * signs, library.index.vectors, atol=1e-4)


def test_an_index_is_reused_until_something_changes(
    library: Library, checkpoint: Path, source: Path, smiles_file: Path, tmp_path: Path
) -> None:
    made = (library.folder / RECORD).stat().st_mtime_ns
    assert open_library(checkpoint, source).folder == library.folder
    assert (library.folder / RECORD).stat().st_mtime_ns == made
    copy = tmp_path / "library.smi"
    copy.write_text(source.read_text())
    assert open_library(checkpoint, copy).folder == library.folder
    copy.write_text(source.read_text() + "CCCCO\n")
    assert len(open_library(checkpoint, copy)) == 202
    others = [
        open_library(checkpoint, copy),
        open_library(checkpoint, source, pooling="max"),
        open_library(checkpoint, source, n_components=3),
        open_library(make_checkpoint(smiles_file, tmp_path / "model", seed=1), source),
    ]
    assert len({library.folder, *(other.folder for other in others)}) == 5
    assert others[2].index.vectors.shape == (201, 3)


def test_a_named_folder_is_never_reused_for_something_else(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    open_library(checkpoint, source, folder=folder)
    with pytest.raises(UserError, match=r"holds an index of something else \(pooling changed"):
        open_library(checkpoint, source, folder=folder, pooling="max")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(UserError, match=r"holds other files \(thesis\.tex\)"):
        open_library(checkpoint, source, folder=tmp_path / "other")


def test_a_build_that_was_cut_is_done_again(
    checkpoint: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    with monkeypatch.context() as patch:
        patch.setattr(library_folder, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            open_library(checkpoint, source, folder=folder)
    assert not (folder / RECORD).exists()
    assert len(open_library(checkpoint, source, folder=folder)) == 201


@pytest.mark.parametrize(
    "name", ["vectors.npy", "fingerprints.npy", "lines.npy", "offsets.npy", "projection.npz", "smiles.bin"]
)
def test_a_damaged_index_is_named(library: Library, checkpoint: Path, source: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "index"
    whole = (library.folder / name).read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-1], b"", b"no array" * 100, None):
        shutil.copytree(library.folder, folder)
        (folder / name).unlink() if damaged is None else (folder / name).write_bytes(damaged)
        with pytest.raises(DataError, match=r"index: this index is damaged .*; delete the folder"):
            open_library(checkpoint, source, folder=folder)
        shutil.rmtree(folder)
    assert len(open_library(checkpoint, source, folder=folder)) == 201


def test_arrays_of_another_library_are_told(library: Library, checkpoint: Path, source: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(library.folder, tmp_path / "index")
    np.save(folder / "lines.npy", np.arange(200))
    with pytest.raises(DataError, match=r"damaged \(its files have \[200, 201\] rows, expected 201\)"):
        open_library(checkpoint, source, folder=folder)


@pytest.mark.parametrize(("n_molecules", "n_components"), [(1, 0), (2, 1), (12, 11), (40, 16)])
def test_a_small_library_has_fewer_directions_than_molecules(
    checkpoint: Path, source: Path, tmp_path: Path, n_molecules: int, n_components: int
) -> None:
    path = tmp_path / "few.smi"
    path.write_text("\n".join(source.read_text().split()[:n_molecules]) + "\n")
    few = open_library(checkpoint, path)
    assert few.record["n_components"] == n_components
    # A molecule that is not in the library is never at distance 0 from one that is.
    assert few.by_embedding(["CCCCCCO"], 1, "l2")[0][1].min() > 1e-3


def test_two_processes_build_one_index(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from chemscale.language.neighbours import open_library;"
        "print(len(open_library(sys.argv[1], sys.argv[2], folder=sys.argv[3])))"
    )
    command = [sys.executable, "-c", code, str(checkpoint), str(source), str(tmp_path / "index")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    assert [process.communicate()[0].strip() for process in both] == ["201", "201"]


def test_the_query_is_not_among_its_neighbours(library: Library) -> None:
    query = canonical_query("OCC")  # twice in the library, in two spellings
    assert query == "CCO"
    for rows, distances in (library.by_embedding([query], 5)[0], library.by_fingerprint([query], 5)[0]):
        assert len(rows) == 5 and all(library.smiles[int(row)] != query for row in rows)
        assert (np.diff(distances) >= 0).all()
    rows, _ = library.by_embedding([query], 10_000, "l1")[0]
    assert len(rows) == 199 and len(set(rows)) == 199


def test_many_copies_of_the_query_do_not_hide_its_neighbours(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "copies.smi"
    path.write_text("CCO\n" * 60 + "CCCO\nCCCCO\n")
    library = open_library(checkpoint, path)
    assert {library.smiles[int(row)] for row in library.by_embedding(["CCO"], 2)[0][0]} == {"CCCO", "CCCCO"}
    path.write_text("CCO\nOCC\n")
    with pytest.raises(DataError, match="no other molecule than the query CCO"):
        open_library(checkpoint, path).by_embedding(["CCO"], 2)


def test_a_search_that_finds_no_more_is_not_made_larger(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def search(embeddings: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Four molecules, whatever is asked for: what an approximate index does whose cells hold no more."""
        asked.append(k)
        rows = np.full((len(embeddings), k), -1)
        rows[:, :4] = [7, 8, 9, 10]
        return rows, np.where(rows < 0, np.inf, rows.astype(float))

    index = NeighbourIndex(library.index.projection, library.index.vectors)
    monkeypatch.setattr(index, "search", search)
    rows, distances = library.by_embedding(["CCO"], 20, "cosine", index)[0]
    assert rows.tolist() == [7, 8, 9, 10] and np.isfinite(distances).all() and asked == [28]


def test_queries_that_cannot_be_embedded_are_told(library: Library) -> None:
    with pytest.raises(UserError, match="query 'C1CC': "):
        canonical_query("C1CC")
    with pytest.raises(UserError, match=r"query \[Cl\]\[Pt\]\[Cl\]: .*\[Pt\]: not in the vocabulary"):
        library.by_embedding([canonical_query("[Pt](Cl)Cl")], 3)


def test_a_table_of_neighbours(library: Library) -> None:
    found = library.by_embedding(["CCO"], 3)[0]
    table = neighbour_table(library, "CCO", found)
    assert table["rank"].tolist() == [0, 1, 2, 3] and table["smiles"][0] == "CCO" and table["tanimoto"][0] == 1.0
    assert table["distance"].tolist()[1:] == found[1].tolist()
    expected = property_table([parse_smiles(text) for text in table["smiles"]])
    np.testing.assert_allclose(table[list(PROPERTIES)].to_numpy(), expected)


def test_an_evaluation_is_worked_by_hand(library: Library) -> None:
    evaluation = evaluate_neighbours(library, n_queries=6, k=7, seed=3)
    assert set(evaluation.deltas) == {"cosine", "l1", "l2", "Tanimoto", "random"}
    assert len(set(evaluation.queries)) == 6
    for method in ("l1", "Tanimoto"):
        for place, query in enumerate(evaluation.queries):
            found = library.by_embedding([query], 7, "l1") if method == "l1" else library.by_fingerprint([query], 7)
            neighbours = property_table([parse_smiles(library.smiles[int(row)]) for row in found[0][0]])
            expected = abs(neighbours.sum(0) / 7 - property_table([parse_smiles(query)])[0])
            np.testing.assert_allclose(evaluation.deltas[method][place], expected, rtol=1e-12, atol=1e-12)
    assert len(evaluation.table()) == 20 and len(evaluation.wins()) == 12
    again = evaluate_neighbours(library, n_queries=6, k=7, seed=3, workers=2)
    assert all((again.deltas[method] == deltas).all() for method, deltas in evaluation.deltas.items())
    with pytest.raises(UserError, match="n_queries: 0"):
        evaluate_neighbours(library, n_queries=0)


def test_all_methods_tie_where_the_library_has_no_more_than_k(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    path = tmp_path / "few.smi"
    path.write_text("\n".join(source.read_text().split()[20:32]) + "\n")
    evaluation = evaluate_neighbours(open_library(checkpoint, path), k=100)
    assert evaluation.k == 11 and len(evaluation.queries) == 12
    assert evaluation.wins()["win_rate"].tolist() == [0.5] * 12


def test_every_method_has_as_many_neighbours_as_the_poorest(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    path = tmp_path / "copies.smi"
    path.write_text("CCO\n" * 60 + "\n".join(source.read_text().split()[20:24]) + "\n")
    evaluation = evaluate_neighbours(open_library(checkpoint, path), queries=["CCO"], k=3)
    assert evaluation.k == 3 and all(np.isfinite(values).all() for values in evaluation.deltas.values())
    several = evaluate_neighbours(open_library(checkpoint, path), n_queries=5, k=10)
    assert several.k == 4 and "CCO" in several.queries  # which has no more others
    for seed in range(5):
        for rows in deltas._random(open_library(checkpoint, path), ["CCO"], 3, seed):
            assert len(set(rows)) == 3 and min(rows) >= 60


def test_an_approximate_index_is_kept(library: Library) -> None:
    pytest.importorskip("faiss", reason="approximate search needs faiss (extra search)")
    index = library.approximate("l2")
    assert index.approximate is not None and index.approximate.recall == 1.0  # one cell: everything is searched
    made = (library.folder / "approximate-l2.faiss").stat().st_mtime_ns
    again = library.approximate("l2")
    assert (library.folder / "approximate-l2.faiss").stat().st_mtime_ns == made
    exact = library.by_embedding(["CCO"], 9, "l2")[0][0]
    assert library.by_embedding(["CCO"], 9, "l2", again)[0][0].tolist() == exact.tolist()
    with pytest.raises(UserError, match="for l2, not for cosine"):
        library.by_embedding(["CCO"], 9, "cosine", again)
    for damaged in (b"", (library.folder / "approximate-l2.faiss").read_bytes()[:-9]):
        (library.folder / "approximate-l2.faiss").write_bytes(damaged)
        with pytest.raises(DataError, match=r"approximate-l2\.faiss: this index is damaged; delete the file"):
            library.approximate("l2")
    (library.folder / "approximate-l2.faiss").unlink()
    (library.folder / "approximate-l2.json").unlink()
