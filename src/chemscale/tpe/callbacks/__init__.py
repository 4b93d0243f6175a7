"""TPE in other people's training: three lines of plain Python, Lightning, Hugging Face, Optuna.

Every run appends its losses to a file of its own in a shared folder. The folder is all that the runs know of each
other: no service, any number of processes, and `chemscale tpe FOLDER` reads it at any time. No library named here has
to be installed for another one's class.

recorder.py            the losses of one run, and whether it should stop: plain Python
lightning_callback.py  the same as a Lightning callback
hugging_face.py        the same as a Hugging Face TrainerCallback
optuna_pruner.py       the policies as an Optuna pruner; Optuna's own storage takes the folder's place
standing.py            where one run stands among those known so far
checks.py              when a run in training is looked at
curve_file.py          the file of one run: appended to, mended after a crash
curve_folder.py        the files of all runs, read again only where they grew
processes.py           one decision for all processes of a distributed run
library_base.py        classes whose base belongs to a library that may not be installed
"""

from chemscale.tpe.callbacks.hugging_face import HuggingFaceCallback
from chemscale.tpe.callbacks.lightning_callback import LightningCallback
from chemscale.tpe.callbacks.optuna_pruner import CurvePruner
from chemscale.tpe.callbacks.recorder import Recorder

__all__ = ["CurvePruner", "HuggingFaceCallback", "LightningCallback", "Recorder"]
