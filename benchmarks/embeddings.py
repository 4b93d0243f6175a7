"""Embedding: molecules per CPU second beside a padded Hugging Face forward pass, same weights, in one run.

    python benchmarks/embeddings.py [SOURCE] [--sizes 24x64 24x128 24x256] [--molecules 512] [--rounds 3]

About five minutes on one thread. SOURCE is any molecule file or source; without it, molecules of the embedded library.
Weights are random. All variants get the same token ids and return the mean of the last hidden states over real tokens;
they take turns in every round, medians over rounds, ratios within them.

    hf, file order       GPTNeoForCausalLM, output_hidden_states, 32 molecules a batch as they come, as users do
    hf, sorted           the same, sorted by length first
    chemscale            `Embedder.embed_ids`
    ... from SMILES      `Embedder.embed`: the same with SMILES -> SELFIES -> ids; no peer does that
    difference           the largest between chemscale and hf, relative to the largest number

Targets: 4 times hf in file order and 1.5 times hf sorted. `--tokens 512 1024 ...` measures batch sizes of our own
instead: TOKENS_PER_BATCH in src/chemscale/language/embedder.py is chosen by it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPTNeoForCausalLM

from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.chem.smiles import MoleculeError
from chemscale.chem.sources import resolve
from chemscale.language import ChemGPTConfig, to_huggingface
from chemscale.language import embedder as embedder_module
from chemscale.language.embedder import Embedder
from chemscale.language.models.chemgpt import build_chemgpt
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.trained import Checkpoint, load_checkpoint
from chemscale.language.vocabulary import Vocabulary
from side_by_side import machine_line, median_ratio, spread, take_turns

HF_BATCH = 32
FILE_ORDER, SORTED, OURS, FROM_SMILES = "hf, file order", "hf, sorted", "chemscale", "... from SMILES"


def main() -> None:
    """Measure, and print one table for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?")
    parser.add_argument("--sizes", nargs="+", default=["24x64", "24x128", "24x256"], help="layers x width")
    parser.add_argument("--molecules", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="+", help="measure these batch sizes of our own instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    smiles = read_molecules(options.source, options.molecules)
    tokenizer = tokenizer_of(smiles)
    ids = [tokenizer.encode(text) for text in smiles]
    lengths = np.array([len(row) for row in ids])
    print(machine_line(threads=1, molecules=len(smiles), tokens=f"{lengths.mean():.1f} (longest {lengths.max()})"))
    for size in options.sizes:
        n_layers, width = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as name:
            checkpoint, reference = both_models(n_layers, width, tokenizer, Path(name))
            embedder = Embedder(checkpoint)
            if options.tokens:
                compare_batches(size, embedder, ids, options.tokens, options.rounds)
            else:
                compare(size, embedder, reference, smiles, ids, options.rounds)


def compare(
    size: str, embedder: Embedder, reference: Any, smiles: list[str], ids: list[list[int]], rounds: int
) -> None:
    """Print molecules per CPU second of ours and of Hugging Face's."""
    pad = embedder.checkpoint.tokenizer.pad_id
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    in_order = [ids[row] for row in order]
    ours, theirs = embedder.embed_ids(ids), hf_embed(reference, ids, pad)
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    variants = {
        FILE_ORDER: rate(len(ids), lambda: hf_embed(reference, ids, pad)),
        SORTED: rate(len(ids), lambda: hf_embed(reference, in_order, pad)),
        OURS: rate(len(ids), lambda: embedder.embed_ids(ids)),
        FROM_SMILES: rate(len(ids), lambda: embedder.embed(smiles)),
    }
    rates = take_turns(variants, rounds, warm_up=0)
    print(f"\n{size}: molecules a CPU second; difference {difference:.1e}")
    for name, values in rates.items():
        ratios = [f"{median_ratio(values, rates[peer]):5.2f}x {peer}" for peer in (FILE_ORDER, SORTED)]
        print(f"    {name:18s} {spread(values, 1):>24s}   {'   '.join(ratios)}", flush=True)


def compare_batches(size: str, embedder: Embedder, ids: list[list[int]], budgets: Sequence[int], rounds: int) -> None:
    """Print molecules per CPU second by tokens in a batch."""

    def with_budget(budget: int) -> Callable[[], float]:
        def measure() -> float:
            embedder_module.TOKENS_PER_BATCH = budget
            return rate(len(ids), lambda: embedder.embed_ids(ids))()

        return measure

    rates = take_turns({str(budget): with_budget(budget) for budget in budgets}, rounds)
    print(f"\n{size}: molecules a CPU second by tokens in a batch")
    for name, values in rates.items():
        print(f"    {name:>18s} {spread(values, 1):>24s}", flush=True)


def rate(n_molecules: int, action: Callable[[], object]) -> Callable[[], float]:
    """Does the work, and returns molecules per CPU second."""

    def measure() -> float:
        start = time.process_time()
        action()
        return n_molecules / (time.process_time() - start)

    return measure


def hf_embed(model: Any, ids: Sequence[Sequence[int]], pad: int) -> np.ndarray:
    """Mean of the last hidden states, as a user of `transformers` takes it [n_molecules, width]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(ids), HF_BATCH):
            batch = ids[start : start + HF_BATCH]
            longest = max(map(len, batch))
            tokens = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in batch])
            mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch])
            hidden = model(input_ids=tokens, attention_mask=mask, output_hidden_states=True).hidden_states[-1]
            parts.append((hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True))
    return torch.cat(parts).numpy()


def both_models(n_layers: int, width: int, tokenizer: Tokenizer, folder: Path) -> tuple[Checkpoint, Any]:
    """The same random weights as ours and as Hugging Face's."""
    config = ChemGPTConfig(n_layers=n_layers, width=width, vocabulary_size=len(tokenizer))
    to_huggingface(build_chemgpt(config, seed=0), tokenizer, folder)
    return load_checkpoint(folder), GPTNeoForCausalLM.from_pretrained(folder).eval()


def tokenizer_of(smiles: list[str]) -> Tokenizer:
    """A tokenizer that knows every symbol of these molecules."""
    symbols = (symbol for text in smiles for symbol in split_selfies(encode_selfies(text)))
    return Tokenizer(Vocabulary.of(symbols, "selfies", selfies_version()))


def read_molecules(source: str | None, count: int) -> list[str]:
    """The first molecules of a source that SELFIES can write."""
    if source is None:
        return distinct_sample(count, seed=0)
    return list(islice((text for _, text in read_smiles(resolve(source)) if encodable(text)), count))


def encodable(smiles: str) -> bool:
    """Whether a molecule has a SELFIES."""
    try:
        encode_selfies(smiles)
    except MoleculeError:
        return False
    return True


if __name__ == "__main__":
    main()
