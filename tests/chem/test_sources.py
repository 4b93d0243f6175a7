"""The registry of sources, and how a source string is found."""

import hashlib
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.chem import sources
from chemscale.chem.source_report import readable_size, source_info, sources_table, verify_source
from chemscale.chem.sources import SOURCES, file_sha256, get_source, list_sources, resolve


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("CHEMSCALE_DATA", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_registry_is_complete_and_well_formed() -> None:
    assert {"pubchem10m", "moses", "zinc250k", "freesolv", "tox21", "rmd17", "ani1x"} <= set(SOURCES)
    for name, source in list_sources():
        assert name == name.lower()
        assert source.urls and all(url.startswith("https://") for url in source.urls)
        hashes = [source.sha256, *source.also_at.values()]
        assert all(value is None or (len(value) == 64 and int(value, 16) >= 0) for value in hashes)
        assert source.licence and source.citation and source.title
    assert len({source.file_name for _, source in list_sources()}) == len(SOURCES)


def test_a_misspelt_name_names_the_nearest() -> None:
    assert get_source("MOSES") is SOURCES["moses"]
    with pytest.raises(DataError, match="did you mean 'moses'"):
        get_source("mosse")


def test_a_path_is_taken_as_it_stands_then_inside_the_data_folder(data: Path) -> None:
    (data / "mine.smi").write_text("CCO\n")
    assert resolve("mine.smi") == data / "mine.smi"
    Path("mine.smi").write_text("CCN\n")
    assert resolve("mine.smi").read_text() == "CCN\n"


def test_a_registered_name_is_found_under_its_own_and_its_other_names(data: Path) -> None:
    (data / "moses").mkdir()
    with pytest.raises(DataError) as caught:
        resolve("moses")
    assert str(data / "moses_train.csv.gz") in str(caught.value)
    assert SOURCES["moses"].urls[0] in str(caught.value)
    assert "chemscale data get moses" in str(caught.value)
    (data / "property").mkdir()
    (data / "property" / "tox21.csv.xz").write_bytes(b"x")
    assert resolve("tox21") == data / "property" / "tox21.csv.xz"
    (data / "tox21.csv").write_bytes(b"x")
    assert resolve("Tox21") == data / "tox21.csv"


def test_nothing_found_lists_what_was_tried(data: Path) -> None:
    with pytest.raises(DataError) as caught:
        resolve("mine.smi")
    assert str(data / "mine.smi") in str(caught.value) and "CHEMSCALE_DATA" in str(caught.value)


def test_verify_tells_missing_wrong_size_wrong_content_and_whole(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"smiles\nCCO\n"
    digest = hashlib.sha256(content).hexdigest()
    small = sources.Source("t", "smiles", "t.csv", ("https://x",), len(content), digest, 1, "smiles", "MIT", "c")
    monkeypatch.setattr(sources, "SOURCES", {"t": small})
    assert verify_source("t").verdict == "missing" and not verify_source("t").ok
    (data / "t.csv").write_bytes(content + b"more")
    assert verify_source("t").verdict == "wrong" and "15 bytes" in str(verify_source("t"))
    (data / "t.csv").write_bytes(content[:-1] + b"X")
    assert verify_source("t").verdict == "wrong" and "sha256" in verify_source("t").detail
    (data / "t.csv").write_bytes(content)
    assert verify_source("t").verdict == "verified" and verify_source("t").ok


def test_the_other_name_of_a_source_has_a_hash_of_its_own(data: Path) -> None:
    (data / "property").mkdir()
    (data / "property" / "tox21.csv.xz").write_bytes(b"x")
    seen = verify_source("tox21")
    assert seen.verdict == "wrong" and SOURCES["tox21"].also_at["property/tox21.csv.xz"] in seen.detail


def test_an_unknown_hash_is_said_and_not_invented(data: Path) -> None:
    (data / SOURCES["pubchem10m"].file_name).write_bytes(b"x")
    seen = verify_source("pubchem10m")
    assert seen.verdict == "hash unknown" and seen.ok and hashlib.sha256(b"x").hexdigest() in seen.detail


def test_the_table_and_the_record_are_for_a_person(data: Path) -> None:
    assert [row["name"] for row in sources_table()] == list(SOURCES)
    text = str(source_info("moses"))
    assert "1,584,663" in text and SOURCES["moses"].urls[0] in text and "absent" in text


def test_a_local_file_is_described_by_its_content(data: Path) -> None:
    (data / "mine.csv").write_text("id,smiles\n1,CCO\n2,CCN\n")
    rows = dict(source_info("mine.csv").rows)
    assert rows["column"] == "smiles" and rows["records"] == "2" and rows["first"] == "CCO, CCN"
    with pytest.raises(DataError, match="folder"):
        source_info(str(data))


def test_sizes_are_readable() -> None:
    assert [readable_size(size) for size in (None, 12, 1_500, 10_238_967, 1_066_301_513)] == [
        "",
        "12 B",
        "1.5 kB",
        "10.2 MB",
        "1.1 GB",
    ]


def test_the_hash_of_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        file_sha256(tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("name", ["tox21", "freesolv", "moses-test"])
def test_real_files_are_verified(name: str) -> None:
    if sources.find_source_file(name) is None:
        pytest.skip(f"CHEMSCALE_DATA has no file of {name}")
    assert verify_source(name).verdict == "verified"
