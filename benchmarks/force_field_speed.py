"""A training step of a force field beside other programs' on the same frames and weights; its data; its growth.

    python benchmarks/force_field_speed.py --peer schnetpack            # SchNet and PaiNN
    python benchmarks/force_field_speed.py --peer allegro [--compile peer]
    python benchmarks/force_field_speed.py --peer spookynet --source CHECKOUT
    python benchmarks/force_field_speed.py --pipeline | --growth        # needs no peer

A step is: energies, forces, mean absolute error of the forces, backward to the parameters, Adam. 32 frames of 9 to 21
atoms, 13.4 on average, within 5 angstrom; GFN2-xTB frames made here, or those of `--frames FOLDER`. Milliseconds of the
process, or of the clock with `--threads 2`. Both programs get the same batches, fused Adam, and `backward(inputs=...)`,
which leaves out the derivatives to the positions (`--backward all`: the peer as its own training calls it). The C
library keeps freed memory. By default it returns large blocks to the system, and taking them anew is up to half of a
step of programs with large intermediates (`--freed-memory returned`: as it comes).

    default, oneDNN   float32 products by torch's default library, or by the other (`training.matmul`), for both
    ours, torch       plain PyTorch
    ours, native      operators compiled here, as `backend=auto` takes them
    ours, compiled    `--compile ours`: training.compile, on the torch backend
    x                 how many times as fast as the peer with the same products; the last line compares what our
                      training takes at this width with the peer at torch's default, and at its best

`--pipeline`: the share of gathering a batch. `--growth`: see `force_field_growth.py`.
"""

import argparse
import functools
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from chemscale.base.errors import UserError
from chemscale.forcefields.batches import FrameBatch, collate
from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.frames import Frames, Pairs
from chemscale.forcefields.labelling.making import make_frames
from chemscale.forcefields.neighbour_search import pairs_of_frames
from chemscale.forcefields.pairs import pairs_for
from chemscale.forcefields.task import ForceFieldTask
from chemscale.training.matmul import matmul_precision
from chemscale.training.precision import float32_products
from force_field_growth import keep_freed_memory, print_growth
from force_field_peers import (
    CUTOFF,
    Peer,
    Step,
    allegro_peer,
    error_of_peer,
    own_loss,
    schnetpack_peer,
    spookynet_peer,
    tensor_features_of,
    training_step,
)
from side_by_side import Times, machine_line, median_ratio, spread, take_turns

MEAN_ATOMS, FEWEST, MOST = 13.4, 9, 21
FRAMES_PER_BATCH = 32
PRODUCTS = {"default": "highest", "oneDNN": "medium"}


def main() -> None:
    """Measure, and print a table per size."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    if options.freed_memory == "kept":
        keep_freed_memory()
    clock = "processor" if options.threads == 1 else "wall"
    told = {"backward": options.backward, "freed_memory": options.freed_memory}
    print(machine_line(threads=options.threads, time=clock, **told), flush=True)
    if options.growth:
        print_growth(options.rounds, options.sizes)
        return
    with frames_to_time(options.frames) as frames:
        pairs = pairs_for(frames, CUTOFF)
        batches = [collate(frames, pairs, some) for some in choose_frames(frames, options.steps)]
        atoms, n_pairs = (np.mean([getattr(batch.graph, name) for batch in batches]) for name in ("n_atoms", "n_pairs"))
        print(f"{FRAMES_PER_BATCH} frames a step: {atoms:.0f} atoms, {n_pairs:.0f} pairs", flush=True)
        if options.pipeline:
            print_pipeline(options, frames, pairs, batches)
            return
        for width, depth in options.sizes:
            for name, peers in all_peers(options, batches, frames.species, width, depth):
                print_duel(options, f"{name}, width {width}, depth {depth}", width, peers, batches)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--peer", choices=["schnetpack", "allegro", "spookynet"])
    what.add_argument("--pipeline", action="store_true")
    what.add_argument("--growth", action="store_true")
    parser.add_argument("--source", type=Path, help="checkout of SpookyNet's source")
    parser.add_argument("--frames", type=Path, help="folder of prepared frames; without, 600 are made")
    parser.add_argument("--families", nargs="+", choices=["schnet", "painn"], default=["schnet", "painn"])
    parser.add_argument("--l-max", type=int, nargs="+", choices=[1, 2], default=[1, 2], help="of Allegro")
    parser.add_argument("--sizes", type=_size, nargs="+", default=[(16, 4), (64, 3), (256, 3)], help="width x depth")
    parser.add_argument("--compile", nargs="+", choices=["ours", "peer"], default=[], help="peer: Allegro alone")
    parser.add_argument("--backward", choices=["parameters", "all"], default="parameters", help="of the peer")
    parser.add_argument("--freed-memory", choices=["kept", "returned"], default="kept")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4, help="steps of a variant in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.peer == "spookynet" and not (options.source and (options.source / "spookynet/spookynet.py").is_file()):
        parser.error(f"--source {options.source}: --peer spookynet needs a checkout of github.com/OUnke/SpookyNet")
    if "peer" in options.compile and options.peer != "allegro":
        parser.error("--compile peer: only the Allegro package has a compiled form of its own")
    return options


def _size(text: str) -> tuple[int, int]:
    numbers = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not numbers:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a width and a depth, such as 64x3")
    return int(numbers[1]), int(numbers[2])


@contextmanager
def frames_to_time(folder: Path | None) -> Iterator[Frames]:
    """The frames of a folder, or some that are made here and thrown away."""
    if folder is not None:
        yield Frames.open(folder)
        return
    with tempfile.TemporaryDirectory() as made:
        yield make_frames(Path(made) / "frames", n=600)


def choose_frames(frames: Frames, n_batches: int) -> list[npt.NDArray[np.int64]]:
    """Frames of 9 to 21 atoms, in batches, drawn such that they have 13.4 atoms on average."""
    allowed = np.flatnonzero((frames.n_atoms >= FEWEST) & (frames.n_atoms <= MOST))
    count = n_batches * FRAMES_PER_BATCH
    if len(allowed) < count:
        raise SystemExit(f"{frames.folder}: {len(allowed)} frames of {FEWEST} to {MOST} atoms, {count} are needed")
    sizes = frames.n_atoms[allowed]
    flattest, steepest = -2.0, 2.0
    for _ in range(40):
        middle = (flattest + steepest) / 2
        weights = np.exp(-middle * (sizes - sizes.min()))
        flattest, steepest = (
            (middle, steepest) if np.average(sizes, weights=weights) > MEAN_ATOMS else (flattest, middle)
        )
    drawn = np.random.default_rng(0).choice(allowed, count, replace=False, p=weights / weights.sum())
    return list(drawn.reshape(n_batches, FRAMES_PER_BATCH))


def all_peers(
    options: argparse.Namespace, batches: Sequence[FrameBatch], species: Sequence[int], width: int, depth: int
) -> Iterator[tuple[str, list[Peer]]]:
    """Name and builds of what is compared at one size; the second build is the compiled one."""
    if options.peer == "schnetpack":
        for family in options.families:
            yield family, [schnetpack_peer(family, width, depth, batches, species)]
    elif options.peer == "allegro":
        for l_max in options.l_max:
            forms = [False, True] if "peer" in options.compile else [False]
            peers = [allegro_peer(l_max, width, depth, batches, species, compiled=form) for form in forms]
            yield f"allegro, l_max {l_max}, {tensor_features_of(width, l_max)} channels", peers
    else:
        yield "spookynet", [spookynet_peer(options.source, width, depth, batches, species)]


def print_duel(
    options: argparse.Namespace, title: str, width: int, peers: Sequence[Peer], batches: Sequence[FrameBatch]
) -> None:
    """Time the peers and ours in turns, and print milliseconds and ratios."""
    first = peers[0]
    own = {backend: first.build_own(backend) for backend in ("torch", "auto")}
    print(f"\n{title}; forces differ by {difference(first, own['torch'], batches[0]):.0e} of the largest")
    losses: dict[str, tuple[nn.Module, Callable[[int], Tensor]]] = {}
    for peer in peers:
        losses[peer.name] = peer.model, functools.partial(error_of_peer, peer, batches)
    losses["ours, torch"] = own["torch"], own_loss(own["torch"], batches)
    losses["ours, native"] = own["auto"], own_loss(own["auto"], batches)
    if "ours" in options.compile:
        compiled = first.build_own("torch")
        losses["ours, compiled"] = compiled, own_loss(compiled, batches, compiled=True)
    everything = {peer.name for peer in peers} if options.backward == "all" else set()
    steps = {name: training_step(*parts, everything=name in everything) for name, parts in losses.items()}
    taken = products_of_training(width)
    for name in (name for name in steps if "compiled" in name):
        with matmul_precision(PRODUCTS[taken]):
            print(f"{name}: first step after {seconds(steps[name], [0], time.perf_counter):.0f} s", flush=True)
    print_times(first.name, taken, time_steps(options, steps, taken))


def difference(peer: Peer, own: ForceField, batch: FrameBatch) -> float:
    """The largest difference of forces before training, by the largest force."""
    theirs, ours = peer.forces(0).detach(), own.predict(batch.graph, batch.positions).forces
    return float((theirs - ours).abs().max() / theirs.abs().max())


def seconds(step: Step, numbers: Sequence[int], clock: Callable[[], float]) -> float:
    """Seconds a step."""
    start = clock()
    for number in numbers:
        step(number)
    return (clock() - start) / len(numbers)


def products_of_training(width: int) -> str:
    """The products that our training takes at a width on this processor."""
    with float32_products(torch.device("cpu"), width, ForceFieldTask.arithmetic) as precision:
        return next(name for name, known in PRODUCTS.items() if known == precision)


def time_steps(options: argparse.Namespace, steps: Mapping[str, Step], taken: str) -> Times:
    """Milliseconds of every step with both kinds of products, in turns: "name|products".

    What is compiled has only those that training takes: torch.compile would compile again for the others.
    """
    clock = time.process_time if options.threads == 1 else time.perf_counter

    def measure(step: Step, precision: str) -> float:
        with matmul_precision(precision):
            return 1e3 * seconds(step, range(options.steps), clock)

    variants = {
        f"{name}|{products}": functools.partial(measure, step, precision)
        for name, step in steps.items()
        for products, precision in PRODUCTS.items()
        if "compiled" not in name or products == taken
    }
    return take_turns(variants, options.rounds)


def print_times(peer: str, taken: str, times: Times) -> None:
    """A row per variant, and the line about what training takes."""
    print("".join([" " * 20, *(f"{products + ' products':>34s}" for products in PRODUCTS)]))
    for name in dict.fromkeys(key.split("|")[0] for key in times):
        cells = []
        for products in PRODUCTS:
            values = times.get(f"{name}|{products}")
            if values is None:
                cells.append(" " * 34)
                continue
            cells.append(f"{spread(values, 1):>27s} {median_ratio(times[f'{peer}|{products}'], values):5.2f}x")
        print(f"{name:20s}" + "".join(cells))
    ours = times[f"ours, native|{taken}"]
    best = [min(pair) for pair in zip(*(times[f"{peer}|{products}"] for products in PRODUCTS), strict=True)]
    ratios = median_ratio(times[f"{peer}|default"], ours), median_ratio(best, ours)
    print(
        f"as trained (native, {taken}): {ratios[0]:.2f}x {peer} as it comes, {ratios[1]:.2f}x at its best", flush=True
    )


def print_pipeline(options: argparse.Namespace, frames: Frames, pairs: Pairs, batches: Sequence[FrameBatch]) -> None:
    """What gathering a batch costs, beside the step; and the search for pairs, which is done once."""
    random = np.random.default_rng(1)
    allowed = np.flatnonzero((frames.n_atoms >= FEWEST) & (frames.n_atoms <= MOST))

    def gather() -> float:
        chosen = [random.choice(allowed, FRAMES_PER_BATCH, replace=False) for _ in range(100)]
        start = time.process_time()
        for some in chosen:
            collate(frames, pairs, some)
        return 10 * (time.process_time() - start)

    def search() -> float:
        start = time.process_time()
        pairs_of_frames(frames, 0, min(2000, len(frames)), CUTOFF)
        return 1e3 * FRAMES_PER_BATCH * (time.process_time() - start) / min(2000, len(frames))

    variants: dict[str, Callable[[], float]] = {"gather a batch": gather, "search its pairs, once": search}
    width, depth = options.sizes[0]
    with float32_products(torch.device("cpu"), width, ForceFieldTask.arithmetic):
        for family in ("schnet", "painn", "allegro", "spookynet"):
            model = build_model(family, species=frames.species, width=width, depth=depth, cutoff=CUTOFF)
            step = training_step(model, own_loss(model, batches))
            variants[f"step of {family}"] = functools.partial(
                lambda step: 1e3 * seconds(step, range(len(batches)), time.process_time), step
            )
        times = take_turns(variants, options.rounds)
    print(f"\nwidth {width}, depth {depth}: processor ms for {FRAMES_PER_BATCH} frames, gathering's share of both")
    for name, values in times.items():
        share = median_ratio(
            times["gather a batch"], [a + b for a, b in zip(values, times["gather a batch"], strict=True)]
        )
        print(f"{name:24s} {spread(values, 3):>26s}" + (f" {100 * share:6.2f}%" if name.startswith("step") else ""))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
