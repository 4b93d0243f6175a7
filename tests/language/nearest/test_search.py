"""Search among vectors and fingerprints, against brute force, scikit-learn, RDKit and hand-worked cases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from chemscale.base.errors import DataError, UserError
from chemscale.chem.fingerprints import morgan_fingerprints
from chemscale.language.nearest import exact, fingerprint_search
from chemscale.language.nearest.approximate import ApproximateIndex
from chemscale.language.nearest.exact import METRICS, Metric, nearest_vectors
from chemscale.language.nearest.projection import Projection
from chemscale.language.neighbours import FingerprintIndex, NeighbourIndex


def distances_to(query: np.ndarray, library: np.ndarray, metric: Metric) -> np.ndarray:
    """All distances in float64, one vector at a time."""
    query, library = query.astype(float), library.astype(float)
    if metric == "l1":
        return np.array([np.abs(x - query).sum() for x in library])
    if metric == "l2":
        return np.array([np.sqrt(((x - query) ** 2).sum()) for x in library])
    return np.array([1 - x @ query / np.sqrt((x @ x) * (query @ query)) for x in library])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("block", [65_536, 512, 100])
def test_exact_search_is_brute_force(metric: Metric, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "BLOCK", block)
    monkeypatch.setattr(exact, "QUERIES", 3)
    monkeypatch.setattr(exact, "GROUP", 8)  # few enough for groups to be used at this size
    random = np.random.default_rng(0)
    library = random.normal(0.3, 1.0, (1_234, 20)).astype(np.float32)
    queries = random.normal(0.3, 1.0, (7, 20)).astype(np.float32)
    rows, distances = nearest_vectors(queries, library, 10, metric)
    for query, found, there in zip(queries, rows, distances, strict=True):
        expected = distances_to(query, library, metric)
        order = np.argsort(expected, kind="stable")[:10]
        assert found.tolist() == order.tolist()
        np.testing.assert_allclose(there, expected[order], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_small_libraries_equal_vectors_and_zeros(metric: Metric) -> None:
    library = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], dtype=np.float32)
    rows, distances = nearest_vectors(np.array([[2.0, 0.0]]), library, 99, metric)
    assert rows.shape == (1, 4) and set(rows[0]) == {0, 1, 2, 3}
    assert rows[0, :2].tolist() == [0, 2] and np.isfinite(distances).all()
    assert distances[0, 0] == {"cosine": 0.0, "l1": 1.0, "l2": 1.0}[metric]


@pytest.mark.parametrize("metric", METRICS)
def test_copies_beyond_k_are_as_near_as_the_nearest(metric: Metric) -> None:
    random = np.random.default_rng(0)
    library = random.normal(0.3, 1.0, (65_536, 20)).astype(np.float32)
    copies = random.choice(len(library), 300, replace=False)
    library[copies] = library[copies[0]]
    query = library[copies[:1]] + np.float32(0.01)
    rows, distances = nearest_vectors(query, library, 10, metric)
    expected = np.sort(distances_to(query[0], library, metric))[:10]
    np.testing.assert_allclose(distances[0], expected, atol=1e-12)
    assert set(rows[0]) <= set(copies) and len(set(rows[0])) == 10


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_measured_a_few_at_a_time(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    library, queries = random.normal(0, 1, (90, 6)).astype(np.float32), random.normal(0, 1, (4, 6))
    rows = random.integers(0, 90, (4, 50))
    asked: list[int] = []
    measure = exact._distances

    def counted(queries: Any, library: Any, rows: Any, metric: Metric) -> Any:
        asked.append(rows.size)
        return measure(queries, library, rows, metric)

    monkeypatch.setattr(exact, "_distances", counted)
    monkeypatch.setattr(exact, "ROWS_MEASURED_TOGETHER", 30)
    found = exact.measured_distances(queries, library, rows, metric)
    expected = [distances_to(query, library[there], metric) for query, there in zip(queries, rows, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert max(asked) <= 30 and sum(asked) == rows.size


def test_what_cannot_be_searched_for_is_refused() -> None:
    library = np.ones((5, 3), dtype=np.float32)
    for queries, k, metric, message in (
        (np.ones((1, 3)), 1, "hamming", "metric: 'hamming'; allowed: cosine, l1, l2"),
        (np.ones((1, 3)), 0, "l1", "k: 0"),
        (np.ones((1, 4)), 1, "l1", r"shape \(1, 4\); expected \[n_queries, 3\]"),
        (np.full((1, 3), np.nan), 1, "l1", "not finite"),
    ):
        with pytest.raises(UserError, match=message):
            nearest_vectors(queries, library, k, metric)  # type: ignore[arg-type]


def test_principal_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition", reason="the reference is scikit-learn (extra maps)")
    random = np.random.default_rng(0)
    vectors = random.normal(0, 1, (500, 12)) @ random.normal(0, 1, (12, 12)) + 1_000.0
    ours = Projection.fit([vectors[:7], vectors[7:7], vectors[7:300], vectors[300:]], 5)
    theirs = decomposition.PCA(5, svd_solver="full").fit(vectors)
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_.sum(), rtol=1e-9)
    signs = np.sign((ours.components * theirs.components_).sum(1))
    np.testing.assert_allclose(ours.components * signs[:, None], theirs.components_, atol=1e-7)
    np.testing.assert_allclose(ours(vectors) * signs, theirs.transform(vectors), atol=2e-5)


def test_principal_components_of_little_data(tmp_path: Path) -> None:
    one = Projection.fit([np.ones((1, 4))], 100)
    assert one.components.shape == (4, 4) and one.explained == 1.0 and np.abs(one(np.ones((2, 4)))).max() == 0
    with pytest.raises(DataError, match="there are no vectors"):
        Projection.fit([np.ones((0, 4))])
    with pytest.raises(DataError, match="all of them finite"):
        Projection.fit([np.full((3, 4), np.nan)])
    one.save(tmp_path / "p.npz")
    again = Projection.load(tmp_path / "p.npz")
    assert (again.components == one.components).all() and (again.mean == one.mean).all()


def test_an_index_searches_projected_vectors() -> None:
    random = np.random.default_rng(1)
    embeddings = random.normal(5, 1, (300, 16)).astype(np.float32)
    index = NeighbourIndex.fit(embeddings, n_components=4)
    assert len(index) == 300 and index.vectors.shape == (300, 4)
    rows, distances = index.search(embeddings[:5], 3)
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4] and np.abs(distances[:, 0]).max() < 1e-6
    full = NeighbourIndex.fit(embeddings, n_components=100)  # all 16: a rotation, which keeps distances
    expected = np.argsort(distances_to(embeddings[7], embeddings, "l2"))[:6]
    assert full.search(embeddings[7:8], 6, "l2")[0][0].tolist() == expected.tolist()
    with pytest.raises(UserError, match=r"expected \[n_queries, 16\]"):
        index.search(index.vectors, 3)


def test_tanimoto_search_is_that_of_rdkit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint_search, "BLOCK", 17)
    monkeypatch.setattr(fingerprint_search, "QUERIES", 2)
    smiles = [f"{'C' * i}{end}" for end in ("O", "c1ccccc1", "N(C)C", "C(=O)O", "Cl", "C#N") for i in range(1, 13)]
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    ours = morgan_fingerprints(molecules)
    rows, distances = FingerprintIndex(ours).search(ours[::15], 9)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    theirs = [generator.GetFingerprint(molecule) for molecule in molecules]
    for place, query in enumerate(range(0, len(smiles), 15)):
        expected = np.array(DataStructs.BulkTanimotoSimilarity(theirs[query], theirs))
        order = np.argsort(-expected, kind="stable")[:9]
        assert rows[place].tolist() == order.tolist()
        np.testing.assert_allclose(distances[place], 1 - expected[order], atol=1e-12)
    with pytest.raises(UserError, match="k: 0"):
        FingerprintIndex(ours).search(ours[:1], 0)
    with pytest.raises(UserError, match=r"expected \[n, 16\] of uint64"):
        FingerprintIndex(ours).search(np.ones((1, 16)), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_approximate_search_states_its_recall(metric: Metric, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="approximate search needs faiss (extra search)")
    random = np.random.default_rng(0)
    centres = random.normal(0, 1, (40, 24))
    vectors = (centres[random.integers(0, 40, 4_000)] + 0.3 * random.normal(0, 1, (4_000, 24))).astype(np.float32)
    built = ApproximateIndex.build(vectors, metric)
    assert built.n_cells == 64 and built.n_probed == 16
    queries = centres.astype(np.float32)
    found, distances = built.search(queries, vectors, 20)
    true, true_distances = nearest_vectors(queries, vectors, 20, metric)
    shares = [len(set(a) & set(b)) / 20 for a, b in zip(found, true, strict=True)]
    assert built.measured_recall(queries, vectors, 20) == pytest.approx(np.mean(shares))
    assert 0.8 < built.recall <= 1.0 and np.mean(shares) > 0.8
    assert (np.diff(distances, axis=1) >= 0).all() and (distances >= true_distances - 1e-12).all()
    built.save(tmp_path / "index.faiss")
    again = ApproximateIndex.load(tmp_path / "index.faiss")
    assert again.recall == built.recall
    np.testing.assert_array_equal(again.search(queries, vectors, 20)[0], found)


def test_approximate_search_has_no_l1() -> None:
    pytest.importorskip("faiss", reason="approximate search needs faiss (extra search)")
    with pytest.raises(UserError, match="'l1' is not there; allowed: cosine, l2"):
        ApproximateIndex.build(np.ones((5, 3), dtype=np.float32), "l1")
    tiny = ApproximateIndex.build(np.eye(5, 3, dtype=np.float32), "l2")
    assert tiny.recall == 1.0 and tiny.n_cells == 1
