from pathlib import Path
from typing import Any

import pytest
import torch

from chemscale.language import attention
from chemscale.language.batches import TokenBatch
from chemscale.language.cost import labels_seen, memory_need, saved_bytes_per_token
from chemscale.language.expected_data import expected_data
from chemscale.language.models.chemgpt import ChemGPTConfig, build_chemgpt
from chemscale.language.native.library import native_available
from chemscale.language.task import LanguageData, LanguageTask

BATCH, TOKENS = 4, 60
EXPECTED = expected_data(LanguageData(source="nowhere.smi", limit=10_000))
SHAPES = [
    ChemGPTConfig(width=16, n_layers=3, n_heads=16, vocabulary_size=30, max_positions=64),
    ChemGPTConfig(width=64, n_layers=2, n_heads=16, vocabulary_size=684, max_positions=64),
    ChemGPTConfig(width=96, n_layers=4, n_heads=4, vocabulary_size=100, max_positions=64),
]


def saved_bytes(config: ChemGPTConfig, precision: str) -> tuple[int, int]:
    """Bytes that torch keeps for the backward pass: of activations, and of weights cast to bfloat16."""
    model = build_chemgpt(config, seed=0)
    ids = torch.randint(config.vocabulary_size or 0, (BATCH, TOKENS + 1), generator=torch.Generator().manual_seed(0))
    batch = TokenBatch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), BATCH * TOKENS)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    shapes = {tuple(parameter.shape) for parameter in model.parameters()}
    shapes |= {shape[::-1] for shape in shapes}
    found: dict[int, tuple[torch.UntypedStorage, bool]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            is_weight = tensor.dtype == torch.bfloat16 and tuple(tensor.shape) in shapes
            found[storage.data_ptr()] = (storage, is_weight)
        return tensor

    task: Any = object.__new__(LanguageTask)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        task.loss_sum(model, batch)
    sizes = [(storage.nbytes(), is_weight) for storage, is_weight in found.values()]
    return sum(size for size, weight in sizes if not weight), sum(size for size, weight in sizes if weight)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("config", SHAPES, ids=lambda config: f"w{config.width}")
def test_activation_memory_is_what_torch_keeps(
    config: ChemGPTConfig, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the fused attention of a GPU, on the processor
    monkeypatch.setattr(attention, "torch_attention", attention.fused_attention)
    activations, cast = saved_bytes(config.model_copy(update={"attention": "torch"}), precision)
    assert saved_bytes_per_token(config, precision) * BATCH * TOKENS == pytest.approx(activations, rel=1e-3)
    assert memory_need(config, EXPECTED, precision).cast_weights == cast


@pytest.mark.skipif(not native_available(), reason="no C++ compiler")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_native_operators_keep_as_much(precision: str) -> None:
    config = SHAPES[1].model_copy(update={"attention": "native"})
    activations, _ = saved_bytes(config, precision)
    assert saved_bytes_per_token(config, precision) * BATCH * TOKENS == pytest.approx(activations, rel=0.04)


@pytest.mark.parametrize("config", SHAPES, ids=lambda config: f"w{config.width}")
def test_states_are_those_of_torch(config: ChemGPTConfig) -> None:
    model = build_chemgpt(config, seed=0)
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    optimiser.step()
    need = memory_need(config, EXPECTED, "float32")
    assert need.weights == sum(parameter.nbytes for parameter in model.parameters())
    assert need.gradients == sum(
        parameter.grad.nbytes for parameter in model.parameters() if parameter.grad is not None
    )
    state = [value for values in optimiser.state.values() for value in values.values()]
    assert need.optimiser == sum(value.nbytes for value in state)
    assert need.largest_part == max(
        sum(parameter.nbytes for parameter in model.blocks[0].parameters()),
        model.token_embedding.weight.nbytes + model.position_embedding.weight.nbytes,
    )
    assert need.cast_weights == 0


def test_labels_of_steps_are_exact_for_whole_epochs(smiles_file: Path) -> None:
    config = LanguageData.parse({"source": str(smiles_file), "validation_size": 40, "max_tokens": 64, "size": 100})
    task = LanguageTask(ChemGPTConfig(width=16, max_positions=64), config, batch_size=16, seed=0)
    data = expected_data(config)
    assert labels_seen(data, 16, 7) == sum(task.batch(step).n_labels for step in range(7)) == task.labels_per_epoch
    assert labels_seen(data, 16, 21) == 3 * task.labels_per_epoch
    assert labels_seen(data, 16, 3) == pytest.approx(48 * task.labels_per_epoch / 100, abs=1)
