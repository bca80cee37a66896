"""Writing with a model: `generate`, and the three ways to choose the next token.

ids = cl.generate(model, prompt, max_new_tokens=50, strategy=cl.Sample(temperature=0.8, top_p=0.9, seed=1))
"""

from .apart import run_apart
from .constrained import pick
from .decoding import generate
from .lines import first_lines
from .low_precision import compress
from .speculative import Draft
from .strategies import Beam, GenerationError, Greedy, Sample
from .stream import TextStream
from .timing import pass_seconds

__all__ = [
    "Beam",
    "Draft",
    "GenerationError",
    "Greedy",
    "Sample",
    "TextStream",
    "compress",
    "first_lines",
    "generate",
    "pass_seconds",
    "pick",
    "run_apart",
]
