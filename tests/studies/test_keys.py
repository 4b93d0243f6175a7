from chemscale.language.task import LanguageData
from chemscale.studies.keys import configuration_keys
from chemscale.training.config import TrainingConfig


def test_every_key_is_listed_with_its_default_and_a_meaning() -> None:
    keys = {key.name: key for key in configuration_keys("chemgpt")}
    for prefix, config in (("training", TrainingConfig), ("data", LanguageData)):
        assert {f"{prefix}.{name}" for name in config.model_fields} <= set(keys)
    assert keys["model.width"].default == ""
    assert keys["training.learning_rate"].default == "0.001"
    assert keys["data.limit"].default == "none"
    assert all(key.meaning for key in keys.values())
