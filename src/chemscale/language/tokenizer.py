"""From a molecule to ids and back, with one id per SELFIES symbol or SMILES token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chemscale.base.errors import UserError
from chemscale.chem.selfies_encoding import (
    decode_selfies,
    encode_selfies,
    major_version,
    selfies_version,
    spelling_version,
    split_selfies,
)
from chemscale.chem.smiles import split_smiles
from chemscale.language.corpus import VOCABULARY
from chemscale.language.huggingface_tokenizer import write_huggingface_tokenizer
from chemscale.language.vocabulary import SPECIAL_SYMBOLS, Encoding, Vocabulary


@dataclass(frozen=True)
class Tokenizer:
    """Turns molecules into ids of one vocabulary; a symbol that it lacks is an error, never `[unk]` in silence.

    Raises:
        UserError: the vocabulary was written by another major version of SELFIES than the installed one.
    """

    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        """Refuse a vocabulary of another SELFIES version."""
        check_selfies_version(self.vocabulary)

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        """The tokenizer of a `vocabulary.json`, or of the folder that holds one."""
        path = Path(path)
        return cls(Vocabulary.load(path / VOCABULARY if path.is_dir() else path))

    @property
    def pad_id(self) -> int:
        """The id that fills a batch; it is never predicted."""
        return self.vocabulary.pad_id

    @property
    def bos_id(self) -> int:
        """The id before the first symbol."""
        return self.vocabulary.bos_id

    @property
    def eos_id(self) -> int:
        """The id after the last symbol: generation ends here."""
        return self.vocabulary.eos_id

    @property
    def unk_id(self) -> int:
        """The id of an unknown symbol; `encode` never gives it."""
        return self.vocabulary.unk_id

    @property
    def symbol_ids(self) -> range:
        """The ids that stand for symbols of a molecule: what a model may generate beside `[eos]`."""
        return range(len(SPECIAL_SYMBOLS), len(self))

    @property
    def encoding(self) -> Encoding:
        """What the symbols spell: `selfies` or `smiles`."""
        return self.vocabulary.encoding

    def __len__(self) -> int:
        """How many ids there are."""
        return len(self.vocabulary)

    def encode(self, smiles: str) -> list[int]:
        """The ids of a molecule given as SMILES, with `[bos]` and `[eos]` around them [tokens].

        Raises:
            MoleculeError: the text is no molecule, or cannot be written in this encoding.
            UserError: it has a symbol that the vocabulary lacks.
        """
        return self.encode_text(molecule_text(smiles, self.encoding))

    def encode_text(self, text: str, ends: bool = True) -> list[int]:
        """The ids of a text already in this encoding; `ends=False` leaves `[bos]` and `[eos]` out [tokens].

        Raises:
            MoleculeError: the text is not in this encoding.
            UserError: it has a symbol that the vocabulary lacks.
        """
        symbols = split_text(text, self.encoding)
        ids = self.vocabulary.ids
        try:
            inner = [ids[symbol] for symbol in symbols]
        except KeyError:
            raise UserError(_unknown_symbols(symbols, self.vocabulary)) from None
        return [self.bos_id, *inner, self.eos_id] if ends else inner

    def decode_text(self, ids: Iterable[int]) -> str:
        """The text of ids up to the first `[eos]`, in this encoding; `[bos]` and `[pad]` are left out.

        Raises:
            UserError: an id is `[unk]` or outside the vocabulary.
        """
        symbols = []
        for value in ids:
            index = int(value)
            if index == self.eos_id:
                break
            if index in (self.bos_id, self.pad_id):
                continue
            if index == self.unk_id or not 0 <= index < len(self):
                raise UserError(f"id {index} stands for no symbol; allowed: 0 .. {len(self) - 1} without {self.unk_id}")
            symbols.append(self.vocabulary.all_symbols[index])
        return "".join(symbols)

    def decode(self, ids: Iterable[int]) -> str:
        """The SMILES of ids up to the first `[eos]`; in the SMILES encoding it may be no valid molecule.

        Raises:
            UserError: an id is `[unk]` or outside the vocabulary.
        """
        text = self.decode_text(ids)
        return decode_selfies(text) if self.encoding == "selfies" else text

    def save_huggingface(self, folder: Path | str) -> None:
        """Write the files that `transformers.AutoTokenizer` loads, and `vocabulary.json`, which `load` reads.

        The loaded tokenizer reads text in this encoding (SELFIES, not SMILES) and gives the same ids.

        Raises:
            OSError: the files cannot be written.
        """
        self.vocabulary.save(Path(folder) / VOCABULARY)
        write_huggingface_tokenizer(self.vocabulary, Path(folder))


def molecule_text(smiles: str, encoding: Encoding) -> str:
    """The text of a molecule in an encoding.

    Raises:
        MoleculeError: it cannot be written in this encoding.
    """
    return encode_selfies(smiles) if encoding == "selfies" else smiles


def split_text(text: str, encoding: Encoding) -> list[str]:
    """The symbols of a text in an encoding.

    Raises:
        MoleculeError: the text is not in this encoding.
    """
    return split_selfies(text) if encoding == "selfies" else split_smiles(text)


def check_selfies_version(vocabulary: Vocabulary) -> None:
    """Refuse a vocabulary of another major version of SELFIES.

    Raises:
        UserError: the message names both versions and what to do.
    """
    if vocabulary.encoding != "selfies" or vocabulary.selfies_version is None:
        return
    recorded, installed = vocabulary.selfies_version, selfies_version()
    spelled = spelling_version(vocabulary.symbols) or major_version(recorded)
    if major_version(recorded) != major_version(installed) or spelled != major_version(installed):
        raise UserError(
            f"this vocabulary was written by SELFIES {recorded} (its symbols are spelled as in version {spelled}), "
            f"installed is {installed}: the same molecule has other symbols in it, such as [Branch1_2] for [=Branch1]. "
            f"Prepare the corpus again with this version, or install selfies {spelled}.x"
        )


def _unknown_symbols(symbols: Sequence[str], vocabulary: Vocabulary) -> str:
    unknown = sorted({symbol for symbol in symbols if symbol not in vocabulary.ids})
    spelled, expected = spelling_version(symbols), spelling_version(vocabulary.symbols)
    reason = ""
    if vocabulary.encoding == "selfies" and spelled and expected and spelled != expected:
        reason = f"; the text is spelled as in SELFIES {spelled}, the vocabulary as in SELFIES {expected}"
    return (
        f"{', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''}: not in the vocabulary of "
        f"{len(vocabulary)} symbols{reason}. Use a vocabulary of data that has them, or leave this molecule out"
    )
