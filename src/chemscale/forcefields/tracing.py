"""Energy, forces and charges of one structure as one graph of torch's own operators.

The energy and its derivative are traced together (`make_fx`), with the numbers of atoms and pairs as symbols, so that
no automatic differentiation is left to do when the graph runs: faster, and free of this program's code.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental import _config as symbolic_config
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from chemscale.base.errors import DataError, UserError
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph, DirectedEdges
from chemscale.forcefields.segments import Segments

EXAMPLE_ATOMS = 5  # no size of the example may be one that a network has, lest it be taken for a constant


class OneStructure(AtomGraph):
    """The graph of one structure, made without operators whose shapes depend on values."""

    @cached_property
    def directed(self) -> DirectedEdges:
        """Both directions of every pair, sorted by the atom in the centre."""
        first, second = self.first.index, self.second.index
        n_pairs = first.shape[0]
        centre, order = torch.sort(torch.cat([first, second]), stable=True)
        pair = torch.arange(n_pairs, device=first.device).repeat(2)
        backward = torch.cat([torch.zeros_like(first), torch.ones_like(first)]).bool()
        return DirectedEdges(
            centre=_rows(centre, self.n_atoms),
            neighbour=_rows(torch.cat([second, first])[order], self.n_atoms),
            pair=_rows(pair[order], n_pairs),
            reversed=backward[order],
        )


class _OneFrame(Segments):
    """All atoms belong to frame 0: sums need no index."""

    def gather(self, rows: Tensor) -> Tensor:
        return rows.expand(self.index.shape[0], *rows.shape[1:])

    def sum(self, pairs: Tensor) -> Tensor:
        return pairs.sum(0, keepdim=True)


@dataclass(frozen=True)
class Traced:
    """A force field as a graph.

    Attributes:
        graph: the call is `energy, forces[, charges] = graph(numbers, positions, first, second, shifts, charge,
            unpaired)`; see `chemscale.forcefields.export`.
        example: arguments for a first call.
        periodic: whether shifts may be other than zero; where not, the energy is infinite if one is.
        has_charges: whether the graph gives charges.
    """

    graph: GraphModule
    example: tuple[Tensor, ...]
    periodic: bool
    has_charges: bool


def trace(force_field: ForceField) -> Traced:
    """Trace a frozen force field.

    Raises:
        UserError: this family's network has shapes that depend on values.
    """
    example = _example(force_field)
    with _compiling():
        periodic = _takes_shifts(force_field, example)
        compute = _Compute(force_field, periodic)
        outputs = compute(*example)  # with true tensors first: what a network keeps for later must not be symbols
        try:
            graph = make_fx(compute, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*example)
        except GuardOnDataDependentSymNode as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"this force field cannot be exported: a shape in it depends on values ({reason})"
            ) from error
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return Traced(graph, example, periodic, has_charges=len(outputs) == 3)


def scripted(graph: GraphModule) -> torch.jit.ScriptModule:
    """A traced graph in TorchScript."""
    for node in list(graph.graph.nodes):
        if node.op != "call_function":
            continue
        with graph.graph.inserting_before(node):
            node.args = tuple(_spelt_out(graph.graph, value) for value in node.args)
        node.kwargs = {name: value for name, value in node.kwargs.items() if name not in ("pin_memory", "layout")}
        if node.target is torch.ops.aten.sym_size.int:
            node.op, node.target = "call_method", "size"
        elif isinstance(node.target, torch._ops.OpOverload):
            node.target = node.target.overloadpacket
    graph.recompile()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch recommends torch.export
        warnings.simplefilter("ignore", UserWarning)  # about annotations of torch's own classes
        return torch.jit.script(graph)


def _spelt_out(graph: torch.fx.Graph, value: Any) -> Any:
    """TorchScript has no literal for infinity."""
    infinite = isinstance(value, float) and not math.isfinite(value)
    return graph.call_function(float, (str(value),)) if infinite else value


class _Compute:
    def __init__(self, force_field: ForceField, periodic: bool) -> None:
        self.force_field, self.periodic = force_field, periodic

    def __call__(
        self,
        numbers: Tensor,
        positions: Tensor,
        first: Tensor,
        second: Tensor,
        shifts: Tensor,
        charge: Tensor,
        unpaired: Tensor,
    ) -> tuple[Tensor, ...]:
        n_atoms = numbers.shape[0]
        ends = torch.cat([numbers.new_zeros(1), numbers.new_full((1,), n_atoms)])
        frames = _OneFrame(torch.zeros_like(numbers), torch.arange(n_atoms, device=numbers.device), ends)
        graph = OneStructure(
            numbers,
            frames,
            _rows(first, n_atoms),
            _rows(second, n_atoms),
            shifts if self.periodic else None,
            charge,
            unpaired,
        )
        with torch.enable_grad():
            at = positions.detach().requires_grad_()
            interaction, charges = self.force_field.forward(graph, at)
            (gradient,) = torch.autograd.grad(interaction.sum(), at)
        energy = interaction.detach().double() + self.force_field.reference_energies(graph)
        if not self.periodic:
            energy = energy / (shifts.abs().sum() == 0).double()
        return (energy, -gradient) if charges is None else (energy, -gradient, charges.detach())


def _takes_shifts(force_field: ForceField, example: tuple[Tensor, ...]) -> bool:
    try:
        _Compute(force_field, periodic=True)(*example)
    except DataError:  # long-range physics of molecules
        return False
    return True


def _rows(index: Tensor, n_rows: int) -> Segments:
    # while torch compiles, segments read the index and how many offsets there are, no order
    return Segments(index, index, index.new_empty(n_rows + 1))


def _example(force_field: ForceField) -> tuple[Tensor, ...]:
    """A zigzag chain of one element, all pairs within the cutoff or not."""
    device, dtype = force_field.scale.device, force_field.scale.dtype
    atom = torch.arange(EXAMPLE_ATOMS, dtype=dtype)
    positions = torch.stack([1.1 * atom, 0.4 * (atom % 2), 0.1 * atom * atom], dim=1)
    first, second = torch.triu_indices(EXAMPLE_ATOMS, EXAMPLE_ATOMS, offset=1).unbind()
    numbers = torch.full((EXAMPLE_ATOMS,), force_field.species[0])
    zero = torch.zeros(1, dtype=dtype)
    example = (
        numbers,
        positions,
        first.contiguous(),
        second.contiguous(),
        torch.zeros(len(first), 3, dtype=dtype),
        zero,
        zero.clone(),
    )
    return tuple(tensor.to(device) for tensor in example)


@contextmanager
def _compiling() -> Iterator[None]:
    """Let models take the operators that they take when torch compiles them: its own, of fixed shapes."""
    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        with sizes_of_any_number():
            yield
    finally:
        torch.compiler._is_compiling_flag = before


def sizes_of_any_number() -> AbstractContextManager[None]:
    """Let torch take sizes of 0 and 1 for sizes like others: one atom, one pair or none."""
    manager: AbstractContextManager[None] = symbolic_config.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    return manager
