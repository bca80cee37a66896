"""What cannot be done with a model, in one sentence: an error of our own, and the errors of transformers and
torch put into it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ModelError", "asking", "named", "needs_text", "reason"]


class ModelError(CourseError, ValueError):
    """The model cannot do what was asked, or its files cannot be read."""


def reason(error: BaseException) -> str:
    """The first line of a foreign error that says something, for the end of a sentence of ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return (f"{type(error).__name__} {said}" if not said or isinstance(error, KeyError) else said).rstrip(
        " .。:"
    )[:200]


def needs_text(model: PreTrainedModel, name: Path | str = "") -> None:
    """ModelError if the model reads images or sound; one that writes and can do without them reads text."""
    modalities = model.input_modalities
    others = [modalities] if isinstance(modalities, str) else list(modalities)
    if model.main_input_name != "input_ids" or not model.can_generate() and others != ["text"]:
        raise ModelError(
            zh='{model} 读的是图像或声音（{others}），不只是文本；文本请用 load("smollm2-135m")。',
            en="{model} reads images or sound ({others}), not text alone; "
            'for text there is load("smollm2-135m").',
            model=named(model, name),
            others=", ".join(others),
        )


def named(model: PreTrainedModel, name: Path | str = "") -> str:
    """How a message speaks of a model: its name, where it has one, and its class."""
    return f"{name} ({type(model).__name__})" if name else type(model).__name__


@contextmanager
def asking(model: PreTrainedModel, name: Path | str = ""):
    """transformers and torch raise errors of any kind; in this block each ends as one sentence, with the
    original behind it."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        raise ModelError(
            zh="{model} 答不了：{reason}。",
            en="{model} cannot answer this: {reason}.",
            model=named(model, name),
            reason=reason(error),
        ) from error
