import copy
import json
from pathlib import Path

import pytest
import torch

from chemscale.base.errors import DataError
from chemscale.language import ChemGPT, ChemGPTConfig, from_huggingface, to_huggingface
from chemscale.language.models.chemgpt import build_chemgpt

transformers = pytest.importorskip("transformers", reason="the reference GPT-Neo needs transformers (extra hf)")


def perturbed(config: ChemGPTConfig) -> ChemGPT:
    """A model whose norms and biases are not at their trivial initial values."""
    model = build_chemgpt(config, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


SHAPES = [(64, 6, 16, 256), (32, 3, 4, 8), (16, 2, 16, 256)]


@pytest.mark.parametrize(("width", "n_layers", "n_heads", "window"), SHAPES)
def test_transformers_gives_the_same_logits(
    tmp_path: Path, width: int, n_layers: int, n_heads: int, window: int
) -> None:
    config = ChemGPTConfig(width=width, n_layers=n_layers, n_heads=n_heads, vocabulary_size=61, window=window)
    model = perturbed(config)
    to_huggingface(model, None, tmp_path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    tokens = torch.randint(61, (2, 300), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected, ours = reference(tokens).logits, model(tokens)
        exact = copy.deepcopy(reference).double()(tokens).logits
    assert (ours - expected).abs().max() < 1e-5
    assert (ours - exact).abs().max() < 2 * (expected - exact).abs().max() + 2e-6


def test_twenty_training_steps_follow_transformers(tmp_path: Path) -> None:
    model = perturbed(ChemGPTConfig(width=32, n_layers=4, n_heads=4, vocabulary_size=40))
    to_huggingface(model, None, tmp_path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    ours = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    theirs = torch.optim.AdamW(reference.parameters(), lr=1e-3, weight_decay=0.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        tokens = torch.randint(40, (8, 30), generator=generator)
        loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        expected = reference(tokens, labels=tokens).loss
        assert loss.item() == pytest.approx(expected.item(), abs=2e-5)
        for value, optimiser in ((loss, ours), (expected, theirs)):
            optimiser.zero_grad()
            value.backward()
            optimiser.step()


def test_a_model_of_transformers_comes_in_and_goes_out_unchanged(tmp_path: Path) -> None:
    theirs = transformers.GPTNeoForCausalLM(
        transformers.GPTNeoConfig(
            vocab_size=50,
            hidden_size=32,
            num_layers=4,
            num_heads=16,
            attention_types=[[["global", "local"], 2]],
            max_position_embeddings=64,
            bos_token_id=2,
            eos_token_id=3,
        )
    )
    theirs.save_pretrained(tmp_path / "in")
    model, tokenizer = from_huggingface(tmp_path / "in")
    assert tokenizer is None
    to_huggingface(model, None, tmp_path / "out")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    before, after = theirs.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_old_mask_buffers_are_left_out(tmp_path: Path) -> None:
    model = perturbed(ChemGPTConfig(width=16, n_layers=2, vocabulary_size=20, max_positions=16))
    to_huggingface(model, None, tmp_path)
    weights = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    weights.pop("lm_head.weight")
    for layer in range(2):
        weights[f"transformer.h.{layer}.attn.attention.bias"] = torch.ones(1, 1, 16, 16, dtype=torch.bool)
        weights[f"transformer.h.{layer}.attn.attention.masked_bias"] = torch.tensor(-1e9)
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    loaded, _ = from_huggingface(tmp_path)
    tokens = torch.arange(10)[None]
    assert torch.equal(loaded(tokens), model(tokens))


def test_other_models_and_broken_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json: no such file"):
        from_huggingface(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(DataError, match="model_type is 'gpt2', expected 'gpt_neo'"):
        from_huggingface(tmp_path)
    to_huggingface(perturbed(ChemGPTConfig(width=16, n_layers=2, vocabulary_size=20)), None, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_size": 32}))
    with pytest.raises(DataError, match="weights are not those of a GPT-Neo"):
        from_huggingface(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        from_huggingface(tmp_path)


def test_an_untied_head_is_refused(tmp_path: Path) -> None:
    to_huggingface(perturbed(ChemGPTConfig(width=16, n_layers=2, vocabulary_size=20)), None, tmp_path)
    reference = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    weights = {name: value.clone() for name, value in reference.state_dict().items()}
    weights["lm_head.weight"] += 1.0
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"lm_head\.weight differs from the token embedding"):
        from_huggingface(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_damaged_weights_are_named(tmp_path: Path, name: str) -> None:
    to_huggingface(perturbed(ChemGPTConfig(width=16, n_layers=1, n_heads=4, vocabulary_size=10)), None, tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").unlink()
    for content in (b"", whole[:50], whole[:-100] if name.endswith("tensors") else b"PK" + whole[:1000]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: is missing, damaged or cut short"):
            from_huggingface(tmp_path)
