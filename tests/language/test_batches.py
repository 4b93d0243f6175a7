from pathlib import Path

import numpy as np
import pytest
import torch

from chemscale.language.batches import IGNORED, Blocks, MoleculeSequences
from chemscale.language.data import Corpus, corpus_for


@pytest.fixture(scope="module")
def corpus(smiles_file: Path) -> Corpus:
    return corpus_for(smiles_file)


def test_a_molecule_becomes_bos_ids_and_ids_eos(corpus: Corpus) -> None:
    batch = MoleculeSequences(corpus, np.array([4, 0])).batch(np.array([1, 0]))
    ids, long = corpus[0].tolist(), corpus[4].tolist()
    pad = len(long) - len(ids)
    assert batch.token_ids[0].tolist() == [1, *ids, *[0] * pad]
    assert batch.targets[0].tolist() == [*ids, 2, *[IGNORED] * pad]
    assert batch.token_ids[1].tolist() == [1, *long]
    assert batch.targets[1].tolist() == [*long, 2]
    assert batch.n_labels == len(ids) + len(long) + 2 == int((batch.targets != IGNORED).sum())


def test_an_epoch_holds_every_molecule_once_and_little_padding(corpus: Corpus) -> None:
    sequences = MoleculeSequences(corpus, np.arange(len(corpus)))
    order = sequences.epoch_order(batch_size=16, seed=0, epoch=0)
    assert sorted(np.concatenate(order).tolist()) == list(range(len(corpus)))
    assert len(order) == -(-len(corpus) // 16)
    batches = [sequences.batch(positions) for positions in order]
    assert sum(batch.n_labels for batch in batches) == sequences.n_labels
    assert 1 - sequences.n_labels / sum(batch.token_ids.numel() for batch in batches) < 0.10


def test_order_depends_on_seed_and_epoch_alone(corpus: Corpus) -> None:
    sequences = MoleculeSequences(corpus, np.arange(len(corpus)))

    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(sequences.epoch_order(16, seed, epoch)).tolist()  # type: ignore[no-any-return]

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2) != order(1, 2)


def test_blocks_are_the_stream_cut_in_order(corpus: Corpus) -> None:
    indices = np.array([3, 1, 2, 7, 9, 30])
    stream = [token for index in indices for token in (1, *corpus[index].tolist(), 2)]
    blocks = Blocks.cut(corpus, indices, block_tokens=16)
    assert blocks.rows.flatten().tolist() == stream[: len(stream) // 16 * 16]
    assert len(Blocks.cut(corpus, indices, 16, n_blocks=2)) == 2
    batch = blocks.batch(np.array([1]))
    assert batch.token_ids[0].tolist() == stream[16:31]
    assert batch.targets[0].tolist() == stream[17:32]
    assert batch.n_labels == 15


def test_micro_batches_add_up(corpus: Corpus) -> None:
    batch = MoleculeSequences(corpus, np.arange(10)).batch(np.arange(10))
    parts = list(batch.split(3))
    assert sum(part.n_labels for part in parts) == batch.n_labels
    assert torch.equal(torch.cat([part.targets for part in parts]), batch.targets)
