from pathlib import Path

import pytest
import torch

from chemscale.base.errors import DataError
from chemscale.base.files import write_json
from chemscale.base.records import RunFolder
from chemscale.language import load_checkpoint, load_run, to_huggingface
from chemscale.language.models.chemgpt import ChemGPTConfig
from chemscale.language.task import LanguageData, LanguageTask
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train


def test_a_trained_run_loads_with_its_best_loss(smiles_file: Path, tmp_path: Path) -> None:
    model_config = ChemGPTConfig(width=16, n_layers=2, n_heads=4)
    task = LanguageTask(model_config, LanguageData(source=str(smiles_file), validation_size=40), 32, seed=0)
    RunFolder(tmp_path).write_config({"family": "chemgpt", "model": model_config.model_dump()})
    result = train(task, TrainingConfig(epochs=2, evaluations=3, learning_rate=3e-3), tmp_path)
    assert result is not None
    model, tokenizer = load_run(tmp_path)
    batches = list(task.validation_batches())
    with torch.no_grad():
        loss = sum(float(task.loss_sum(model, batch)) for batch in batches) / sum(batch.n_labels for batch in batches)
    assert loss == pytest.approx(result.losses["validation_loss"], rel=1e-4)
    assert tokenizer.decode(tokenizer.encode("CCO")) == "CCO"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no run here \(config\.json is missing\)"):
        load_run(tmp_path)
    write_json(tmp_path / "config.json", {"family": "schnet"})
    with pytest.raises(DataError, match="its family is 'schnet', not one of chemgpt"):
        load_run(tmp_path)


def test_weights_that_are_no_numbers_are_refused(trained_run: Path, tmp_path: Path) -> None:
    trained = load_checkpoint(trained_run)
    with torch.no_grad():
        trained.model.token_embedding.weight[0, 0] = float("nan")
    to_huggingface(trained.model, trained.tokenizer, tmp_path)
    with pytest.raises(DataError, match=r"1 weights are not finite, token_embedding\.weight first"):
        load_checkpoint(tmp_path)
