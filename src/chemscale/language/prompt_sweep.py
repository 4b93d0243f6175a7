"""Prompts of many molecules at many lengths, continued in many ways: what the molecules are like that come of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError, UserError
from chemscale.chem.smiles import MoleculeError, canonical_smiles
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.generation import Sample, generate
from chemscale.language.prompts import PUBLISHED_LENGTHS, Prompt, parse_prompt
from chemscale.language.quality import compare_with
from chemscale.language.trained import Checkpoint

Varied = Literal["top_k", "top_p", "temperature", "beams"]


class Strategy(Config):
    """One setting of the sampling, at several values; all others are as `sampling` says."""

    name: str = Field("", description="in tables and figures; what is varied if not given")
    vary: Varied = Field(description="top_k, top_p, temperature or beams: what is varied")
    values: tuple[float, ...] = Field(description="its values", min_length=1)
    sampling: dict[str, Any] = Field(
        default_factory=dict, description="other keys of sampling, the same for all values"
    )

    @model_validator(mode="after")
    def _each_is_a_sampling(self) -> Self:
        for value in self.values:
            if self.vary in ("top_k", "beams") and value != int(value):
                raise ValueError(f"{self.vary} is a whole number, got {value:g}")
            try:
                self.at(value)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def title(self) -> str:
        """Its name, or what it varies."""
        return self.name or self.vary

    def at(self, value: float) -> Sampling:
        """The sampling at one of the values."""
        whole = self.vary in ("top_k", "beams")
        return Sampling.parse({**self.sampling, self.vary: int(value) if whole else value}, "sampling")


class PromptSweep(Config):
    """Which molecules are begun, how long the beginnings are, and how they are continued."""

    title: str = Field(description="of the figure")
    molecules: tuple[str, ...] = Field(description="SMILES of the molecules that prompts are cut from", min_length=1)
    prompt_lengths: tuple[int, ...] = Field(
        PUBLISHED_LENGTHS, description="first tokens of a molecule; -3 is all but the last three", min_length=1
    )
    molecules_per_prompt: int = Field(
        20, description="molecules drawn for each prompt; of beams, at most their number", ge=1
    )
    strategies: tuple[Strategy, ...] = Field(description="what is varied, one at a time", min_length=1)

    @field_validator("molecules")
    @classmethod
    def _molecules_are_molecules(cls, molecules: tuple[str, ...]) -> tuple[str, ...]:
        for smiles in molecules:
            try:
                canonical_smiles(smiles)
            except MoleculeError as error:
                raise ValueError(f"{smiles!r} is no molecule: {error}") from None
        return molecules

    @field_validator("strategies")
    @classmethod
    def _strategies_have_names(cls, strategies: tuple[Strategy, ...]) -> tuple[Strategy, ...]:
        titles = [strategy.title for strategy in strategies]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"two strategies are called {', '.join(twice)}; give each a name of its own")
        return strategies


@dataclass(frozen=True)
class SweepStep:
    """One value of one strategy."""

    strategy: Strategy
    value: float
    sampling: Sampling

    def molecules(self, sweep: PromptSweep) -> int:
        """Molecules of each prompt: beams give no more than there are."""
        return min(sweep.molecules_per_prompt, self.sampling.beams or sweep.molecules_per_prompt)


def sweep_steps(sweep: PromptSweep) -> list[SweepStep]:
    """All values of all strategies, in order."""
    return [
        SweepStep(strategy, value, strategy.at(value)) for strategy in sweep.strategies for value in strategy.values
    ]


def sweep_size(sweep: PromptSweep) -> int:
    """Molecules that a sweep generates with one model."""
    prompts = len(sweep.molecules) * len(sweep.prompt_lengths)
    return sum(step.molecules(sweep) * prompts for step in sweep_steps(sweep))


def run_prompt_sweep(
    checkpoint: Checkpoint,
    sweep: PromptSweep,
    *,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[pd.DataFrame, list[Sample]]]:
    """Generate and judge, one value of one strategy at a time.

    Yields:
        A table with one row for each prompt (columns of `_setting` and `_outcome`), and the samples.

    Raises:
        UserError: a molecule cannot be encoded by the model, or is shorter than a prompt.
    """
    prompts = sweep_prompts_of(checkpoint, sweep)
    for step in sweep_steps(sweep):
        n = step.molecules(sweep)
        beginnings = [prompt for _, _, prompt in prompts]
        samples = list(
            generate(checkpoint, n, sampling=step.sampling, prompts=beginnings, seed=seed, on_progress=on_progress)
        )
        of_prompt: dict[int, list[Sample]] = {}
        for sample in samples:
            of_prompt.setdefault(id(sample.prompt), []).append(sample)
        rows = []
        for molecule, length, prompt in prompts:
            place = {"prompt_length": length, "prompt_tokens": prompt.n_tokens, "molecule": molecule}
            found = of_prompt.get(id(prompt), [])
            rows.append(_setting(step) | place | _outcome(sweep.molecules[molecule], found, n))
        yield pd.DataFrame(rows), samples


def sweep_prompts_of(checkpoint: Checkpoint, sweep: PromptSweep) -> list[tuple[int, int, Prompt]]:
    """Every prompt of a sweep for a model: number of the molecule, length asked for, prompt.

    Raises:
        UserError: a molecule cannot be encoded by the model, or is shorter than a prompt.
    """
    prompts = []
    for number, smiles in enumerate(sweep.molecules):
        for length in sweep.prompt_lengths:
            try:
                prompts.append((number, length, parse_prompt(smiles, checkpoint.tokenizer, first=length)))
            except UserError as error:
                raise UserError(f"sweep.molecules: {error}") from None
    return prompts


def _setting(step: SweepStep) -> dict[str, Any]:
    strategy = step.strategy
    return {
        "strategy": strategy.title,
        "vary": strategy.vary,
        "value": step.value,
        "sampling": str(step.sampling),
    }


def _outcome(reference: str, samples: Sequence[Sample], asked: int) -> dict[str, Any]:
    """What came of one prompt; shares are of all that was asked for, so a search that finds fewer loses by it."""
    found = compare_with(reference, [sample.smiles for sample in samples] or [""])
    valid = found.n_valid / asked
    return {
        "reference": found.reference,
        "n_asked": asked,
        "n_found": len(samples),
        "valid": valid,
        "unique": found.n_unique / asked,
        "identical": found.identical * valid if found.n_valid else 0.0,
        "passes_filters": found.passes_filters * valid if found.n_valid else 0.0,
        "contains_scaffold": found.contains_scaffold,
        "similarity": found.similarity.mean,
        **{f"delta_{name}": spread.mean for name, spread in found.differences.items()},
        "mean_tokens": sum(sample.n_tokens for sample in samples) / max(1, len(samples)),
        "mean_log_probability": sum(sample.log_probability for sample in samples) / max(1, len(samples)),
    }
