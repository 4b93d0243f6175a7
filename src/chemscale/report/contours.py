"""Lines of equal height through a grid of values, for any law, monotone or not (marching squares)."""

from collections import defaultdict

import numpy as np

Edge = tuple[int, int, int]  # column, row, 0 for the edge to the right and 1 for the one upwards


def level_lines(x: np.ndarray, y: np.ndarray, heights: np.ndarray, level: float) -> list[np.ndarray]:
    """The lines on which the heights are `level`, by linear interpolation along the edges of the grid.

    Args:
        x: ascending [n_x].
        y: ascending [n_y].
        heights: [n_x, n_y], finite.
        level: no corner may have exactly this height; one that has is taken to lie above it.

    Returns:
        Lines [n_points, 2], each from one end to the other; closed ones end where they start.
    """
    above = heights >= level
    neighbours: dict[Edge, list[Edge]] = defaultdict(list)
    mixed = above[:-1, :-1].astype(int) + above[1:, :-1] + above[:-1, 1:] + above[1:, 1:]
    for i, j in np.argwhere((mixed > 0) & (mixed < 4)):
        crossed = _crossed(int(i), int(j), above)
        # A saddle has four crossings; either pairing is a fair drawing of it.
        for first, second in zip(crossed[::2], crossed[1::2], strict=True):
            neighbours[first].append(second)
            neighbours[second].append(first)
    place = {edge: _point(edge, x, y, heights, level) for edge in neighbours}
    return [np.array([place[edge] for edge in chain]) for chain in _chains(neighbours)]


def _crossed(i: int, j: int, above: np.ndarray) -> list[Edge]:
    """The crossed edges of the square whose lower left corner is (i, j), in turn around it."""
    edges = [
        ((i, j, 0), above[i, j] != above[i + 1, j]),
        ((i + 1, j, 1), above[i + 1, j] != above[i + 1, j + 1]),
        ((i, j + 1, 0), above[i, j + 1] != above[i + 1, j + 1]),
        ((i, j, 1), above[i, j] != above[i, j + 1]),
    ]
    return [edge for edge, is_crossed in edges if is_crossed]


def _point(edge: Edge, x: np.ndarray, y: np.ndarray, heights: np.ndarray, level: float) -> tuple[float, float]:
    i, j, upwards = edge
    k, m = (i, j + 1) if upwards else (i + 1, j)
    share = (level - heights[i, j]) / (heights[k, m] - heights[i, j])
    return float(x[i] + share * (x[k] - x[i])), float(y[j] + share * (y[m] - y[j]))


def _chains(neighbours: dict[Edge, list[Edge]]) -> list[list[Edge]]:
    """Walk the graph, open lines from their ends first, then the closed ones."""
    left = dict(neighbours)
    chains = []
    for start in sorted(neighbours, key=lambda edge: len(neighbours[edge])):
        if start not in left:
            continue
        chain, step = [start], left.pop(start)
        while following := [edge for edge in step if edge in left]:
            chain.append(following[0])
            step = left.pop(following[0])
        if len(chain) > 2 and start in step:
            chain.append(start)
        chains.append(chain)
    return chains
