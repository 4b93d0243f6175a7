"""Atoms that start alike: before the first interaction, features depend on the element and the frame's charge and spin.

So the electronic embedding and everything of the first interaction that looks at one atom alone are worked out once
for every kind of atom, and copied to the atoms. With neutral closed-shell frames, kinds are the elements.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments, is_traced


class AtomKinds(NamedTuple):
    """Kinds of atoms of a graph.

    Attributes:
        of_atom: the kind of every atom.
        element: position of the kind's element among the species [n_kinds].
        frame: the frame of a kind; n_frames stands for all neutral closed-shell frames [n_kinds].
        counts: atoms of the kind [n_kinds].
        charged: whether any frame has a charge or unpaired electrons.
    """

    of_atom: Segments
    element: Tensor
    frame: Tensor
    counts: Tensor
    charged: bool


def atom_kinds(graph: AtomGraph, element: Tensor, n_elements: int) -> AtomKinds:
    """Sort the atoms into kinds.

    Args:
        graph: atoms and frames.
        element: position of every atom's element among the species [n_atoms].
        n_elements: number of species.
    """
    if is_traced():  # every atom its own kind: no shape that depends on data
        each = torch.arange(graph.n_atoms, device=element.device)
        alone = Segments(each, each, torch.arange(graph.n_atoms + 1, device=element.device))
        return AtomKinds(alone, element, graph.frames.index, torch.ones_like(element), True)
    special = (graph.charges != 0) | (graph.unpaired != 0)
    if not bool(special.any()):
        elements = torch.arange(n_elements, device=element.device)
        counts = torch.bincount(element, minlength=n_elements)
        frame = torch.full_like(elements, graph.n_frames)
        return AtomKinds(Segments.of(element, n_elements), elements, frame, counts, False)
    frame = torch.where(special[graph.frames.index], graph.frames.index, graph.n_frames)
    keys, kind, counts = torch.unique(frame * n_elements + element, return_inverse=True, return_counts=True)
    return AtomKinds(Segments.of(kind, len(keys)), keys % n_elements, keys // n_elements, counts, True)
