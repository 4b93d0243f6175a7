"""Training speed of ChemGPT beside Hugging Face's GPTNeoForCausalLM, same molecules, same weights' shape, one run.

    python benchmarks/training_throughput.py [SOURCE] [--widths 64 128] [--layers 24] [--rounds 5] [--no-trainer]

About ten minutes with a real corpus; SOURCE is any molecule file or source. Counts real tokens (every symbol and the
end of every molecule; padding never) per second of processor time on one thread. Variants take turns; medians over
rounds, ratios within them. Needs benchmarks/requirements.txt.

    hf-trainer-512   Trainer, batches of 8 molecules padded to 512, as a first script would do it
    hf-plain         plain loop, 98 molecules padded to the longest, fused AdamW, the same float32 product setting
    hf-expert        plain loop, 98 molecules grouped by length, bfloat16 autocast, fused AdamW, the same setting
    ours-torch       our loop, plain torch operators, float32
    ours             our loop with what is optional: native operators, and the precision that `auto` chooses
    ours-bfloat16    the same with bfloat16 asked for
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from chemscale.base.records import RunFolder
from chemscale.language import ChemGPTConfig
from chemscale.language.task import LanguageData, LanguageTask
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import TrainingRun
from chemscale.training.matmul import probe_matmul_precision
from hugging_face_peers import Step, plain_loop, trainer_speed
from side_by_side import machine_line, median_ratio, spread, take_turns

BATCH = 98


def main() -> None:
    """Measure, and print a table per width."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="embedded")
    parser.add_argument("--limit", type=int, default=20_000, help="molecules of the source")
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="processor seconds of a variant in a round")
    parser.add_argument("--trainer-steps", type=int, default=1, help="steps of hf-trainer-512 in a round")
    parser.add_argument("--no-trainer", action="store_true", help="leave the slowest variant out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision(probe_matmul_precision())
    transformers.logging.set_verbosity_error()
    products = torch.get_float32_matmul_precision()
    print(machine_line(threads=1, transformers=transformers.__version__, products=products, source=options.source))
    for width in options.widths:
        with tempfile.TemporaryDirectory() as name:
            benchmark(options, width, Path(name))


def benchmark(options: argparse.Namespace, width: int, folder: Path) -> None:
    """All variants at one width."""
    model = ChemGPTConfig(width=width, n_layers=options.layers)
    # molecules of up to 128 tokens: one outlier of 500 would slow the padded peers several times, and flatter us
    data = LanguageData(source=options.source, limit=options.limit, max_tokens=128)
    task = LanguageTask(model, data, BATCH, seed=0)
    steps: dict[str, Step] = {
        "hf-plain": plain_loop(task, grouped=False, bfloat16=False),
        "hf-expert": plain_loop(task, grouped=True, bfloat16=True),
        "ours-torch": ours(task, "torch", "float32", folder / "a"),
        "ours": ours(task, "auto", "auto", folder / "b"),
        "ours-bfloat16": ours(task, "auto", "bfloat16", folder / "c"),
    }
    variants = {name: speed(step, options.seconds) for name, step in steps.items()}
    if not options.no_trainer:
        variants = {"hf-trainer-512": trainer_speed(task, options.trainer_steps, folder / "d")} | variants
    rates = take_turns(variants, options.rounds, warm_up=0)
    print(f"\n{options.layers} layers, width {width}: real tokens a processor second, median (lowest, highest)")
    peers = [name for name in rates if name.startswith("hf")]
    for name, values in rates.items():
        compared = [] if name in peers else [f"{median_ratio(values, rates[peer]):6.2f}x {peer}" for peer in peers]
        print(f"{name:16s} {spread(values):>28s}", *compared, sep="  ", flush=True)


def ours(task: LanguageTask, attention: str, precision: str, folder: Path) -> Step:
    """Our training loop, step by step."""
    own = LanguageTask(task.model_config.model_copy(update={"attention": attention}), task.data, BATCH, seed=0)
    config = TrainingConfig.parse(
        {"batch_size": BATCH, "steps": 100_000, "learning_rate": 1e-4, "precision": precision}
    )
    run = TrainingRun(own, config, RunFolder(folder), torch.device("cpu"))
    run.model.train()

    def step() -> int:
        before = run.labels
        run.train_step()
        return run.labels - before

    return step


def speed(step: Step, seconds: float) -> Callable[[], float]:
    """Real tokens per second of processor time, over at least `seconds`."""
    step()

    def measure() -> float:
        tokens, start, used = 0, time.process_time(), 0.0
        while used < seconds:
            tokens += step()
            used = time.process_time() - start
        return tokens / used

    return measure


if __name__ == "__main__":
    main()
