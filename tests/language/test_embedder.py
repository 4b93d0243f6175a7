"""Embeddings: the same in any batch, the hidden states of transformers, reasons for what cannot be embedded."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from chemscale.base.errors import UserError
from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.language import ChemGPTConfig, to_huggingface
from chemscale.language import embedder as embedder_module
from chemscale.language.embedder import POOLINGS, Embedder, Pooling, batches_by_length, pool
from chemscale.language.models.chemgpt import ChemGPT, build_chemgpt
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.trained import Checkpoint, load_checkpoint
from chemscale.language.vocabulary import Vocabulary


def perturbed(config: ChemGPTConfig) -> ChemGPT:
    """A model whose weights are large enough that layers matter."""
    model = build_chemgpt(config, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def smiles(smiles_file: Path) -> list[str]:
    return smiles_file.read_text().split()[:300]


@pytest.fixture(scope="module")
def checkpoint(smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    symbols = (symbol for text in smiles for symbol in split_selfies(encode_selfies(text)))
    tokenizer = Tokenizer(Vocabulary.of(symbols, "selfies", selfies_version()))
    config = ChemGPTConfig(width=32, n_layers=3, n_heads=4, vocabulary_size=len(tokenizer), max_positions=64, window=8)
    folder = tmp_path_factory.mktemp("model")
    to_huggingface(perturbed(config), tokenizer, folder)
    return load_checkpoint(folder)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_molecule_has_one_vector_alone_and_in_any_batch(
    checkpoint: Checkpoint, smiles: list[str], pooling: Pooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Embedder(checkpoint, pooling=pooling)
    together = embedder.embed(smiles).vectors
    alone = np.concatenate([embedder.embed([text]).vectors for text in smiles[::7]])
    assert together.dtype == np.float32 and together.shape == (300, 32)
    assert np.abs(together[::7] - alone).max() < 1e-5
    order = np.random.default_rng(0).permutation(len(smiles))
    monkeypatch.setattr(embedder_module, "TOKENS_PER_BATCH", 300)
    monkeypatch.setattr(embedder_module, "MOLECULES_SORTED_TOGETHER", 37)
    shuffled = embedder.embed([smiles[i] for i in order]).vectors
    assert np.abs(shuffled - together[order]).max() < 1e-5
    assert len(np.unique(together.round(4), axis=0)) > 250  # and molecules differ


@pytest.mark.parametrize("layer", [0, 1, 2, 3, -1, -2])
def test_every_layer_is_that_of_transformers(checkpoint: Checkpoint, smiles: list[str], layer: int) -> None:
    transformers = pytest.importorskip("transformers", reason="the reference needs transformers (extra hf)")
    reference = transformers.GPTNeoForCausalLM.from_pretrained(checkpoint.path).eval()
    chosen = smiles[::29]
    ids = [checkpoint.tokenizer.encode(text) for text in chosen]
    longest = max(map(len, ids))
    padded = torch.tensor([row + [checkpoint.tokenizer.pad_id] * (longest - len(row)) for row in ids])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
    with torch.no_grad():
        states = reference(padded, attention_mask=mask, output_hidden_states=True).hidden_states[layer]
    for pooling, expected in {
        "mean": (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True),
        "last": torch.stack([row[len(tokens) - 1] for row, tokens in zip(states, ids, strict=True)]),
        "max": torch.stack([row[: len(tokens)].amax(0) for row, tokens in zip(states, ids, strict=True)]),
    }.items():
        ours = Embedder(checkpoint, layer, pooling).embed(chosen).vectors  # type: ignore[arg-type]
        assert np.abs(ours - expected.numpy()).max() < 1e-5 * max(1.0, float(expected.abs().max()))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_model_on_a_device_embeds_there(smiles: list[str], checkpoint: Checkpoint, pooling: Pooling) -> None:
    moved = Checkpoint(copy.deepcopy(checkpoint.model).cuda(), checkpoint.tokenizer, checkpoint.path)
    expected = Embedder(checkpoint, pooling=pooling).embed(smiles).vectors
    assert np.abs(Embedder(moved, pooling=pooling).embed(smiles).vectors - expected).max() < 1e-4


def test_what_cannot_be_embedded_is_nan_with_a_reason(checkpoint: Checkpoint, smiles: list[str]) -> None:
    bad = {
        "": "empty text",
        "C1CC": "SELFIES|pars",
        "nan": "",
        "[Pt](Cl)Cl": "not in the vocabulary",
        "C" * 63: "65 tokens, but the model has 64 positions",
        "C" * 10_001: "longer than 10,000 characters",
        "CC\ufffdO": "not UTF-8",
        "[Na+].[Cl-]": "not in the vocabulary",
    }
    found = Embedder(checkpoint).embed([smiles[0], *bad, smiles[1]])
    assert set(found.reasons) == set(range(1, len(bad) + 1))
    for row, (text, reason) in enumerate(bad.items(), start=1):
        assert np.isnan(found.vectors[row]).all(), text
        assert not reason or any(part in found.reasons[row] for part in reason.split("|")), found.reasons[row]
    good = Embedder(checkpoint).embed(smiles[:2]).vectors
    assert np.abs(found.vectors[[0, -1]] - good).max() < 1e-5
    assert Embedder(checkpoint).embed(["C" * 62]).reasons == {}
    nothing = Embedder(checkpoint).embed([])
    assert nothing.vectors.shape == (0, 32) and nothing.reasons == {}


def test_two_spellings_are_one_molecule_in_canonical_form(checkpoint: Checkpoint) -> None:
    spellings = ["OCC", "CCO", " CCO "]
    plain, canonical = Embedder(checkpoint), Embedder(checkpoint, canonical=True)
    assert np.abs(np.diff(canonical.embed(spellings).vectors, axis=0)).max() < 1e-6
    assert np.abs(plain.embed(spellings[:1]).vectors - plain.embed(spellings[1:2]).vectors).max() > 1e-3


def test_smiles_tokens_of_no_molecule_are_refused() -> None:
    tokenizer = Tokenizer(Vocabulary.of("CO()1", "smiles", None))
    config = ChemGPTConfig(width=16, n_layers=1, n_heads=4, vocabulary_size=len(tokenizer))
    embedder = Embedder(Checkpoint(build_chemgpt(config, 0).eval(), tokenizer, Path("nowhere")))
    assert set(embedder.embed(["CCO", "CC(", "C1CC"]).reasons) == {1, 2}


def test_settings_are_checked(checkpoint: Checkpoint) -> None:
    with pytest.raises(UserError, match=r"layer: 4; this model has layers 0 \(embedding\) to 3"):
        Embedder(checkpoint, layer=4)
    with pytest.raises(UserError, match=r"pooling: 'sum'; allowed: mean, last, max"):
        Embedder(checkpoint, pooling="sum")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="layer 4, but the model has layers 0 to 3"):
        checkpoint.model.layer_states(torch.zeros(1, 3, dtype=torch.int64), 4)


def test_pooling_by_hand() -> None:
    states = torch.tensor([[[1.0, -5.0], [3.0, -1.0], [99.0, 99.0]]])
    lengths = torch.tensor([2])
    assert pool(states, lengths, "mean").tolist() == [[2.0, -3.0]]
    assert pool(states, lengths, "last").tolist() == [[3.0, -1.0]]
    assert pool(states, lengths, "max").tolist() == [[3.0, -1.0]]


def test_batches_hold_every_row_once_and_few_tokens() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, 500)
    lengths[3] = 1_000  # longer than a whole batch: alone
    batches = list(batches_by_length(lengths, 400))
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= 400 for rows in batches)
    assert sum(len(rows) * lengths[rows].max() for rows in batches) < 1.05 * lengths.sum()
