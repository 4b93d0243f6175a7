"""The contract of a language family: what every one of them must do, run over the registry.

A new family needs a tiny configuration in `TINY`, and nothing else here.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chemscale.base.records import RunFolder, RunResult
from chemscale.language.batches import IGNORED, TokenBatch
from chemscale.language.families import FAMILIES
from chemscale.language.native.library import native_available, why_not
from chemscale.studies.run import parse_run
from chemscale.training.checkpoints import load_latest
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train
from chemscale.training.precision import autocast

CPU = torch.device("cpu")
BACKENDS = ("torch", "native")

# Seconds on one core, but with everything a family has: several heads and layers, and a window shorter than a molecule.
TINY: dict[str, dict[str, Any]] = {
    "chemgpt": {"width": 32, "n_layers": 3, "n_heads": 4, "window": 8, "max_positions": 64},
}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, family: str) -> str:
    """Both backends, where the family and the machine have them."""
    need_backend(family, request.param)
    return str(request.param)


def need_backend(family: str, backend: str) -> None:
    if backend == "native" and "attention" not in FAMILIES[family].config.model_fields:
        pytest.skip(f"{family} has one attention backend only")
    if backend == "native" and not native_available():
        pytest.skip(f"native operators: {why_not()}")


def make_task(family: str, source: Path, backend: str = "torch", seed: int = 0, **data: Any) -> Any:
    """The task of a tiny model on a small file of molecules, made the way a run makes it."""
    if family not in TINY:
        pytest.fail(f"the family {family!r} has no tiny configuration: add one to TINY in {Path(__file__).name}")
    model = dict(TINY[family])
    if "attention" in FAMILIES[family].config.model_fields:
        model["attention"] = backend
    values = {
        "family": family,
        "seed": seed,
        "model": model,
        "data": {"source": str(source), "validation_size": 40, "max_tokens": 64} | data,
        "training": {"batch_size": 10, "steps": 1},
    }
    run = parse_run(values)
    return run.world.make_task(run)


def strong_model(task: Any) -> Any:
    """A model whose weights are ten times as large as at initialisation, so that every part has a visible effect."""
    model = task.build_model().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return model


def mixed_batch(task: Any) -> TokenBatch:
    """Twelve molecules of different lengths in one batch, shortest and longest of the subset among them."""
    lengths = task.corpus.lengths[task.train.indices]
    order = np.argsort(lengths, kind="stable")
    batch: TokenBatch = task.train.batch(order[np.linspace(0, len(order) - 1, 12).astype(int)])
    assert (batch.targets == IGNORED).any()
    return batch


def gradients(task: Any, model: nn.Module, batch: TokenBatch, precision: str = "float32") -> tuple[float, Tensor]:
    """The loss per label and all its gradients, one after the other."""
    with autocast(precision, CPU):
        loss = task.loss_sum(model, batch) / batch.n_labels
    found = torch.autograd.grad(loss, list(model.parameters()))
    return float(loss.detach()), torch.cat([gradient.flatten() for gradient in found])


def short_training(task: Any, folder: Path, steps: int = 6, until_step: int | None = None) -> RunResult | None:
    config = TrainingConfig(batch_size=task.batch_size, steps=steps, learning_rate=3e-3, evaluations=2)
    return train(task, config, folder, until_step=until_step)


def trained_bytes(folder: Path) -> bytes:
    """Every step's loss and every weight after the last step."""
    state = load_latest(RunFolder(folder).checkpoints)
    assert state is not None
    weights = b"".join(value.numpy().tobytes() for value in state.model.values())
    return RunFolder(folder).step_losses().tobytes() + weights


def test_the_registry_s_class_is_the_one_that_is_built(family: str, smiles_file: Path) -> None:
    model = make_task(family, smiles_file).build_model()
    assert type(model.config) is FAMILIES[family].config


def test_the_closed_form_counts_every_parameter(family: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file)
    model = task.build_model()
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    counted = sum(parameter.numel() for parameter in model.parameters())
    body = sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in tables)
    assert model.config.n_parameters(embedding=True) == counted
    assert model.config.n_parameters() == body
    assert task.resources()["n_parameters"] == body
    assert task.resources()["n_parameters_total"] == counted


def test_no_token_sees_a_later_one(family: str, backend: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file, backend)
    model, batch = strong_model(task), mixed_batch(task)
    changed = batch.token_ids.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % len(task.corpus.vocabulary)
    with torch.no_grad():
        before, after = model(batch.token_ids), model(changed)
    torch.testing.assert_close(before[:, :7], after[:, :7], atol=1e-5, rtol=0)
    assert (before[:, 7:] - after[:, 7:]).abs().amax((0, 2)).min() > 1e-2


def test_padding_on_the_right_changes_nothing(family: str, backend: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file, backend)
    model, batch = strong_model(task), mixed_batch(task)
    n_tokens = batch.token_ids.shape[1]
    pads = torch.full((batch.n_examples, 9), task.corpus.vocabulary.pad_id)
    targets = torch.cat([batch.targets, torch.full_like(pads, IGNORED)], 1)
    padded = TokenBatch(torch.cat([batch.token_ids, pads], 1), targets, batch.n_labels)
    with torch.no_grad():
        torch.testing.assert_close(model(padded.token_ids)[:, :n_tokens], model(batch.token_ids), atol=1e-5, rtol=0)
        assert float(task.loss_sum(model, padded)) == pytest.approx(float(task.loss_sum(model, batch)), rel=1e-6)


def test_a_molecule_alone_gives_what_it_gives_in_a_batch(family: str, backend: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file, backend)
    model, batch = strong_model(task), mixed_batch(task)
    with torch.no_grad():
        together = model(batch.token_ids)
        for row, targets in enumerate(batch.targets):
            length = int((targets != IGNORED).sum())
            alone = model(batch.token_ids[row : row + 1, :length])
            torch.testing.assert_close(together[row : row + 1, :length], alone, atol=1e-5, rtol=0)


def test_the_native_backend_computes_what_torch_computes(family: str, smiles_file: Path) -> None:
    need_backend(family, "native")
    tasks = {backend: make_task(family, smiles_file, backend) for backend in BACKENDS}
    models = {backend: strong_model(task) for backend, task in tasks.items()}
    batch = mixed_batch(tasks["torch"])
    with torch.no_grad():
        torch.testing.assert_close(
            models["native"](batch.token_ids), models["torch"](batch.token_ids), atol=1e-4, rtol=0
        )
    (ours, slope), (reference, expected) = (
        gradients(tasks[backend], models[backend], batch) for backend in ("native", "torch")
    )
    assert ours == pytest.approx(reference, rel=1e-5)
    assert (slope - expected).norm() <= 1e-4 * expected.norm()


def test_bfloat16_autocast_stays_close_to_float32(family: str, backend: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file, backend)
    model, batch = task.build_model(), mixed_batch(task)
    exact_loss, exact = gradients(task, model, batch)
    loss, found = gradients(task, model, batch, "bfloat16")
    assert loss == pytest.approx(exact_loss, rel=2e-3)
    assert (found - exact).norm() <= 2e-2 * exact.norm()
    assert not torch.equal(found, exact)


def test_the_loss_at_initialisation_is_that_of_guessing(family: str, smiles_file: Path) -> None:
    task = make_task(family, smiles_file)
    n_ids = len(task.corpus.vocabulary)
    # random ids: a tied head favours the token just read, which real molecules repeat
    ids = torch.randint(n_ids, (32, 41), generator=torch.Generator().manual_seed(1))
    batch = TokenBatch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), 32 * 40)
    with torch.no_grad():
        loss = float(task.loss_sum(task.build_model(), batch)) / batch.n_labels
    assert loss == pytest.approx(math.log(n_ids), abs=0.05)


def test_it_learns_ten_molecules_by_heart(family: str, smiles_file: Path, tmp_path: Path) -> None:
    task = make_task(family, smiles_file, size=10)
    config = TrainingConfig(batch_size=10, steps=250, learning_rate=1e-2, warmup_steps=10, schedule="cosine")
    result = train(task, config, tmp_path)
    assert result is not None
    assert RunFolder(tmp_path).step_losses()[0] > 2
    # which of the ten it is takes ln 10 nats, so a little is left in their first tokens
    labels = task.labels_per_epoch
    assert 10 * math.log(10) / labels * 0.9 < result.losses["train_loss"] < 0.3


def test_the_same_seed_gives_the_same_bytes(family: str, backend: str, smiles_file: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("other", 0), ("another seed", 1)):
        short_training(make_task(family, smiles_file, backend, seed=seed), tmp_path / name)
    assert trained_bytes(tmp_path / "one") == trained_bytes(tmp_path / "other")
    assert trained_bytes(tmp_path / "one") != trained_bytes(tmp_path / "another seed")


def test_a_run_that_is_continued_gives_the_same_bytes(family: str, smiles_file: Path, tmp_path: Path) -> None:
    short_training(make_task(family, smiles_file), tmp_path / "whole")
    assert short_training(make_task(family, smiles_file), tmp_path / "paused", until_step=2) is None
    result = short_training(make_task(family, smiles_file), tmp_path / "paused")
    assert result is not None and result.resources["steps"] == 6
    assert trained_bytes(tmp_path / "whole") == trained_bytes(tmp_path / "paused")
