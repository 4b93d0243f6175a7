"""Molecules from a trained language model: samples or beams, from nothing or from prompts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream_seed
from chemscale.language.decoding.beams import BeamSearch
from chemscale.language.decoding.begun import Continuation, Request
from chemscale.language.decoding.samples import Sampler
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.decoding.step import Decoder
from chemscale.language.prompts import Prompt, no_prompt
from chemscale.language.trained import Checkpoint
from chemscale.language.wordpiece import WordPieceTokenizer
from chemscale.training.precision import float32_products

SAMPLES_A_ROUND = (
    50_000  # drawn before the first of them is given on; only the last ones of a round wait for each other
)


@dataclass(frozen=True)
class Sample:
    """One generated molecule.

    Attributes:
        number: from 0, in the order asked for.
        prompt: what it begins with.
        text: the whole sequence in the model's encoding.
        smiles: its SMILES; of a model that writes SMILES it may be no molecule.
        log_probability: of what follows the prompt, `[eos]` included, under the model, in nats. Temperature, top-k and
            nucleus do not count.
        n_tokens: tokens after the prompt, `[eos]` not counted.
        complete: whether the model ended it; else it ran into `sampling.max_tokens`.
    """

    number: int
    prompt: Prompt
    text: str
    smiles: str
    log_probability: float
    n_tokens: int
    complete: bool


def generate(
    checkpoint: Checkpoint,
    n: int,
    *,
    sampling: Sampling | None = None,
    prompts: Sequence[Prompt] | None = None,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Sample]:
    """Generate `n` molecules of every prompt.

    The draws of a sample depend on the seed and its number alone, so the same call gives the same molecules, and a
    longer one begins with them. Another batch size changes a molecule only where rounding tips a draw.

    Args:
        checkpoint: of `load_checkpoint`.
        n: molecules of each prompt.
        sampling: how tokens are chosen; None draws from the model as it is.
        prompts: beginnings; None begins with nothing.
        seed: of the draws; greedy and beam search have none.
        on_progress: called with the number of molecules that are done.

    Raises:
        UserError: more molecules of a prompt are asked for than greedy or beam search gives, or a prompt is as long as
            the longest sequence.
    """
    sampling = sampling or Sampling()
    prompts = list(prompts) if prompts is not None else [no_prompt(checkpoint.tokenizer)]
    _check(checkpoint, n, sampling, prompts)
    return _rounds(checkpoint, n, sampling, prompts, seed, on_progress or (lambda done: None))


def spread(prompts: Sequence[Prompt], n: int) -> list[Prompt]:
    """`n` prompts, one a molecule, that take the given ones evenly: equal ones stand together, the first ones first."""
    share, rest = divmod(n, len(prompts))
    return [prompt for i, prompt in enumerate(prompts) for _ in range(share + (i < rest))]


def _check(checkpoint: Checkpoint, n: int, sampling: Sampling, prompts: Sequence[Prompt]) -> None:
    if n < 1:
        raise UserError(f"n: {n} molecules; ask for 1 or more")
    most = 1 if sampling.greedy else sampling.beams
    if most is not None and n > most:
        raise UserError(
            f"n: {n} molecules of a prompt, but {sampling} gives {most}; ask for fewer, use more beams, or draw"
        )
    longest = sampling.longest(checkpoint.model.config.max_positions)
    for prompt in prompts:
        if len(prompt.token_ids) + 1 >= longest:
            raise UserError(
                f"the prompt {prompt.text!r} has {prompt.n_tokens} tokens, which leaves no room in the longest "
                f"sequence of {longest}; raise sampling.max_tokens, or shorten the prompt"
            )


def _rounds(
    checkpoint: Checkpoint,
    n: int,
    sampling: Sampling,
    prompts: Sequence[Prompt],
    seed: int,
    on_progress: Callable[[int], None],
) -> Iterator[Sample]:
    decoder = Decoder(checkpoint.model)
    key = stream_seed(seed, "generation")
    for numbers in _cut(n, len(prompts)):
        # Draws of equal prompts share their keys and values; a search gives as many molecules as one prompt has beams.
        searched = sampling.beams is not None
        groups = groupby(numbers, key=lambda number: (prompts[number // n].token_ids, searched and number // n))
        requests = [Request(prompt, list(members)) for (prompt, _), members in groups]
        found = _decode(decoder, checkpoint, sampling, requests, key, on_progress)
        for continuation in sorted(found, key=lambda continuation: continuation.sample):
            yield _sample(checkpoint, prompts[continuation.sample // n], continuation)


def _cut(n: int, n_prompts: int) -> Iterator[range]:
    """The numbers of all samples, cut into rounds; a prompt is parted only where a round cannot hold it."""
    size = SAMPLES_A_ROUND if n > SAMPLES_A_ROUND else SAMPLES_A_ROUND // n * n
    total = n * n_prompts
    for start in range(0, total, size):
        yield range(start, min(start + size, total))


def _decode(
    decoder: Decoder,
    checkpoint: Checkpoint,
    sampling: Sampling,
    requests: list[Request],
    key: int,
    on_progress: Callable[[int], None],
) -> list[Continuation]:
    tokenizer = checkpoint.tokenizer
    banned = {tokenizer.pad_id, tokenizer.bos_id, tokenizer.unk_id}
    if isinstance(tokenizer, WordPieceTokenizer):
        banned |= {tokenizer.ids["[MASK]"]} if "[MASK]" in tokenizer.ids else set()
    banned |= set(range(len(tokenizer), decoder.token_embedding.shape[0]))  # ids of the model that mean nothing
    eos, ids = tokenizer.eos_id, sorted(banned)
    with torch.inference_mode(), float32_products(decoder.device):
        if sampling.beams is not None:
            search = BeamSearch(decoder, sampling, eos, ids).run(requests)
        else:
            search = Sampler(decoder, sampling, eos, ids, key).run(requests)
        found = []
        for continuation in search:
            found.append(continuation)
            on_progress(1)
    return found


def _sample(checkpoint: Checkpoint, prompt: Prompt, continuation: Continuation) -> Sample:
    ids = (*prompt.token_ids, *continuation.token_ids)
    return Sample(
        number=continuation.sample,
        prompt=prompt,
        text=checkpoint.tokenizer.decode_text(ids),
        smiles=checkpoint.tokenizer.decode(ids),
        log_probability=continuation.log_probability,
        n_tokens=len(continuation.token_ids),
        complete=continuation.complete,
    )
