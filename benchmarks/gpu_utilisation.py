"""Model FLOPs utilisation of ChemGPT on a CUDA device, by width, with and without torch.compile; one run.

    python benchmarks/gpu_utilisation.py [--widths 64 128 256 512 1024] [--tokens-per-step 65536] [--rounds 5]

A few minutes, most of it compilation. Trains on random token ids in blocks of 512 by the package's own loop
(TrainingRun.train_step: copy to the device, bfloat16 autocast, loss, backward, fused AdamW), so it needs no data.

    tokens/s       labels trained on per second of wall time
    TFLOP/s        that times the training FLOPs of one token, 3 x `ChemGPTConfig.forward_flops_per_token`: 6 for every
                   non-embedding parameter, the head, and attention over the tokens that a layer really sees
    of peak        TFLOP/s by what one large bfloat16 product reaches in the same round on the same device

A batch that does not fit is halved until it does; the table says what was used.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from chemscale.base.records import RunFolder
from chemscale.language import ChemGPTConfig
from chemscale.language.batches import TokenBatch
from chemscale.language.task import LanguageData, LanguageTask
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import TrainingRun
from chemscale.training.matmul import matmul_precision
from side_by_side import machine_line, median_ratio, take_turns

BLOCK_TOKENS = 512
N_BATCHES = 8
PEAK_SIZE = {"cuda": 8192, "cpu": 512}
PEAK_SECONDS = 0.3


class RandomBlocks(LanguageTask):
    """Language modelling on random token ids: the real task's loss, with nothing to read."""

    def __init__(self, model: ChemGPTConfig, batch_size: int) -> None:
        self.model_config, self.batch_size, self.seed = model, batch_size, 0
        self.data = LanguageData(protocol="blocks", block_tokens=BLOCK_TOKENS)
        generator = torch.Generator().manual_seed(0)
        shape = (N_BATCHES, batch_size, BLOCK_TOKENS + 1)
        rows = torch.randint(0, model.vocabulary_size or 1, shape, generator=generator)
        n_labels = batch_size * BLOCK_TOKENS
        self.ready = [TokenBatch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), n_labels) for ids in rows]

    steps_per_epoch = N_BATCHES

    @property
    def labels_per_epoch(self) -> int:
        """Tokens in all batches."""
        return sum(batch.n_labels for batch in self.ready)

    def batch(self, step: int) -> TokenBatch:
        """The batch of a step."""
        return self.ready[step % N_BATCHES]

    def validation_batches(self) -> Iterator[TokenBatch]:
        """None: nothing is evaluated here."""
        return iter(())

    def resources(self) -> dict[str, float]:
        """What the loop must know of the model."""
        return {"width": self.model_config.width}


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--vocabulary", type=int, default=128, help="token ids")
    parser.add_argument("--tokens-per-step", type=int, default=65_536)
    parser.add_argument("--steps", type=int, default=20, help="steps of a variant in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)  # cpu: to try the script itself
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit(f"no CUDA device is visible to torch {torch.__version__}; this benchmark needs one")
    print(machine_line(options.device, precision="bfloat16", block_tokens=BLOCK_TOKENS))
    print(f"\n{'width':>6s} {'layers':>6s} {'blocks':>6s} {'compile':>7s} {'tokens/s':>12s} {'TFLOP/s':>8s} "
          f"{'peak':>8s} {'of peak':>8s}")  # fmt: skip
    for width in options.widths:
        config = ChemGPTConfig(width=width, n_layers=options.layers, vocabulary_size=options.vocabulary)
        benchmark(options, config, device)


def benchmark(options: argparse.Namespace, model: ChemGPTConfig, device: torch.device) -> None:
    """Both variants at one width, on the largest batch that fits."""
    blocks = max(1, options.tokens_per_step // BLOCK_TOKENS)
    while True:
        try:
            rows = measure(options, model, device, blocks)
            break
        except torch.OutOfMemoryError:
            if blocks == 1:
                print(f"{model.width:6d} {model.n_layers:6d}      a single block does not fit into the memory")
                return
            blocks //= 2
            torch.cuda.empty_cache()
    peak = rows.pop("peak")
    for name, speeds in rows.items():
        flops = statistics.median(speeds)
        print(f"{model.width:6d} {model.n_layers:6d} {blocks:6d} {name:>7s} {flops / training_flops(model):12,.0f} "
              f"{flops / 1e12:8.2f} {statistics.median(peak) / 1e12:8.2f} {100 * median_ratio(speeds, peak):7.1f}%",
              flush=True)  # fmt: skip


def measure(
    options: argparse.Namespace, model: ChemGPTConfig, device: torch.device, blocks: int
) -> dict[str, list[float]]:
    """FLOPs per second of each variant and of the large product, round by round."""
    torch.compiler.reset()
    variants: dict[str, Callable[[], float]] = {"peak": lambda: product_flops_per_second(device)}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("off",) if options.no_compile else ("off", "on"):
            config = TrainingConfig(
                batch_size=blocks, steps=100_000, learning_rate=1e-4, precision="bfloat16", compile=name == "on"
            )
            run = TrainingRun(RandomBlocks(model, blocks), config, RunFolder(Path(folder) / name), device)
            run.model.train()
            variants[name] = training_speed(run, options.steps, training_flops(model))
        return take_turns(variants, options.rounds)


def training_speed(run: TrainingRun, n_steps: int, flops_per_token: float) -> Callable[[], float]:
    """Training FLOPs per second over so many steps of a run."""

    def flops_per_second() -> float:
        before = run.labels
        synchronise(run.device)
        start = time.perf_counter()
        for _ in range(n_steps):
            run.train_step()
        synchronise(run.device)
        return (run.labels - before) * flops_per_token / (time.perf_counter() - start)

    return flops_per_second


def training_flops(model: ChemGPTConfig) -> float:
    """FLOPs of training on one token of a block: three forward passes, over the tokens that each layer sees."""
    return 3 * model.forward_flops_per_token(np.array([BLOCK_TOKENS]))


def product_flops_per_second(device: torch.device) -> float:
    """What a square bfloat16 product reaches: 2 n^3 by its time."""
    size = PEAK_SIZE[device.type]
    a, b = torch.randn(2, size, size, device=device).to(torch.bfloat16)
    out = torch.empty_like(a)
    with matmul_precision("highest"):
        torch.mm(a, b, out=out)
        synchronise(device)
        start, n_products = time.perf_counter(), 0
        while time.perf_counter() - start < PEAK_SECONDS:
            for _ in range(10):
                torch.mm(a, b, out=out)
            synchronise(device)
            n_products += 10
        return 2.0 * size**3 * n_products / (time.perf_counter() - start)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
