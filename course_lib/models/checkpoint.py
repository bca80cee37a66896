"""A folder of files -> a transformers model with every one of its weights and its tokenizer, or one sentence
that says why not.

transformers is lenient: what a file lacks it fills with random numbers, what it cannot place it drops, a
tokenizer that is not there it builds empty, and it asks in English whether to run a folder's code. Each is an
error here that names the file.

    model, tokenizer = open_folder(Path("my-model"))
"""

from __future__ import annotations

import inspect
import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..i18n import L
from .failure import ModelError, needs_text, reason

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["complete", "finite", "kind_of", "open_folder", "read_config", "weight_files"]

# Tensors that a model can do without: buffers of old versions, and the heads of a pretraining whose model is
# named without them.
_SPARE = re.compile(
    r"(^|\.)(position_ids|token_type_ids|inv_freq|attn(\.attention)?\.(masked_)?bias|attention\.(masked_)?bias|num_batches_tracked"
    r"|pooler\..*|cls\.seq_relationship\..*|sop_classifier\..*)$"
)


def open_folder(
    folder: Path, trust_remote_code: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, in float32 and with the class that config.json names, and the tokenizer. ModelError where
    either is not whole."""
    import torch
    from safetensors import SafetensorError

    config = read_config(folder, trust_remote_code)
    cls, options = (
        _model_class(folder, config),
        dict(dtype=torch.float32, use_safetensors=True, trust_remote_code=trust_remote_code),
    )
    try:
        # Mismatched sizes are let through here because `complete` names them; transformers' own error does
        # not.
        load = partial(
            cls.from_pretrained, folder, **options, output_loading_info=True, ignore_mismatched_sizes=True
        )
        model, info = load()
        if (
            info["missing_keys"]
            and all("pooler." in key for key in info["missing_keys"])
            and "add_pooling_layer" in inspect.signature(type(model).__init__).parameters
        ):
            # nothing of the course's asks the pooler: none is better than a random one
            model, info = load(add_pooling_layer=False)
    except SafetensorError as error:
        raise ModelError(
            zh="{folder} 里的权重文件读不了：{reason}。请重新下载。",
            en="The weights in {folder} cannot be read: {reason}. Fetch them again.",
            folder=folder,
            reason=reason(error),
        ) from error
    except Exception as error:
        raise ModelError(
            zh="按 {config} 建不出模型：{reason}。",
            en="No model can be made as {config} describes it: {reason}.",
            config=folder / "config.json",
            reason=reason(error),
        ) from error
    complete(model, info, folder)
    if "decoder_input_ids" not in inspect.signature(model.forward).parameters:
        model.config.is_encoder_decoder = False  # the encoder of a T5 by itself keeps the config of the whole
    return model, _tokenizer(folder, model, trust_remote_code)


def read_config(folder: Path, trust_remote_code: bool = False):
    """The transformers config of the checkpoint in `folder`; ModelError where there is none that can be read
    without running its code."""
    from transformers import AutoConfig

    written = _config(folder)
    if not trust_remote_code and _needs_code(folder, written):
        raise ModelError(
            zh="{folder} 里带着自己的 Python 代码，要运行它才能加载这个模型。课程不会擅自运行别人的代码；"
            "读过并信任它之后，用 cl.load(…, trust_remote_code=True)。",
            en="{folder} brings Python code of its own, which the model needs. "
            "The course never runs a stranger's code by itself; once you have read it and trust it, "
            "call cl.load(…, trust_remote_code=True).",
            folder=folder,
        )
    weight_files(folder)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except (
        Exception
    ) as error:  # a config may be wrong in any way, and transformers raises whatever that leads to
        raise ModelError(
            zh="{config} 描述不了一个模型：{reason}。",
            en="{config} does not describe a model: {reason}.",
            config=folder / "config.json",
            reason=reason(error),
        ) from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up the checkpoint, as transformers chooses them; ModelError if one is
    not there."""
    index = folder / "model.safetensors.index.json"
    if (whole := folder / "model.safetensors").is_file():
        return [whole]
    if index.is_file():
        names = sorted(set(_json(index).get("weight_map", {}).values()))
        for name in names:
            if not (folder / name).is_file():
                raise ModelError(
                    zh="{folder} 里缺少 {name}：权重分成了 {files} 个文件，请把它补全。",
                    en="{folder} lacks {name}: the weights are spread over {files} files; fetch the rest.",
                    folder=folder,
                    name=name,
                    files=len(names),
                )
        return [folder / name for name in names]
    others = sorted(
        p.name
        for p in folder.iterdir()
        if p.suffix in (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx")
    )
    raise ModelError(
        zh="{folder} 里没有 model.safetensors（{others}）。用 transformers 打开原来的模型，再 "
        "save_pretrained 一次就会写出它；pickle 文件能运行任意代码，这里不读。",
        en="{folder} has no model.safetensors ({others}). Open the original in transformers and call "
        "save_pretrained, which writes one; pickles can run any code and are not read here.",
        folder=folder,
        others=", ".join(others) or L(zh="没有权重文件", en="no weights at all"),
    )


def complete(model: PreTrainedModel, info: dict, where: Path | str) -> None:
    """ModelError unless each weight of `model` came from the checkpoint, nothing was left over, and all are
    finite numbers.

    info: what from_pretrained(output_loading_info=True) returned.
    """
    missing = sorted(info["missing_keys"])
    left = sorted(key for key in info["unexpected_keys"] if not _SPARE.search(key))
    name = type(model).__name__
    for key, found, wanted in sorted(info["mismatched_keys"]):
        raise ModelError(
            zh="{where} 里张量 {key} 的形状是 {found}，按 config.json 应是 {wanted}。",
            en="In {where} the tensor {key} has the shape {found}; by config.json it should be {wanted}.",
            where=where,
            key=key,
            found=list(found),
            wanted=list(wanted),
        )
    longest = max(missing, key=len, default="")
    wrapper = next((key.removesuffix(longest) for key in left if longest and key.endswith("." + longest)), "")
    if wrapper:
        raise ModelError(
            zh="{where} 里的张量名都以 {wrapper} 开头：保存的是外面那层包装（torch.compile、"
            "DataParallel 等），不是模型。请对里面的模型 save_pretrained 一次。",
            en="The names of the tensors in {where} begin with {wrapper}: "
            "what was saved is a wrapper (of torch.compile, DataParallel …), not the model. "
            "Call save_pretrained on the model inside it.",
            where=where,
            wrapper=wrapper,
        )
    if missing:
        raise ModelError(
            zh="{where} 缺少 {name} 的张量（共 {count} 个），例如 {first}；"
            "缺的部分只能是随机数，所以不加载。请重新下载，或用这个类重新保存完整的模型。",
            en="{where} lacks tensors of {name} ({count} in all), such as {first}; "
            "random numbers would stand in their place, so it is not loaded. "
            "Fetch it again, or save the whole model with that class.",
            where=where,
            first=missing[0],
            name=name,
            count=len(missing),
        )
    if left:
        raise ModelError(
            zh="{where} 里有些张量（共 {count} 个）在 {name} 里没有位置，例如 {first}："
            "config.json（architectures、层数）说的不是这个模型。",
            en="{where} holds tensors ({count} in all) that have no place in {name}, such as {first}: "
            "its config.json (architectures, number of layers) describes another model.",
            where=where,
            first=left[0],
            name=name,
            count=len(left),
        )
    for key, weight in model.named_parameters():
        finite(key, weight, where)


def finite(key: str, weight: Tensor, where: Path | str) -> None:
    """ModelError if `weight` holds a number that is none."""
    import torch

    # the sum first: it makes no second tensor
    if not torch.isfinite(weight.detach().sum()) and not torch.isfinite(weight).all():
        raise ModelError(
            zh="{where} 里的张量 {key} 含有 NaN 或无穷大：模型训练时已经发散，或文件坏了，"
            "什么也算不出来。请换一个更早的检查点。",
            en="The tensor {key} in {where} holds NaN or infinity: "
            "the model diverged in training, or the file is damaged, "
            "and it can compute nothing. Take an earlier checkpoint.",
            where=where,
            key=key,
        )


def kind_of(model: PreTrainedModel) -> str:
    """ "causal", "masked", "seq2seq", or "encoder" for whatever writes nothing, classifiers too."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    if model.config.is_encoder_decoder:
        return "seq2seq"
    name = type(model).__name__
    if (
        name.endswith("ForMaskedLM")
        or name in MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
        and not getattr(model.config, "causal", False)
    ):
        return "masked"
    return "causal" if model.can_generate() else "encoder"


def _config(folder: Path) -> dict:
    """config.json as it is written, once it is clear that the folder holds a model that can be read."""
    if (folder / "adapter_config.json").is_file():
        base = _json(folder / "adapter_config.json").get("base_model_name_or_path") or "…"
        raise ModelError(
            zh="{folder} 是一个 LoRA 适配器，不是完整的模型，要装在 {base} 上："
            'model = peft.PeftModel.from_pretrained(cl.load("{base}").model, "{folder}")。',
            en="{folder} is a LoRA adapter, not a whole model; it belongs on {base}: "
            'model = peft.PeftModel.from_pretrained(cl.load("{base}").model, "{folder}").',
            folder=folder,
            base=base,
        )
    if not (folder / "config.json").is_file():
        inside = sorted(path.parent.name for path in folder.glob("*/config.json"))
        if inside:
            raise ModelError(
                zh="{folder} 本身不是模型，模型在它里面：{inside}。请给出其中一个的路径。",
                en="{folder} is no model itself; there are models inside it: {inside}. "
                "Give the path of one of them.",
                folder=folder,
                inside=", ".join(inside[:8]),
            )
        raise ModelError(
            zh="{folder} 里没有 config.json：需要一个带 config.json、model.safetensors 和分词器文件的目录。",
            en="{folder} has no config.json: it takes a directory with config.json, "
            "model.safetensors and the tokenizer's files.",
            folder=folder,
        )
    written = _json(folder / "config.json")
    for key, shape in (("architectures", list), ("auto_map", dict)):
        if not isinstance(written.get(key) or shape(), shape) or not all(
            isinstance(name, str) for name in written.get(key) or ()
        ):
            raise ModelError(
                zh="{config} 里的 {key} 写错了：{value!r}。",
                en="{key} in {config} is malformed: {value!r}.",
                config=folder / "config.json",
                key=key,
                value=written[key],
            )
    quantized = written.get("quantization_config")
    if quantized:
        method = quantized.get("quant_method", "?") if isinstance(quantized, dict) else "?"
        raise ModelError(
            zh="{folder} 的权重是量化过的（{method}），课程只读普通的浮点权重。请用同一个模型未量化的版本。",
            en="The weights in {folder} are quantised ({method}); "
            "the course reads plain floating-point ones. Take the same model unquantised.",
            folder=folder,
            method=method,
        )
    return written


def _json(path: Path) -> dict:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(
            zh="{path} 不是 JSON：{reason}。",
            en="{path} is not JSON: {reason}.",
            path=path,
            reason=reason(error),
        ) from error
    if not isinstance(found, dict):
        raise ModelError(
            zh="{path} 里应是一个 JSON 对象 {{…}}。", en="{path} should hold a JSON object {{…}}.", path=path
        )
    return found


def _needs_code(folder: Path, written: dict) -> bool:
    """Does the folder point to code of its own for something that transformers does not have under the same
    name?"""
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    ours = {name.lower() for name in dir(transformers)}
    tokenizer = (
        _json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    )
    architecture = (written.get("architectures") or [""])[0]
    model_needs = written.get("model_type") not in CONFIG_MAPPING_NAMES or architecture.lower() not in ours
    tokenizer_needs = str(tokenizer.get("tokenizer_class")).lower() not in ours
    return (
        bool(written.get("auto_map")) and model_needs or bool(tokenizer.get("auto_map")) and tokenizer_needs
    )


def _model_class(folder: Path, config):
    """The class that config.json names: it has every head and both halves that the checkpoint was saved
    with."""
    import transformers

    architecture = (getattr(config, "architectures", None) or [""])[0]
    own = getattr(config, "auto_map", None) or {}
    for auto, path in own.items():
        if str(path).rpartition(".")[2] == architecture and not hasattr(transformers, architecture):
            return getattr(transformers, auto)  # the reader trusts the folder's code
    if not architecture:
        return transformers.AutoModel
    if hasattr(transformers, architecture):
        return getattr(transformers, architecture)
    # MPTForCausalLM is MptForCausalLM
    same = next((name for name in dir(transformers) if name.lower() == architecture.lower()), None)
    if same:
        return getattr(transformers, same)
    raise ModelError(
        zh="{config} 说模型类是 {architecture}，这个版本的 transformers（{version}）没有它。",
        en="{config} names the model class {architecture}, which this version of transformers ({version}) "
        "does not have.",
        config=folder / "config.json",
        architecture=architecture,
        version=transformers.__version__,
    )


def _tokenizer(folder: Path, model: PreTrainedModel, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
        known = set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)
    except Exception as error:
        needs_text(model, folder)
        raise ModelError(
            zh="{folder} 里的分词器读不出来：{reason}。分词器也要保存在模型旁边："
            'tokenizer.save_pretrained("{folder}")。',
            en="The tokenizer in {folder} cannot be read: {reason}. A tokenizer is saved beside its model: "
            'tokenizer.save_pretrained("{folder}").',
            folder=folder,
            reason=reason(error),
        ) from error
    if len(known) > 1:  # one built from nothing knows its special tokens, and at most the mark of a space
        return tokenizer
    needs_text(model, folder)
    raise ModelError(
        zh="{folder} 里没有分词器，每个词都会变成未知词元。分词器也要保存在模型旁边："
        'tokenizer.save_pretrained("{folder}")。',
        en="{folder} has no tokenizer: every word would become the unknown token. "
        'A tokenizer is saved beside its model: tokenizer.save_pretrained("{folder}").',
        folder=folder,
    )
