"""Policies: who goes on, decided from the scores so far. One policy a file, all behind one interface.

decision.py      what a policy is given and what it answers
window.py        keep the k best at one place of the budget
halving.py       successive halving: a share goes on at every rung
race.py          stop a run when its gap to the leader exceeds what the drift could still close
first_epochs.py  the i-epoch baseline: train all for i epochs, go on with the best
"""

from chemscale.tpe.policies.decision import Decision, Known, Policy
from chemscale.tpe.policies.first_epochs import FirstEpochs
from chemscale.tpe.policies.halving import Halving
from chemscale.tpe.policies.race import Race
from chemscale.tpe.policies.window import KeepBest

POLICIES: dict[str, type[KeepBest] | type[Halving] | type[Race] | type[FirstEpochs]] = {
    "window": KeepBest,
    "halving": Halving,
    "race": Race,
    "i-epoch": FirstEpochs,
}

__all__ = ["POLICIES", "Decision", "FirstEpochs", "Halving", "KeepBest", "Known", "Policy", "Race"]
