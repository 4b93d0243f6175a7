"""Tables of structural alerts: substructures that a medicinal chemist does not want to see.

The MOSES benchmark (Polykovskiy et al. 2020, 10.3389/fphar.2020.565644) uses two: 22 medicinal chemistry filters (MCF),
which are written out here, and the 480 PAINS alerts of Baell and Holloway (2010, 10.1021/jm901137j), which come with
RDKit. RDKit has corrected 17 of these since; they are written out here as MOSES has them. Tables of your own are read
from files in either of the layouts that MOSES uses.
"""

import csv
import functools
from pathlib import Path
from typing import NamedTuple

from rdkit import Chem, RDConfig, rdBase

from chemscale.base.errors import DataError


class Alert(NamedTuple):
    """A named substructure, as SMARTS; hydrogens in it are real atoms."""

    name: str
    smarts: str


MCF = (
    Alert("MCF1", "[#6]=&!@[#6]-[#6]#[#7]"),
    Alert("MCF2", "[#6]=&!@[#6]-[#16](=[#8])=[#8]"),
    Alert("MCF3", "[#6]=&!@[#6&!H0]-&!@[#6](=[#8])-&!@[#7]"),
    Alert("MCF4", "[H]C([H])([#6])[F,Cl,Br,I]"),
    Alert("MCF5", "[#6]1-[#8]-[#6]-1"),
    Alert("MCF6", "[#6]-[#7]=[#6]=[#8]"),
    Alert("MCF7", "[#6&!H0]=[#8]"),
    Alert("MCF8", "[#6](=&!@[#7&!H0])-&!@[#6,#7,#8,#16]"),
    Alert("MCF9", "[#6]1-[#7]-[#6]-1"),
    Alert("MCF10", "[#6]~&!@[#7]~&!@[#7]~&!@[#6]"),
    Alert("MCF11", "[#7]=&!@[#7]"),
    Alert("MCF12", "[H][#6]-1=[#6]([H])-[#6]=[#6](-*)-[#8]-1"),
    Alert("MCF13", "[H][#6]-1=[#6]([H])-[#6]=[#6](-*)-[#16]-1"),
    Alert("MCF14", "[#17,#35,#53]-c(:*):[!#1!#6]:*"),
    Alert("MCF15", "[H][#7]([H])-[#6]-1=[#6]-[#6]=[#6]-[#6]=[#6]-1"),
    Alert("MCF16", "[#16]~[#16]"),
    Alert("MCF17", "[#7]~&!@[#7]~&!@[#7]"),
    Alert("MCF18", "[#7]-&!@[#6&!H0&!H1]-&!@[#7]"),
    Alert("MCF19", "[#6&!H0](-&!@[#8])-&!@[#8]"),
    Alert("MCF20", "[#35].[#35].[#35]"),
    Alert("MCF21", "[#17].[#17].[#17].[#17]"),
    Alert("MCF22", "[#9].[#9].[#9].[#9].[#9].[#9].[#9]"),
)
"""The medicinal chemistry filters in the order of MOSES' table; the names are its names."""

_PAINS_OF_MOSES = {
    "het_thio_666_A(13)": (
        "c:2(:c:1-[#16]-c:3:c(-[#7;!H0,$([#7]-[CH3]),$([#7]-[#6;!H0;!H1]-[#6;!H0])](-c:1:c(:c(:c:2-[#1])-[#1]"
        ")-[#1])):[c;!H0,$(c~[#7](-[#1])-[#6;X4]),$(c~[#6]:[#6])](:[c;!H0,$(c~[#6]:[#6])]:[c;!H0,$(c-[#7](-[#"
        "1])-[#1]),$(c-[#8]-[#6;X4])]:c:3-[#1]))-[#1]"
    ),
    "thiaz_ene_C(11)": "[#6]-1(=[#6](-!@[#6]=[#7])-[#16]-[#6](-[#7]-1)=[#8])-[$([F,Cl,Br,I]),$([#7+](:[#6]):[#6])]",
    "het_thio_676_A(10)": (
        "c:1:c:c-2:c(:c:c:1)-[#6]-[#6](-c:3:c(-[#16]-2):c(:c(-[#1]):[c;!H0,$(c-[#8]),$(c-[#16;X2]),$(c-[#6;X4"
        "]),$(c-[#7;H2,H3,$([#7!H0]-[#6;X4]),$([#7](-[#6;X4])-[#6;X4])])](:c:3-[#1]))-[#1])-[#7;H2,H3,$([#7;!"
        "H0]-[#6;X4]),$([#7](-[#6;X4])-[#6;X4])]"
    ),
    "het_6_imidate_A(4)": "[#7]=[#6]-1-[#7](-[#1])-[#6](=[#6](-[#7]-[#1])-[#7]=[#7]-1)-[#7]-[#1]",
    "anil_OC_alk_B(3)": (
        "c:1:3:c(:c:c:c:c:1)-[#7]-2-[#6](=[#8])-[#6](=[#6](-[F,Cl,Br,I])-[#6]-2=[#8])-[#7](-[#1])-[#6]:[#6]:["
        "#6]:[#6](-[#8]-[#6](-[#1])-[#1]):[#6]:[#6]:3"
    ),
    "quinone_C(2)": "[#8]=[#6]-3-c:1:c(:c:c:c:c:1)-[#6]-2=[#6](-[#8]-[#1])-[#6](=[#8])-[#7]-c:4:c-2:c-3:c:c:c:4",
    "thiophene_E(2)": (
        "c:1(:c(:c(:[c;!H0,$(c-[#6;!H0,!H1])](:s:1))-[#1])-[#1])-[#6;!H0,$([#6]-[#6;!H0;!H1])]-[#6](=[#8])-[#"
        "7](-[#1])-c:2:n:c:c:s:2"
    ),
    "thio_urea_K(2)": "[#6]-2(=[#16])-[#7]-1-[#6]:[#6]-[#7]=[#7]-[#6]-1=[#7]-[#7]-2-[#1]",
    "het_6_imidate_B(1)": (
        "[#7](-[#1])(-c:1:c(:c(:c(:c(:c:1-[#1])-[#1])-[#1])-[#1])-[#8]-[#1])-[#6]-2=[#6](-[#8]-[#6](-[#7]=[#7"
        "]-2)=[#7])-[#7](-[#1])-[#1]"
    ),
    "anthranil_acid_I(1)": (
        "c:1:2(:c(:c(:c(:o:1)-[#6])-[#1])-[#1])-[#6](=[#8])-[#7](-[#1])-[#6]:[#6](-[#1]):[#6](-[#1]):[#6](-[#"
        "1]):[#6](-[#1]):[#6]:2-[#6](=[#8])-[#8]-[#1]"
    ),
    "het_65_H(1)": "c2(c-1n(-[#6](-[#6]=[#6]-[#7]-1)=[#8])nc2-c3cccn3)-[#6]#[#7]",
    "colchicine_het(1)": (
        "c:1-3:c(:c:c:c:c:1)-[#16]-[#6](=[#7]-[#7]=[#6]-2-[#6]=[#6]-[#6]=[#6]-[#6]=[#6]-2)-[#7]-3-[#6](-[#1])-[#1]"
    ),
    "het_5_inium(1)": "[#7]-4(-c:1:c:c:c:c:c:1)-[#6](=[#7+](-c:2:c:c:c:c:c:2)-[#6](=[#7]-c:3:c:c:c:c:c:3)-[#7]-4)-[#1]",
    "thiaz_ene_A(128)": (
        "[#6]-1(=[#6;!H0,$([#6]-[#6;!H0;!H1]),$([#6]-[#6]=[#8])]-[#16]-[#6](-[#7;!H0,$([#7]-[#6;!H0]),$([#7]-"
        "[#6]:[#6])]-1)=[#7;!R])-[$([#6](-[#1])-[#1]),$([#6]:[#6])]"
    ),
    "hzone_enamin(30)": "[#7](-[#1])-[#7]=[#6]-[#6;!H0,$([#6]-[#6])]=[#6](-[#6])-!@[$([#7]),$([#8]-[#1])]",
    "quinone_A(370)": "[!#6&!#1]=[#6]-1-[#6]=,:[#6]-[#6](=[!#6&!#1])-[#6]=,:[#6]-1",
    "anil_di_alk_D(198)": (
        "c:1:c:c(:c:c:c:1-[#7](-[#6;X4])-[#6;X4])-[#6;X4]-[$([#8]-[#1]),$([#6]=[#6]-[#1]),$([#7]-[#6;X4])]"
    ),
}
"""PAINS that RDKit has corrected since MOSES was published, as MOSES has them: verdicts are to agree with its."""

MCF_FILE, PAINS_FILE = "mcf.csv", "wehi_pains.csv"


@functools.cache
def pains() -> tuple[Alert, ...]:
    """The 480 PAINS alerts that come with RDKit, with its corrections.

    Raises:
        DataError: this RDKit was installed without its data.
    """
    path = Path(RDConfig.RDDataDir) / "Pains" / PAINS_FILE
    if not path.is_file():
        raise DataError(
            f"{path}: the PAINS alerts are missing from this RDKit. Install RDKit's wheel, or give a table."
        )
    return read_alerts(path)


def moses_alerts(folder: Path | None = None) -> tuple[Alert, ...]:
    """The 502 alerts of MOSES: MCF, then PAINS.

    Args:
        folder: take them from its files `mcf.csv` and `wehi_pains.csv`; None takes MOSES' own from this module and
            from RDKit.

    Raises:
        DataError: a file is missing or damaged.
    """
    if folder is None:
        return (*MCF, *(Alert(name, _PAINS_OF_MOSES.get(name, smarts)) for name, smarts in pains()))
    return (*read_alerts(folder / MCF_FILE), *read_alerts(folder / PAINS_FILE))


def read_alerts(path: Path) -> tuple[Alert, ...]:
    """The alerts of a CSV file.

    Args:
        path: with a header that has the columns `names` and `smarts`; or without a header, SMARTS in the first column
            and a name in the second, where `<regId=name>` counts as `name`.

    Raises:
        DataError: the file is missing, has no alert, or a line of it is no SMARTS; the message has the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(stream), 1) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the table of alerts cannot be read ({error}).") from None
    name_column, smarts_column = 1, 0
    if rows and "smarts" in rows[0][1]:
        header = rows.pop(0)[1]
        smarts_column = header.index("smarts")
        name_column = header.index("names") if "names" in header else len(header)
    if not rows:
        raise DataError(f"{path}: no alerts. Expected a line for each, SMARTS and name.")
    return tuple(_alert(path, number, row, name_column, smarts_column) for number, row in rows)


def _alert(path: Path, number: int, row: list[str], name_column: int, smarts_column: int) -> Alert:
    smarts = row[smarts_column] if smarts_column < len(row) else ""
    with rdBase.BlockLogs():
        readable = bool(smarts) and Chem.MolFromSmarts(smarts) is not None
    if not readable:
        raise DataError(f"{path}, line {number}: {smarts!r} is no SMARTS.")
    name = row[name_column] if name_column < len(row) else ""
    return Alert(name.removeprefix("<regId=").removesuffix(">") or f"line {number}", smarts)
