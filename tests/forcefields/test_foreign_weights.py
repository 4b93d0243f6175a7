"""Names and orders; that the numbers are right is tested beside the models."""

import pytest
import torch

from chemscale.base.errors import DataError
from chemscale.forcefields.foreign_weights import FOREIGN, painn_from_neural_force_field


@pytest.mark.parametrize("form", FOREIGN)
def test_missing_weights_are_named(form: tuple[str, str]) -> None:
    with pytest.raises(DataError, match=r"\.weight: not among the weights"):
        FOREIGN[form]({"something.weight": torch.zeros(3)}, 2)


def test_gates_of_neural_force_field_are_put_in_our_order() -> None:
    def rows(*values: float) -> torch.Tensor:
        return torch.tensor(values)[:, None]

    weights = {
        "embed_block.atom_embed.weight": torch.ones(100, 1),
        "message_blocks.0.inv_message.inv_dense.layers.0.weight": rows(0.0),
        "message_blocks.0.inv_message.inv_dense.layers.1.weight": rows(3.0, 1.0, 2.0),  # c, a, b
        "message_blocks.0.inv_message.dist_embed.block.1.weight": rows(30.0, 10.0, 20.0),
        "message_blocks.0.inv_message.dist_embed.block.1.bias": torch.tensor([300.0, 100.0, 200.0]),
        "message_blocks.0.inv_message.inv_dense.layers.1.bias": torch.tensor([0.3, 0.1, 0.2]),
        "update_blocks.0.u_mat.weight": rows(5.0),
        "update_blocks.0.v_mat.weight": rows(4.0),
        "update_blocks.0.s_dense.0.weight": torch.zeros(1, 2),
        "update_blocks.0.s_dense.1.weight": rows(2.0, 3.0, 1.0),  # vv, sv, ss
        "update_blocks.0.s_dense.1.bias": torch.tensor([0.2, 0.3, 0.1]),
        "readout_blocks.0.readoutdict.energy.0.weight": rows(0.0),
        "readout_blocks.0.readoutdict.energy.1.weight": rows(0.0),
    }
    state = painn_from_neural_force_field(weights, 1)
    assert state["senders.0.scalar_2.weight"].flatten().tolist() == [1, 2, 3]
    assert state["filters.weight"].flatten().tolist() == [10, 20, 30]
    assert state["filters.bias"].tolist() == [100, 200, 300]
    assert state["updates.0.gate_2.weight"].flatten().tolist() == [1, 2, 3]  # ss, vv, sv
    assert state["updates.0.mix.weight"].flatten().tolist() == [4, 5]  # V, U
    assert state["embedding.table.weight"].shape == (119, 1)
