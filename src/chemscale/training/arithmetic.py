"""What a world's models allow of the arithmetic they are computed in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arithmetic:
    """What may be traded for speed.

    Attributes:
        bfloat16: whether products in bfloat16 are accurate enough; forces as derivatives of an energy need float32.
        fast_products_from_width: from which width on float32 products may go to the faster library of the two that
            torch has on a CPU; below it, setting up a product costs more than the product.
    """

    bfloat16: bool = True
    fast_products_from_width: int = 0


UNRESTRICTED = Arithmetic()
