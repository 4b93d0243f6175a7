"""Molecules a processor second until `[eos]`, beside Hugging Face's `generate` on the same weights and settings.

    python benchmarks/generation.py CHECKPOINT [--batch 256] [--molecules 1024] [--rounds 3] [--beams 5]

Takes about ten minutes. Both sides start with `[bos]` alone, decode until `[eos]` or 256 tokens on one thread, and
take turns in every round; the table has the median (lowest, highest) and the ratio to Hugging Face.

hugging face          batches of `--batch`; a batch is decoded until its longest row ends
hugging face, medium  the same with float32 products at torch's "medium" setting, which few know of
chemscale             finished rows make place for the next molecule
no refill             chemscale with as many molecules as places: what is gained by the step alone

With drawing, both give other molecules of the same distribution: mean tokens of both stand beside the speed. For beams
every prompt is the first 5 tokens of one of the first molecules that were drawn.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from chemscale.language import Checkpoint, load_checkpoint, to_huggingface
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.generation import Sample, generate
from chemscale.language.prompts import Prompt, parse_prompt
from chemscale.training.matmul import matmul_precision, probe_matmul_precision
from side_by_side import machine_line, median_ratio, spread, take_turns

LONGEST = 256


def main() -> None:
    """Print one table for drawing and one for beams."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--molecules", type=int, default=1024)
    parser.add_argument("--top-k", type=int, default=50)
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=51)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(options.checkpoint)
    reference = hugging_face(checkpoint)
    config = checkpoint.model.config
    print(machine_line(threads=1, width=config.width, layers=config.n_layers))

    sampling = Sampling(top_k=options.top_k, batch_size=options.batch)
    first = list(generate(checkpoint, options.molecules, sampling=sampling))
    print(f"\ntop-{options.top_k}, batch {options.batch}, {options.molecules} molecules")
    compare(drawing(checkpoint, reference, sampling, options.molecules), options.rounds)

    prompts = [parse_prompt(sample.text, checkpoint.tokenizer, first=5) for sample in first if sample.n_tokens > 8]
    beams = Sampling(beams=options.beams, batch_size=options.batch)
    chosen = prompts[: options.prompts]
    print(f"\n{options.beams} beams, batch {options.batch}, {len(chosen)} prompts of 5 tokens, molecules of all beams")
    compare(searching(checkpoint, reference, beams, chosen), options.rounds)


Variant = Callable[[], tuple[int, int]]
"""Generates, and gives the number of molecules and of their tokens."""


def drawing(checkpoint: Checkpoint, reference: Any, sampling: Sampling, n: int) -> dict[str, Variant]:
    """Everything that draws molecules, by name."""
    start = torch.full((sampling.batch_size, 1), checkpoint.tokenizer.bos_id)

    def theirs() -> tuple[int, int]:
        tokens = 0
        for _ in range(0, n, sampling.batch_size):
            rows = reference.generate(start, do_sample=True, top_k=sampling.top_k, top_p=1.0, max_length=LONGEST)
            tokens += real_tokens(rows, checkpoint, 1)
        return -(-n // sampling.batch_size) * sampling.batch_size, tokens

    return {
        "hugging face": theirs,
        "hugging face, medium": at_medium(theirs),
        "chemscale": lambda: count(list(generate(checkpoint, n, sampling=sampling, seed=1))),
        "no refill": lambda: count(list(generate(checkpoint, sampling.batch_size, sampling=sampling, seed=1))),
    }


def searching(checkpoint: Checkpoint, reference: Any, sampling: Sampling, prompts: list[Prompt]) -> dict[str, Variant]:
    """Everything that searches with beams, by name."""
    starts = torch.tensor([prompt.token_ids for prompt in prompts])
    beams = sampling.beams or 1

    def theirs() -> tuple[int, int]:
        rows = reference.generate(
            starts, do_sample=False, num_beams=beams, num_return_sequences=beams, max_length=LONGEST
        )
        return len(rows), real_tokens(rows, checkpoint, starts.shape[1])

    return {
        "hugging face": theirs,
        "hugging face, medium": at_medium(theirs),
        "chemscale": lambda: count(list(generate(checkpoint, beams, sampling=sampling, prompts=prompts))),
    }


def compare(variants: dict[str, Variant], rounds: int) -> None:
    """Measure all variants in turns, and print a line of each."""
    lengths: dict[str, float] = {}

    def speed(name: str, variant: Variant) -> Callable[[], float]:
        def measure() -> float:
            start = time.process_time()
            molecules, tokens = variant()
            lengths[name] = tokens / molecules
            return molecules / (time.process_time() - start)

        return measure

    speeds = take_turns({name: speed(name, variant) for name, variant in variants.items()}, rounds)
    peer = next(iter(variants))
    for name, values in speeds.items():
        ratio = median_ratio(values, speeds[peer])
        rest = f"molecules/s  {ratio:5.2f}x  {lengths[name]:5.1f} tokens"
        print(f"  {name:22s} {spread(values, 1):>26s} {rest}", flush=True)


def hugging_face(checkpoint: Checkpoint) -> Any:
    """The same weights in transformers."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModelForCausalLM

    with TemporaryDirectory() as folder:
        to_huggingface(checkpoint.model, checkpoint.tokenizer, folder)
        return AutoModelForCausalLM.from_pretrained(folder).eval()


def at_medium(variant: Variant) -> Variant:
    """The same with the faster of torch's two kinds of float32 products, where it is true float32."""

    def run() -> tuple[int, int]:
        with matmul_precision(probe_matmul_precision()):
            return variant()

    return run


def real_tokens(rows: torch.Tensor, checkpoint: Checkpoint, n_prompt: int) -> int:
    """Tokens after the prompt and before `[eos]`."""
    generated = rows[:, n_prompt:]
    ended = (generated == checkpoint.tokenizer.eos_id).cumsum(1) > 0
    return int((~ended).sum())


def count(samples: list[Sample]) -> tuple[int, int]:
    """Molecules and their tokens."""
    return len(samples), sum(sample.n_tokens for sample in samples)


if __name__ == "__main__":
    main()
