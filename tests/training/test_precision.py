from typing import Any

import pytest
import torch

from chemscale.base.errors import ConfigError
from chemscale.training import precision
from chemscale.training.arithmetic import Arithmetic
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train
from chemscale.training.precision import BFLOAT16_FROM_WIDTH, float32_products, resolve_precision

CPU = torch.device("cpu")


def config(name: str) -> TrainingConfig:
    return TrainingConfig.parse({"steps": 1, "precision": name})


@pytest.mark.parametrize(("has_it", "wide"), [(True, "bfloat16"), (False, "float32")])
def test_auto_takes_bfloat16_for_wide_models_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, has_it: bool, wide: str
) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: has_it)
    assert resolve_precision(config("auto"), CPU, BFLOAT16_FROM_WIDTH) == wide
    assert resolve_precision(config("auto"), CPU, BFLOAT16_FROM_WIDTH - 1) == "float32"
    assert resolve_precision(config("bfloat16"), CPU, 1) == "bfloat16"
    assert resolve_precision(config("float32"), CPU, 4096) == "float32"


def test_the_setting_for_products_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_float32_matmul_precision()
    monkeypatch.setattr(precision, "probe_matmul_precision", lambda: "medium")
    with float32_products(CPU) as chosen:
        assert chosen == torch.get_float32_matmul_precision() == "medium"
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.slow
def test_a_compiled_run_is_the_same_run(task: Any, tmp_path: Any) -> None:
    settings = {"steps": 10, "evaluations": 1}
    plain = train(task, TrainingConfig.parse(settings), tmp_path / "plain")
    compiled = train(task, TrainingConfig.parse(settings | {"compile": True}), tmp_path / "compiled")
    assert plain is not None and compiled is not None
    assert compiled.losses["train_loss"] == pytest.approx(plain.losses["train_loss"], rel=1e-4)


def test_a_world_that_needs_float32_gets_it_and_is_never_given_less() -> None:
    exact = Arithmetic(bfloat16=False)
    assert resolve_precision(config("auto"), CPU, 4096, exact) == "float32"
    with pytest.raises(ConfigError, match="bfloat16 is too coarse"):
        resolve_precision(config("bfloat16"), CPU, 4096, exact)


def test_narrow_models_keep_the_default_product() -> None:
    torch.set_float32_matmul_precision("highest")
    with float32_products(CPU, 16, Arithmetic(fast_products_from_width=32)) as chosen:
        assert chosen == "highest"
