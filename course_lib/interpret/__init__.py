"""Looking inside a model: what a forward pass did, as arrays, and what changes when a part of it is silenced.

    found = look(m, "The cat sat on the mat")               # any model of the course (`models.protocol`)
    found.parts["self"].weights(layer=5, head=3)            # [T, S]
    ablate(m, "The cat sat on the", [(5, 3)])               # the prediction with and without that head

capture (every weight as one array) - heads (the same, packed) - scores - passes (`look`) - ablation -
gradients (`influence`) - surprisal - options;
`trace`: the tensors of a decoder's pass, one by one.
"""

from ..models.attention import Attention, capture
from ..models.tracing import Trace, trace
from .ablation import Effect, ablate, ablated
from .gradients import influence
from .heads import Heads
from .options import option_log_probs
from .passes import Pass, look, scores_before
from .scores import SCORES, rollout
from .surprisal import Surprise, surprise

__all__ = [
    "SCORES",
    "Attention",
    "Effect",
    "Heads",
    "Pass",
    "Surprise",
    "Trace",
    "ablate",
    "ablated",
    "capture",
    "influence",
    "look",
    "option_log_probs",
    "rollout",
    "scores_before",
    "surprise",
    "trace",
]
