import pytest

from chemscale.forcefields.equivariant.irreps import (
    SCALAR,
    Irrep,
    Parity,
    allowed_irreps,
    couples,
    dimension,
    harmonic_irreps,
    layer_irreps,
    slices,
)


def text(irreps: tuple[Irrep, ...]) -> str:
    return " ".join(f"{irrep.l}{'e' if irrep.parity == 1 else 'o'}" for irrep in irreps)


def test_a_vector_and_a_vector_give_a_scalar_an_axial_vector_and_a_tensor() -> None:
    vector = Irrep(1, -1)
    products = [out for out in allowed_irreps(2, "o3_full") if couples(vector, vector, out)]
    assert text(tuple(products)) == "0e 1e 2e"


def test_components_stand_one_after_the_other() -> None:
    irreps = harmonic_irreps(2, "o3_full")
    assert text(irreps) == "0e 1o 2e" and dimension(irreps) == 9
    assert slices(irreps) == [slice(0, 1), slice(1, 4), slice(4, 9)]


@pytest.mark.parametrize(
    ("parity", "depth", "expected"),
    [
        ("o3_full", 1, ["0e 1o 2e", "0e"]),
        ("o3_full", 2, ["0e 1o 2e", "0e 1o 2e", "0e"]),
        ("o3_full", 3, ["0e 1o 2e", "0e 1e 1o 2e 2o", "0e 1o 2e", "0e"]),
        ("o3_full", 5, ["0e 1o 2e", "0e 1e 1o 2e 2o", "0e 0o 1e 1o 2e 2o", "0e 1e 1o 2e 2o", "0e 1o 2e", "0e"]),
        ("o3_restricted", 3, ["0e 1o 2e"] * 3 + ["0e"]),
        ("so3", 3, ["0e 1e 2e"] * 3 + ["0e"]),
    ],
)
def test_layers_carry_what_later_scalars_need_and_nothing_else(parity: Parity, depth: int, expected: list[str]) -> None:
    layers = layer_irreps(harmonic_irreps(2, parity), allowed_irreps(2, parity), depth)
    assert [text(irreps) for irreps in layers] == expected
    assert layers[-1] == (SCALAR,)
