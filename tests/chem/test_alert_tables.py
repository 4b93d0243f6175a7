"""Tables of alerts: those of MOSES, and files of one's own."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.chem.alert_tables import MCF, Alert, moses_alerts, pains, read_alerts

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "moses.json").read_text())


def test_the_tables_are_those_of_moses_to_the_letter() -> None:
    alerts = moses_alerts()
    assert len(alerts) == 502
    assert len({alert.name for alert in alerts}) == 502
    text = "\n".join(f"{alert.name} {alert.smarts}" for alert in alerts)
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN["alerts_sha256"]


def test_all_alerts_are_smarts() -> None:
    assert all(Chem.MolFromSmarts(alert.smarts) is not None for alert in (*MCF, *pains()))


@pytest.mark.data
def test_tables_in_a_folder_are_the_same() -> None:
    folder = Path(os.environ.get("CHEMSCALE_DATA", "")) / "filters"
    if not (folder / "mcf.csv").is_file():
        pytest.skip("needs filters/mcf.csv under CHEMSCALE_DATA")
    assert moses_alerts(folder) == moses_alerts()


def test_both_layouts_are_read(tmp_path: Path) -> None:
    named, bare = tmp_path / "named.csv", tmp_path / "bare.csv"
    named.write_text('names,smarts\naldehyde,[CH]=O\n"any, halogen","[F,Cl,Br,I]"\n')
    bare.write_text('"[CH]=O"   ,"<regId=aldehyde(3)>"\n[SH]\n')
    assert read_alerts(named) == (Alert("aldehyde", "[CH]=O"), Alert("any, halogen", "[F,Cl,Br,I]"))
    assert read_alerts(bare) == (Alert("aldehyde(3)", "[CH]=O"), Alert("line 2", "[SH]"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no alerts"), ("names,smarts\n", "no alerts"), ("CC,a\nC(,b\n", "line 2"), ("names,smarts\na,\n", "line 2")],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_alerts(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mcf\.csv"):
        moses_alerts(tmp_path)
