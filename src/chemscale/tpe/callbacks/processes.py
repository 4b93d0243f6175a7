"""One decision for all processes of a distributed run: the first process looks, the others are told."""

import sys


def told_by_first(decision: bool) -> bool:
    """The first process's `decision`, in every process; `decision` itself where torch runs no group of processes."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return decision
    box = [decision]
    distributed.broadcast_object_list(box, src=0)
    return bool(box[0])
