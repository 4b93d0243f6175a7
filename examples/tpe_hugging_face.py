"""TPE in a Hugging Face trainer: six learning rates of a tiny GPT-2, the poor ones stopped at 20 % of the budget.

Needs     pip install "chemscale[hf]" accelerate
Command   python examples/tpe_hugging_face.py
Duration  about 30 seconds on one core
Expected  the first three runs have too few before them and go on, the other three are stopped after epoch 2 of 10
"""

import tempfile

import torch
import transformers

from chemscale.tpe import KeepBest, estimate, read_curves
from chemscale.tpe.callbacks import HuggingFaceCallback

RATES = (3e-3, 1e-5, 3e-2, 1e-3, 1e-4, 1.0)
EPOCHS = 10


def sequences(n: int, seed: int) -> list[dict[str, torch.Tensor]]:
    """Sequences of 16 tokens that count up by a step of their own."""
    generator = torch.Generator().manual_seed(seed)
    starts, steps = torch.randint(0, 17, (n, 1), generator=generator), torch.randint(1, 4, (n, 1), generator=generator)
    tokens = (starts + steps * torch.arange(16)) % 17
    return [{"input_ids": row, "labels": row} for row in tokens]


def train(folder: str, rate: float) -> None:
    """Train one model; the callback records it and stops it when it cannot be among the best two."""
    transformers.set_seed(0)
    shape = {"vocab_size": 17, "n_positions": 16, "n_embd": 32, "n_layer": 2, "n_head": 2}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape, bos_token_id=0, eos_token_id=0))
    tpe = HuggingFaceCallback(f"{folder}/curves", f"rate {rate:g}", policy=KeepBest(share=0.2, keep=2))
    arguments = transformers.TrainingArguments(
        output_dir=f"{folder}/model",
        num_train_epochs=EPOCHS,
        learning_rate=rate,
        per_device_train_batch_size=16,
        logging_steps=1,  # TPE reads the loss of every step
        logging_nan_inf_filter=False,  # or else losses that are not finite are hidden
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = transformers.Trainer(model, arguments, train_dataset=sequences(256, 0), eval_dataset=sequences(64, 1))
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(tpe)
    trainer.train()
    print(f"rate {rate:<6g} {trainer.state.epoch:>5.2f} epochs: {tpe.decision.reason}")


with tempfile.TemporaryDirectory() as scratch:
    for learning_rate in RATES:
        train(scratch, learning_rate)
    print(estimate(read_curves(f"{scratch}/curves"), fraction=0.2, total_epochs=EPOCHS))
