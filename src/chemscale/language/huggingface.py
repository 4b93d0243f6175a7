"""Checkpoints in Hugging Face's GPT-Neo format, in and out, without needing `transformers`."""

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import read_json, write_json
from chemscale.language.models.chemgpt import NORM_EPSILON, ChemGPT, ChemGPTConfig
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.wordpiece import WordPieceTokenizer

AnyTokenizer = Tokenizer | WordPieceTokenizer

# Our name -> GPT-Neo's, within a block; query, key and value are one matrix here and three there.
BLOCK_NAMES = {
    "attention_norm.weight": "ln_1.weight",
    "attention_norm.bias": "ln_1.bias",
    "attention_output.weight": "attn.attention.out_proj.weight",
    "attention_output.bias": "attn.attention.out_proj.bias",
    "mlp_norm.weight": "ln_2.weight",
    "mlp_norm.bias": "ln_2.bias",
    "expand.weight": "mlp.c_fc.weight",
    "expand.bias": "mlp.c_fc.bias",
    "contract.weight": "mlp.c_proj.weight",
    "contract.bias": "mlp.c_proj.bias",
}
MODEL_NAMES = {
    "token_embedding.weight": "wte.weight",
    "position_embedding.weight": "wpe.weight",
    "final_norm.weight": "ln_f.weight",
    "final_norm.bias": "ln_f.bias",
}
PROJECTIONS = ("q_proj", "k_proj", "v_proj")


def from_huggingface(folder: Path | str) -> tuple[ChemGPT, AnyTokenizer | None]:
    """Load a GPT-Neo checkpoint and, where there is one, its tokenizer.

    Mask buffers of old checkpoints (`attn.attention.bias`, `masked_bias`) are not weights and are left out.

    Args:
        folder: with `config.json` and `model.safetensors` (also in several parts) or `pytorch_model.bin`.

    Returns:
        The model in float32, and the tokenizer or None.

    Raises:
        DataError: a file is missing, the model is no GPT-Neo of the layout ChemGPT has, or weights do not fit.
    """
    folder = Path(folder)
    config = _read_config(folder)
    weights = {name.removeprefix("transformer."): value.float() for name, value in _read_weights(folder).items()}
    _check_tied_head(folder, weights)
    model = ChemGPT(config)
    try:
        model.load_state_dict(_from_gpt_neo(weights, config.n_layers))
    except (KeyError, RuntimeError) as error:
        raise DataError(f"{folder}: the weights are not those of a GPT-Neo with this config.json: {error}") from None
    return model, _read_tokenizer(folder)


def to_huggingface(model: ChemGPT, tokenizer: AnyTokenizer | None, folder: Path | str) -> None:
    """Write a model that `AutoModelForCausalLM` and, with a tokenizer, `AutoTokenizer` load.

    Args:
        model: any ChemGPT.
        tokenizer: its tokenizer; pad, bos and eos are registered in both files.
        folder: made if absent.

    Raises:
        UserError: the tokenizer is a published WordPiece one, whose own file is what `AutoTokenizer` wants.
    """
    if isinstance(tokenizer, WordPieceTokenizer):
        raise UserError("to_huggingface writes tokenizers made here; copy the tokenizer.json that this one came from")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in _to_gpt_neo(model).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", _gpt_neo_config(model.config, tokenizer))
    if tokenizer is not None:
        tokenizer.save_huggingface(folder)


def _gpt_neo_config(config: ChemGPTConfig, tokenizer: Tokenizer | None) -> dict[str, Any]:
    kinds = ["local" if config.is_local(layer) else "global" for layer in range(config.n_layers)]
    special = {} if tokenizer is None else {"bos": tokenizer.bos_id, "eos": tokenizer.eos_id, "pad": tokenizer.pad_id}
    return {
        "architectures": ["GPTNeoForCausalLM"],
        "model_type": "gpt_neo",
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.width,
        "num_layers": config.n_layers,
        "num_heads": config.n_heads,
        "attention_types": [[[kind], 1] for kind in kinds],
        "attention_layers": kinds,
        "max_position_embeddings": config.max_positions,
        "window_size": config.window,
        "intermediate_size": None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": NORM_EPSILON,
        "initializer_range": 0.02,
        "resid_dropout": 0.0,
        "embed_dropout": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": special.get("bos"),
        "eos_token_id": special.get("eos"),
        "pad_token_id": special.get("pad"),
    }


def _read_config(folder: Path) -> ChemGPTConfig:
    path = folder / "config.json"
    if not path.exists():
        raise DataError(f"{path}: no such file; expected a folder in Hugging Face's format")
    values = read_json(path)
    if values.get("model_type") != "gpt_neo":
        raise DataError(f"{path}: model_type is {values.get('model_type')!r}, expected 'gpt_neo'")
    for key in ("hidden_size", "vocab_size"):
        if not isinstance(values.get(key), int):
            raise DataError(f"{path}: {key} is {values.get(key)!r}, expected a number")
    width, n_layers = values["hidden_size"], values.get("num_layers", 24)
    expected = {
        "tie_word_embeddings": (True, values.get("tie_word_embeddings", True)),
        "activation_function": ("gelu_new", values.get("activation_function", "gelu_new")),
        "intermediate_size": (4 * width, values.get("intermediate_size") or 4 * width),
        "layer_norm_epsilon": (NORM_EPSILON, values.get("layer_norm_epsilon", NORM_EPSILON)),
        "attention layers": (_alternating(n_layers), _layer_kinds(values, n_layers)),
    }
    for key, (ours, theirs) in expected.items():
        if ours != theirs:
            raise DataError(f"{path}: {key} is {theirs!r}, ChemGPT has {ours!r}")
    return ChemGPTConfig(
        width=width,
        n_layers=n_layers,
        n_heads=values.get("num_heads", 16),
        vocabulary_size=values["vocab_size"],
        max_positions=values.get("max_position_embeddings", 2048),
        window=values.get("window_size", 256),
    )


def _check_tied_head(folder: Path, weights: dict[str, Tensor]) -> None:
    head, embedding = weights.get("lm_head.weight"), weights.get("wte.weight")
    if head is not None and embedding is not None and not torch.equal(head, embedding):
        raise DataError(f"{folder}: lm_head.weight differs from the token embedding; ChemGPT's head is tied to it")


def _alternating(n_layers: int) -> list[str]:
    return ["local" if layer % 2 else "global" for layer in range(n_layers)]


def _layer_kinds(values: dict[str, Any], n_layers: int) -> list[str]:
    if "attention_layers" in values:
        return list(values["attention_layers"])
    if "attention_types" in values:
        return [kind for kinds, repeats in values["attention_types"] for _ in range(repeats) for kind in kinds]
    return _alternating(n_layers)


def _read_weights(folder: Path) -> dict[str, Tensor]:
    index = folder / "model.safetensors.index.json"
    if index.exists():
        parts = sorted(set(read_json(index)["weight_map"].values()))
        return {name: value for part in parts for name, value in _read_safetensors(folder / part).items()}
    if (folder / "model.safetensors").exists():
        return _read_safetensors(folder / "model.safetensors")
    path = folder / "pytorch_model.bin"
    if not path.exists():
        raise DataError(f"{folder}: neither model.safetensors nor pytorch_model.bin is there")
    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise _damaged(path, error) from None
    return weights


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: is missing, damaged or cut short ({error}); get the file again")


def _from_gpt_neo(weights: dict[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    ours = {name: weights[theirs] for name, theirs in MODEL_NAMES.items()}
    for layer in range(n_layers):
        prefix = f"h.{layer}."
        for name, theirs in BLOCK_NAMES.items():
            ours[f"blocks.{layer}.{name}"] = weights[prefix + theirs]
        projections = [weights[f"{prefix}attn.attention.{name}.weight"] for name in PROJECTIONS]
        ours[f"blocks.{layer}.query_key_value.weight"] = torch.cat(projections)
    return ours


def _to_gpt_neo(model: ChemGPT) -> dict[str, Tensor]:
    ours = model.state_dict()
    theirs = {f"transformer.{name}": ours[our_name] for our_name, name in MODEL_NAMES.items()}
    for layer in range(model.config.n_layers):
        prefix = f"transformer.h.{layer}."
        for our_name, name in BLOCK_NAMES.items():
            theirs[prefix + name] = ours[f"blocks.{layer}.{our_name}"]
        for name, part in zip(PROJECTIONS, ours[f"blocks.{layer}.query_key_value.weight"].chunk(3), strict=True):
            theirs[f"{prefix}attn.attention.{name}.weight"] = part.clone()
    return theirs


def _read_tokenizer(folder: Path) -> AnyTokenizer | None:
    if (folder / "vocabulary.json").exists():
        return Tokenizer.load(folder / "vocabulary.json")
    if (folder / "tokenizer.json").exists():
        return WordPieceTokenizer.load(folder / "tokenizer.json")
    return None
