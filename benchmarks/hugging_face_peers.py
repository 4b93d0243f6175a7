"""Hugging Face's GPTNeoForCausalLM, trained in the three ways that training_throughput.py compares with."""

import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM, Trainer, TrainerCallback, TrainingArguments

from chemscale.language.batches import MoleculeSequences
from chemscale.language.task import LanguageTask

TRAINER_BATCH, PAD_TO = 8, 512
Step = Callable[[], int]


def hugging_face(task: LanguageTask) -> GPTNeoForCausalLM:
    """GPT-Neo of the same shape as the task's ChemGPT."""
    config = task.model_config
    return GPTNeoForCausalLM(
        GPTNeoConfig(
            vocab_size=config.vocabulary_size,
            hidden_size=config.width,
            num_layers=config.n_layers,
            num_heads=config.n_heads,
            attention_types=[[["global", "local"], config.n_layers // 2]],
            bos_token_id=1,
            eos_token_id=2,
        )
    )


def hugging_face_batches(task: LanguageTask, batch_size: int, grouped: bool, pad_to: int | None) -> Iterator[Any]:
    """Endless batches as `input_ids`, `attention_mask` and `labels`, and their number of real labels."""
    assert isinstance(task.train, MoleculeSequences)
    epoch = 0
    while True:
        if grouped:
            order = task.train.epoch_order(batch_size, 0, epoch)
        else:
            shuffled = np.random.default_rng(epoch).permutation(len(task.train))
            order = [shuffled[i : i + batch_size] for i in range(0, len(shuffled) - batch_size, batch_size)]
        epoch += 1
        for positions in order:
            flat, lengths = task.corpus.gather(task.train.indices[positions])
            longest = pad_to or int(lengths.max()) + 2
            ids = np.zeros((len(lengths), longest), dtype=np.int64)
            mask = np.arange(longest) < (lengths + 2)[:, None]
            inner = mask.copy()
            inner[:, 0] = False
            inner[np.arange(len(lengths)), lengths + 1] = False
            ids[:, 0], ids[inner] = 1, flat
            ids[np.arange(len(lengths)), lengths + 1] = 2
            labels = np.where(mask, ids, -100)
            batch = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "labels": labels}
            yield {key: torch.from_numpy(value) for key, value in batch.items()}, int((lengths + 1).sum())


def plain_loop(task: LanguageTask, *, grouped: bool, bfloat16: bool) -> Step:
    """A loop as it is written by hand around Hugging Face's model."""
    model = hugging_face(task).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    batches = hugging_face_batches(task, task.batch_size, grouped, None)

    def step() -> int:
        batch, n_labels = next(batches)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimiser.step()
        return n_labels

    return step


def trainer_speed(task: LanguageTask, n_steps: int, folder: Path) -> Callable[[], float]:
    """Hugging Face's Trainer on molecules padded to 512; its set-up and first step are not counted."""
    rows = hugging_face_batches(task, TRAINER_BATCH, False, PAD_TO)
    batches = [next(rows) for _ in range(n_steps + 1)]
    examples = [{key: value[i] for key, value in batch.items()} for batch, _ in batches for i in range(TRAINER_BATCH)]
    # every step costs the same, because all is padded to 512: so the mean number of labels will do
    labels_per_step = statistics.mean(n_labels for _, n_labels in batches)
    arguments = TrainingArguments(
        str(folder),
        per_device_train_batch_size=TRAINER_BATCH,
        max_steps=n_steps + 1,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    stamps = StepStamps()
    running = Trainer(hugging_face(task), arguments, train_dataset=examples, callbacks=[stamps])

    def measure() -> float:
        stamps.seconds.clear()
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a summary of every training
            running.train()
        return labels_per_step * n_steps / (stamps.seconds[-1] - stamps.seconds[0])

    return measure


class StepStamps(TrainerCallback):
    """The processor time at the end of every step of a Trainer."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Called by the Trainer."""
        self.seconds.append(time.process_time())
