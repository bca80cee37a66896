"""Training: `fit` for every model of the course, and what it leaves behind, a `History`.

history = cl.fit(model, ids, steps=500, batch_size=12, lr=1e-3)
"""

from .data import default_loss, pair_batch
from .history import Diverged, History, TrainingError
from .loop import fit

__all__ = ["Diverged", "History", "TrainingError", "default_loss", "fit", "pair_batch"]
