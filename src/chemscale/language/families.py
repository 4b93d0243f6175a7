"""Every family of the language world, by the name that a configuration's `family` key uses."""

from chemscale.language.models.chemgpt import ChemGPTConfig

FAMILIES = {
    "chemgpt": ChemGPTConfig,
}
