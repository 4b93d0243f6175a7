"""The vocabulary of a language model: one id per symbol, four special symbols first."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from chemscale.base.config import content_hash
from chemscale.base.errors import DataError, UserError
from chemscale.base.files import write_json

Encoding = Literal["selfies", "smiles"]
ENCODINGS: tuple[Encoding, ...] = ("selfies", "smiles")
PAD, BOS, EOS, UNK = "[pad]", "[bos]", "[eos]", "[unk]"
SPECIAL_SYMBOLS = (PAD, BOS, EOS, UNK)
_FORMAT = 1


@dataclass(frozen=True)
class Vocabulary:
    """Symbols with ids: `[pad]` 0, `[bos]` 1, `[eos]` 2, `[unk]` 3, then `symbols` in their order.

    Attributes:
        symbols: the symbols of the molecules, without the special ones.
        encoding: what the symbols spell: `selfies` or `smiles`.
        selfies_version: the version of the `selfies` package that wrote them; None for SMILES.
    """

    symbols: tuple[str, ...]
    encoding: Encoding = "selfies"
    selfies_version: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be a vocabulary."""
        if self.encoding not in ENCODINGS:
            raise UserError(f"encoding: {self.encoding!r} is not one of {', '.join(ENCODINGS)}")
        if self.encoding == "selfies" and not self.selfies_version:
            raise UserError(
                "selfies_version: a SELFIES vocabulary must say which version wrote it, for example '2.1.1'"
            )
        if len(set(self.symbols)) != len(self.symbols) or set(self.symbols) & set(SPECIAL_SYMBOLS):
            raise UserError("symbols: each symbol must occur once, and none may be a special one")

    @classmethod
    def of(cls, symbols: Iterable[str], encoding: Encoding, selfies_version: str | None) -> "Vocabulary":
        """The vocabulary of a set of symbols, sorted by code point, so that the ids do not depend on their order."""
        return cls(tuple(sorted(set(symbols))), encoding, selfies_version if encoding == "selfies" else None)

    pad_id = 0
    bos_id = 1
    eos_id = 2
    unk_id = 3

    def __len__(self) -> int:
        """How many ids there are, special symbols included."""
        return len(SPECIAL_SYMBOLS) + len(self.symbols)

    @cached_property
    def all_symbols(self) -> tuple[str, ...]:
        """Every symbol at the place of its id."""
        return SPECIAL_SYMBOLS + self.symbols

    @cached_property
    def ids(self) -> dict[str, int]:
        """Symbol -> id, special symbols included."""
        return {symbol: index for index, symbol in enumerate(self.all_symbols)}

    @cached_property
    def sha256(self) -> str:
        """A hash over everything that gives an id its meaning."""
        return content_hash(self._values(), length=64)

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        write_json(path, self._values())

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a vocabulary that `save` wrote.

        Raises:
            DataError: the file is missing, or is no vocabulary.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != _FORMAT or tuple(values["special"]) != SPECIAL_SYMBOLS:
                raise DataError(f"{path}: written in another format; prepare the corpus again")
            return cls(tuple(values["symbols"]), values["encoding"], values["selfies_version"])
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: is not a vocabulary file ({type(error).__name__}: {error})") from None

    def _values(self) -> dict[str, object]:
        return {
            "format": _FORMAT,
            "encoding": self.encoding,
            "selfies_version": self.selfies_version,
            "special": list(SPECIAL_SYMBOLS),
            "symbols": list(self.symbols),
        }
