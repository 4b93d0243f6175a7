"""TPE in plain Python: eight learning rates of a small classifier, the poor ones stopped at 20 % of the budget.

Command   python examples/tpe_plain_python.py
Duration  about 2 seconds on one core
Expected  the first four runs have too few before them and go on, the other four are stopped after epoch 4 of 20;
          40 % of the epochs are saved, and the best rate, 0.1, is among those trained to the end
"""

import tempfile

import numpy as np

from chemscale.tpe import KeepBest, estimate, read_curves
from chemscale.tpe.callbacks import Recorder

RATES = (0.3, 3.0, 0.01, 0.1, 30.0, 0.03, 1.0, 10.0)
EPOCHS, BATCHES, BATCH = 20, 50, 20


def loss_and_gradient(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Logistic loss of `weights` [n_features] and its gradient."""
    margin = y * (x @ weights)
    return float(np.logaddexp(0, -margin).mean()), -(x.T @ (y / (1 + np.exp(np.minimum(margin, 700))))) / len(y)


def train(folder: str, rate: float, x: np.ndarray, y: np.ndarray) -> int:
    """Train one run by stochastic gradient descent -> epochs trained."""
    weights, generator, half = np.zeros(x.shape[1]), np.random.default_rng(0), len(x) // 2
    policy = KeepBest(share=0.2, keep=2)
    with Recorder(folder, f"rate {rate:g}", steps_per_epoch=BATCHES, total_epochs=EPOCHS, policy=policy) as recorder:
        for epoch in range(EPOCHS):
            for rows in generator.permutation(half).reshape(BATCHES, BATCH):
                loss, gradient = loss_and_gradient(weights, x[rows], y[rows])
                weights -= rate * gradient
                recorder.step(loss)
            recorder.validation(loss_and_gradient(weights, x[half:], y[half:])[0])
            if recorder.should_stop():
                print(f"rate {rate:<5g} stopped after epoch {epoch + 1}: {recorder.decision.reason}")
                return epoch + 1
    print(f"rate {rate:<5g} trained to the end")
    return EPOCHS


def main() -> None:
    """Train all rates, then ask TPE what it makes of the first 20 %."""
    generator = np.random.default_rng(1)
    x = generator.standard_normal((2 * BATCHES * BATCH, 30))
    y = np.sign(x @ generator.standard_normal(30) + 2 * generator.standard_normal(len(x)))
    with tempfile.TemporaryDirectory() as folder:
        trained = sum(train(folder, rate, x, y) for rate in RATES)
        print(f"\n{1 - trained / EPOCHS / len(RATES):.0%} of the epochs were not trained\n")
        print(estimate(read_curves(folder), fraction=0.2, total_epochs=EPOCHS))


main()
