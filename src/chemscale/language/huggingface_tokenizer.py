"""Write a vocabulary as the files that `transformers.AutoTokenizer` loads, without needing `transformers`."""

from pathlib import Path
from typing import Any

from chemscale.base.files import write_json
from chemscale.language.vocabulary import BOS, EOS, PAD, SPECIAL_SYMBOLS, UNK, Encoding, Vocabulary

# What the `tokenizers` library cuts a text at; the same cuts as `split_selfies` and `split_smiles` make.
_SYMBOL_PATTERNS: dict[Encoding, str] = {
    "selfies": r"\[[^\[\]]*\]|\.",
    "smiles": r"\[[^\[\]]+\]|Br|Cl|%\([0-9]{3,5}\)|%[0-9]{2}|[BCNOPSFI*bcnops0-9=#$:/\\~().-]",
}


def write_huggingface_tokenizer(vocabulary: Vocabulary, folder: Path) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`.

    The tokenizer reads text in the vocabulary's own encoding (SELFIES text, not SMILES, for a SELFIES vocabulary), puts
    `[bos]` and `[eos]` around it, and decodes to text without spaces.

    Args:
        vocabulary: what to write.
        folder: made if absent.

    Raises:
        OSError: the files cannot be written.
    """
    special = {"pad_token": PAD, "bos_token": BOS, "eos_token": EOS, "unk_token": UNK}
    write_json(folder / "tokenizer.json", _tokenizer_file(vocabulary))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            **special,
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],
            "padding_side": "right",
        },
    )
    write_json(folder / "special_tokens_map.json", special)


def _tokenizer_file(vocabulary: Vocabulary) -> dict[str, Any]:
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ends = {name: {"id": name, "ids": [vocabulary.ids[name]], "tokens": [name]} for name in (BOS, EOS)}
    around = [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    around.append({"SpecialToken": {"id": EOS, "type_id": 0}})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": name, **added} for index, name in enumerate(SPECIAL_SYMBOLS)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": _SYMBOL_PATTERNS[vocabulary.encoding]},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": around,
            "pair": [*around, {"Sequence": {"id": "B", "type_id": 0}}, around[-1]],
            "special_tokens": ends,
        },
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocabulary.ids, "unk_token": UNK},
    }
