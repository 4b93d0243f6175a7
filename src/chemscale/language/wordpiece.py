"""The published ChemGPT tokenizers: WordPiece files of the `tokenizers` library, read without that library.

A text is cut at its bracket symbols, and each piece is looked up whole or cut greedily into the longest known pieces,
`##` marking those inside a word. On its own SELFIES version nearly every symbol is one id. On others it is not: a
symbol falls apart into letters or becomes `[UNK]`, and the model reads noise. So a text of another SELFIES version is
refused here, and so is every symbol without an id of its own; `encode_as_published` gives what the library gives.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chemscale.base.errors import DataError, UserError
from chemscale.chem.selfies_encoding import (
    decode_selfies,
    encode_selfies,
    major_version,
    selfies_version,
    spelling_version,
    split_selfies,
)
from chemscale.language.vocabulary import Encoding

_PATTERN = r"\[(.*?)\]"
_PIECES = re.compile(r"(\[.*?\])")
_INSIDE = "##"
_SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class WordPieceTokenizer:
    """Turns molecules into ids of a published vocabulary, with `[CLS]` and `[SEP]` around them.

    Attributes:
        ids: symbol or piece -> id, special symbols included.
        unk: the symbol of what is unknown.
        max_characters: a word longer than this is unknown as a whole.
    """

    ids: dict[str, int]
    unk: str = "[UNK]"
    max_characters: int = 100

    @classmethod
    def load(cls, path: Path | str) -> "WordPieceTokenizer":
        """Read a `tokenizer.json` of the published layout, or the folder that holds one.

        Raises:
            DataError: the file is missing, or of another layout; the message says in what it differs.
        """
        path = Path(path)
        path = path / "tokenizer.json" if path.is_dir() else path
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: is not a tokenizer file ({error})") from None
        problem = _difference(values)
        if problem:
            raise DataError(f"{path}: is not a ChemGPT tokenizer: {problem}")
        model = values["model"]
        return cls(dict(model["vocab"]), model["unk_token"], int(model["max_input_chars_per_word"]))

    def __len__(self) -> int:
        """How many ids there are."""
        return max(self.ids.values()) + 1

    @property
    def pad_id(self) -> int:
        """The id of `[PAD]`."""
        return self.ids["[PAD]"]

    @property
    def bos_id(self) -> int:
        """The id of `[CLS]`, before the first symbol."""
        return self.ids["[CLS]"]

    @property
    def eos_id(self) -> int:
        """The id of `[SEP]`, after the last symbol: generation ends here."""
        return self.ids["[SEP]"]

    @property
    def unk_id(self) -> int:
        """The id of `[UNK]`; `encode` never gives it."""
        return self.ids[self.unk]

    @cached_property
    def symbol_ids(self) -> tuple[int, ...]:
        """The ids of whole bracket symbols: what a model may generate beside `[SEP]`.

        Letters and pieces are left out: they are there for texts of other SELFIES versions, and spell nothing alone.
        """
        special = {self.unk, *_SPECIAL}
        return tuple(index for symbol, index in self.ids.items() if _PIECES.fullmatch(symbol) and symbol not in special)

    @property
    def encoding(self) -> Encoding:
        """What the symbols spell: always `selfies`."""
        return "selfies"

    @cached_property
    def selfies_major(self) -> int:
        """The SELFIES version whose spelling the vocabulary has; 2 where nothing tells."""
        return spelling_version(symbol for symbol in self.ids if symbol.startswith("[")) or 2

    def encode(self, smiles: str) -> list[int]:
        """The ids of a molecule given as SMILES, with `[CLS]` and `[SEP]` around them [tokens].

        Raises:
            MoleculeError: the text is no molecule, or cannot be written as SELFIES.
            UserError: the vocabulary is of another SELFIES version than the installed one, or lacks a symbol.
        """
        installed = selfies_version()
        if major_version(installed) != self.selfies_major:
            raise UserError(
                f"this vocabulary is spelled as in SELFIES {self.selfies_major}, installed is {installed}: its symbols "
                "would fall apart into letters. Encode the molecules with selfies "
                f"{self.selfies_major}.x elsewhere and pass their SELFIES to encode_text"
            )
        return self.encode_text(encode_selfies(smiles))

    def encode_text(self, text: str, ends: bool = True) -> list[int]:
        """The ids of a SELFIES in the vocabulary's own version; `ends=False` leaves `[CLS]` and `[SEP]` out [tokens].

        Raises:
            MoleculeError: the text is not SELFIES (a SMILES would be read letter by letter).
            UserError: it is of another SELFIES version, or has a symbol without an id of its own.
        """
        symbols = split_selfies(text)
        unknown = sorted({symbol for symbol in symbols if symbol not in self.ids})
        if unknown:
            raise UserError(self._refusal(unknown, spelling_version(symbols)))
        inner = [self.ids[symbol] for symbol in symbols]
        return [self.bos_id, *inner, self.eos_id] if ends else inner

    def encode_as_published(self, text: str) -> list[int]:
        """The ids that the `tokenizers` library gives for any text: unknown symbols fall apart or become `[UNK]`."""
        words = [word for word in _PIECES.split(text) if word]
        return [self.bos_id, *(index for word in words for index in self._word_ids(word)), self.eos_id]

    def decode_text(self, ids: Iterable[int]) -> str:
        """The SELFIES of ids up to the first `[SEP]`; `[CLS]` and `[PAD]` are left out, pieces are joined.

        Raises:
            UserError: an id is `[UNK]`, `[MASK]`, or outside the vocabulary.
        """
        symbols = []
        for value in ids:
            index = int(value)
            if index == self.eos_id:
                break
            if index in (self.bos_id, self.pad_id):
                continue
            symbol = self._symbols.get(index)
            if symbol is None or symbol in (self.unk, "[MASK]"):
                raise UserError(f"id {index} stands for no symbol of a molecule ({symbol or 'outside the vocabulary'})")
            symbols.append(symbol.removeprefix(_INSIDE))
        return "".join(symbols)

    def decode(self, ids: Iterable[int]) -> str:
        """The SMILES of ids up to the first `[SEP]`.

        A version 1 text is read in the compatibility mode of the installed version, which renames the symbols; where
        the versions count lengths differently the molecule can be another.

        Raises:
            UserError: an id stands for no symbol of a molecule.
            MoleculeError: the text is not SELFIES.
        """
        return decode_selfies(self.decode_text(ids), compatible=self.selfies_major == 1)

    @cached_property
    def _symbols(self) -> dict[int, str]:
        return {index: symbol for symbol, index in self.ids.items()}

    def _word_ids(self, word: str) -> list[int]:
        if len(word) > self.max_characters:
            return [self.unk_id]
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = _INSIDE if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self.ids), None)
            if end is None:
                return [self.unk_id]
            found.append(self.ids[prefix + word[start:end]])
            start = end
        return found

    def _refusal(self, unknown: list[str], spelled: int | None) -> str:
        listed = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
        if spelled is not None and spelled != self.selfies_major:
            return (
                f"{listed}: spelled as in SELFIES {spelled}, this vocabulary is of SELFIES {self.selfies_major}, where "
                "they would fall apart into letters. Encode the molecules with that version of selfies"
            )
        return (
            f"{listed}: no id in this vocabulary of {len(self)} (the published ones have no stereo symbols, no "
            "isotopes and no dot between fragments). Remove them from the molecule, or leave the molecule out"
        )


def _difference(values: Any) -> str | None:
    """In what a tokenizer file differs from the published layout; None where it does not."""
    try:
        model = values["model"]
        pattern = (values["pre_tokenizer"] or {}).get("pattern", {}).get("Regex")
        behavior = (values["pre_tokenizer"] or {}).get("behavior")
        missing = [name for name in ("[PAD]", "[CLS]", "[SEP]", model.get("unk_token")) if name not in model["vocab"]]
        if model.get("type") != "WordPiece":
            return f"its model is {model.get('type')!r}, expected 'WordPiece'"
        if model.get("continuing_subword_prefix") != _INSIDE:
            return f"its pieces are marked by {model.get('continuing_subword_prefix')!r}, expected {_INSIDE!r}"
        if values.get("normalizer") is not None:
            return "it has a normalizer, expected none"
        if pattern != _PATTERN or str(behavior).lower() != "isolated":
            return f"it splits at {pattern!r} ({behavior}), expected {_PATTERN!r} (isolated)"
        if missing:
            return f"its vocabulary lacks {', '.join(map(str, missing))}"
        _ = int(model["max_input_chars_per_word"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return f"it lacks {error}"
    return None
