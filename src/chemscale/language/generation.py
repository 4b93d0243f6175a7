"""Molecules from a trained language model: samples or beams, from nothing or from prompts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from chemscale.base.errors import UserError
from chemscale.base.seeds import stream_seed
from chemscale.chem.smiles import MoleculeError
from chemscale.language.decoding.beams import BeamSearch
from chemscale.language.decoding.begun import Continuation, Request
from chemscale.language.decoding.samples import Sampler
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.decoding.step import Decoder
from chemscale.language.prompts import Prompt, no_prompt
from chemscale.language.trained import Checkpoint
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
        smiles: its SMILES; of a model that writes SMILES it may be no molecule, and a SELFIES without meaning gives "".
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
    n: int | Sequence[int],
    *,
    sampling: Sampling | None = None,
    prompts: Sequence[Prompt] | None = None,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Sample]:
    """Generate molecules of every prompt.

    The draws of a sample depend on the seed, the place of its prompt and its own place among the samples of that
    prompt. So the same call gives the same molecules, and asking for more of a prompt adds to them. Another batch size
    changes a molecule only where rounding tips a draw.

    Args:
        checkpoint: of `load_checkpoint`.
        n: molecules of each prompt; a sequence has a number for each prompt.
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
    counts = [n] * len(prompts) if isinstance(n, int) else list(n)
    _check(checkpoint, counts, sampling, prompts)
    most_together = sum(counts) * (sampling.beams or 1)  # places for more would only take memory
    sampling = sampling.model_copy(update={"batch_size": min(sampling.batch_size, most_together)})
    return _rounds(checkpoint, counts, sampling, prompts, seed, on_progress or (lambda done: None))


def spread(n: int, n_prompts: int) -> list[int]:
    """`n` molecules over prompts as evenly as it goes, the first prompts first [n_prompts]."""
    share, rest = divmod(n, n_prompts)
    return [share + (place < rest) for place in range(n_prompts)]


def _check(checkpoint: Checkpoint, counts: Sequence[int], sampling: Sampling, prompts: Sequence[Prompt]) -> None:
    if len(counts) != len(prompts):
        raise UserError(f"n: {len(counts)} numbers for {len(prompts)} prompts; give one number, or one for each")
    if not counts or min(counts) < 0 or sum(counts) < 1:
        raise UserError(f"n: {sum(counts)} molecules; ask for 1 or more")
    most = 1 if sampling.greedy else sampling.beams
    if most is not None and max(counts) > most:
        raise UserError(
            f"n: {max(counts)} molecules of a prompt, but {sampling} gives {most}; "
            "ask for fewer, use more beams, or draw"
        )
    longest = sampling.longest(checkpoint.model.config.max_positions)
    for prompt in prompts:
        if len(prompt.token_ids) >= longest:
            raise UserError(
                f"the prompt {prompt.text!r} has {prompt.n_tokens} tokens, which leaves no room in the longest "
                f"sequence of {longest}; raise sampling.max_tokens, or shorten the prompt"
            )


def _rounds(
    checkpoint: Checkpoint,
    counts: Sequence[int],
    sampling: Sampling,
    prompts: Sequence[Prompt],
    seed: int,
    on_progress: Callable[[int], None],
) -> Iterator[Sample]:
    decoder = Decoder(checkpoint.model)
    key = stream_seed(seed, "generation")
    parts = _parts(counts)
    number = 0
    while places := _one_round(parts):
        requests = [Request(prompts[place].token_ids, [_name(place, i) for i in range(a, b)]) for place, a, b in places]
        found = _decode(decoder, checkpoint, sampling, requests, key, on_progress)
        for continuation in sorted(found, key=lambda continuation: continuation.sample):
            yield _sample(checkpoint, prompts[continuation.sample >> 32], continuation, number)
            number += 1


def _name(place: int, i: int) -> int:
    """The name of the i-th sample of the prompt at a place: it orders samples, and draws belong to it."""
    return place << 32 | i


def _parts(counts: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The samples of all prompts as (place of the prompt, first, end), none larger than a round."""
    for place, count in enumerate(counts):
        for first in range(0, count, SAMPLES_A_ROUND):
            yield place, first, min(first + SAMPLES_A_ROUND, count)


def _one_round(parts: Iterator[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The next parts, until they are about a round."""
    chosen: list[tuple[int, int, int]] = []
    size = 0
    while size < SAMPLES_A_ROUND and (part := next(parts, None)) is not None:
        chosen.append(part)
        size += part[2] - part[1]
    return chosen


def _decode(
    decoder: Decoder,
    checkpoint: Checkpoint,
    sampling: Sampling,
    requests: list[Request],
    key: int,
    on_progress: Callable[[int], None],
) -> list[Continuation]:
    tokenizer = checkpoint.tokenizer
    allowed = {*tokenizer.symbol_ids, tokenizer.eos_id}
    banned = [index for index in range(len(decoder.token_embedding)) if index not in allowed]
    with torch.inference_mode(), float32_products(decoder.device):
        if sampling.beams is not None:
            search = BeamSearch(decoder, sampling, tokenizer.eos_id, banned).run(requests)
        else:
            search = Sampler(decoder, sampling, tokenizer.eos_id, banned, key).run(requests)
        found = []
        for continuation in search:
            found.append(continuation)
            on_progress(1)
    return found


def _sample(checkpoint: Checkpoint, prompt: Prompt, continuation: Continuation, number: int) -> Sample:
    ids = (*prompt.token_ids, *continuation.token_ids)
    try:
        smiles = checkpoint.tokenizer.decode(ids)
    except MoleculeError:
        smiles = ""
    return Sample(
        number=number,
        prompt=prompt,
        text=checkpoint.tokenizer.decode_text(ids),
        smiles=smiles,
        log_probability=continuation.log_probability,
        n_tokens=len(continuation.token_ids),
        complete=continuation.complete,
    )
