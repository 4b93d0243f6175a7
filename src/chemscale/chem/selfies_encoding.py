"""SELFIES: encode, decode, split into symbols, and tell the spellings of versions 1 and 2 apart.

SELFIES (Krenn et al. 2020, 10.1088/2632-2153/aba947; 2.x: Lo et al. 2023, 10.1039/D3DD00044C) writes a molecule as
symbols in brackets. Versions 1 and 2 spell the same things differently (`[Branch1_2]` and `[=Branch1]`, `[NHexpl]` and
`[NH1]`), and count ring and branch lengths differently, so symbols of one must never be read as those of the other.
"""

import re
import warnings
from collections.abc import Iterable

import selfies

from chemscale.chem.smiles import MoleculeError

_SYMBOL = re.compile(r"\[[^\[\]]*\]|\.")
_VERSION_1 = re.compile(r"\[(?:[=#/\\]?Branch\d_\d|Expl.*Ring\d|.*expl)\]")
_VERSION_2 = re.compile(
    r"\[(?:[=#/\\-]{0,2}Branch\d|[=#/\\-]{1,2}Ring\d|[=#/\\]?\d*[A-Z][a-z]?@{0,2}(?:H\d([+-]\d)?|[+-]\d))\]"
)


def selfies_version() -> str:
    """The version of the installed `selfies` package."""
    return str(selfies.__version__)


def major_version(version: str) -> int:
    """The number before the first dot; symbols are compatible within it."""
    return int(version.split(".")[0])


def encode_selfies(smiles: str) -> str:
    """The SELFIES of a SMILES, in the spelling of the installed version.

    Raises:
        MoleculeError: the text is no SMILES, or has something that SELFIES cannot write (wildcards, valences beyond
            its constraints); the message is one line with the reason.
    """
    if not smiles:
        raise MoleculeError("empty text")
    try:
        return str(selfies.encoder(smiles))
    except selfies.EncoderError as error:
        raise MoleculeError(_one_line(str(error))) from None
    except (ValueError, IndexError, KeyError, AssertionError, RecursionError, TypeError) as error:
        raise MoleculeError(f"SELFIES encoder failed: {type(error).__name__}: {error}") from None


def decode_selfies(text: str, compatible: bool = False) -> str:
    """The SMILES of a SELFIES; every sequence of known symbols decodes to a molecule, if only to an empty one.

    Args:
        text: the SELFIES.
        compatible: also read the spelling of version 1, by renaming its symbols.

    Raises:
        MoleculeError: a symbol is malformed or of another SELFIES version.
    """
    try:
        if not compatible:
            return str(selfies.decoder(text))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(selfies.decoder(text, compatible=True))
    except selfies.DecoderError as error:
        raise MoleculeError(_one_line(str(error))) from None


def split_selfies(text: str) -> list[str]:
    """The symbols of a SELFIES: bracket symbols, and `.` between fragments; they join to the text.

    Raises:
        MoleculeError: something stands outside brackets, as in a SMILES given for a SELFIES.
    """
    if "." not in text and text[:1] == "[" and text[-1:] == "]":
        symbols = [f"[{inner}]" for inner in text[1:-1].split("][")]
        if text.count("[") == len(symbols):
            return symbols
    symbols = _SYMBOL.findall(text)
    if sum(map(len, symbols)) != len(text):
        raise MoleculeError(f"{text[:60]!r} is not SELFIES: something stands outside brackets")
    return symbols


def spelling_version(symbols: Iterable[str]) -> int | None:
    """The SELFIES major version whose spelling the symbols have: 1, 2, or None where nothing tells them apart.

    Both spellings in one list count as version 1, as its markers occur in no version 2 text.
    """
    version = None
    for symbol in symbols:
        if _VERSION_1.fullmatch(symbol):
            return 1
        if _VERSION_2.fullmatch(symbol):
            version = 2
    return version


def _one_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith("SMILES:") and line != "Errors:"]
    return "; ".join(kept)
