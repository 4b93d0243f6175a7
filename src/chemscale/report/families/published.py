"""Exponents of the literature, to stand beside those of a study.

frey2023, Table A.1: loss on forces against 10^2 to 10^5 frames of ANI-1x at capacity 64 (depth 4, width 16). Data,
labels and training are not those of a study here, so they are shown and never tested against.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PUBLISHED_SIZE = 64.0  # depth 4 x width 16
PUBLISHED_ABOUT = "Frey et al. 2023, Table A.1: other data (ANI-1x, up to 100k frames), as published with ±"


@dataclass(frozen=True)
class PublishedExponent:
    """An exponent and its ±, as printed."""

    beta: float
    plus_minus: float

    def __str__(self) -> str:
        return f"{self.beta:.2f} ± {self.plus_minus:.2f}"


PUBLISHED: Mapping[str, PublishedExponent] = {
    "schnet": PublishedExponent(0.17, 0.03),
    "painn": PublishedExponent(0.26, 0.05),
    "allegro": PublishedExponent(0.23, 0.03),
}
