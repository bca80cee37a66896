"""A folder of files -> a transformers model with every one of its weights and its tokenizer, or one sentence that says why not.

transformers is lenient: what a file lacks it fills with random numbers, what it cannot place it drops, a tokenizer that is not
there it builds empty, and it asks in English whether to run a folder's code. Each is an error here that names the file.

    model, tokenizer = open_folder(Path("my-model"))
"""
from __future__ import annotations

import inspect
import json
import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CourseError
from ..i18n import L

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["ModelError", "asking", "complete", "finite", "kind_of", "named", "needs_text", "open_folder", "read_config", "reason",
           "weight_files"]

# Tensors that a model can do without: buffers of old versions, and the heads of a pretraining whose model is named without them.
_SPARE = re.compile(r"(^|\.)(position_ids|token_type_ids|inv_freq|attn(\.attention)?\.(masked_)?bias|attention\.(masked_)?bias|num_batches_tracked"
                    r"|pooler\..*|cls\.seq_relationship\..*|sop_classifier\..*)$")


class ModelError(CourseError, ValueError):
    """The model cannot do what was asked, or its files cannot be read."""


def reason(error: BaseException) -> str:
    """The first line of a foreign error that says something, for the end of a sentence of ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return (f"{type(error).__name__} {said}" if not said or isinstance(error, KeyError) else said).rstrip(" .。:")[:200]


def open_folder(folder: Path, trust_remote_code: bool = False) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, in float32 and with the class that config.json names, and the tokenizer. ModelError where either is not whole."""
    import torch
    from safetensors import SafetensorError

    config = read_config(folder, trust_remote_code)
    cls, options = _model_class(folder, config), dict(dtype=torch.float32, use_safetensors=True, trust_remote_code=trust_remote_code)
    try:
        # Mismatched sizes are let through here because `complete` names them; transformers' own error does not.
        load = partial(cls.from_pretrained, folder, **options, output_loading_info=True, ignore_mismatched_sizes=True)
        model, info = load()
        if info["missing_keys"] and all("pooler." in key for key in info["missing_keys"]) and \
                "add_pooling_layer" in inspect.signature(type(model).__init__).parameters:
            model, info = load(add_pooling_layer=False)          # nothing of the course's asks the pooler: none is better than a random one
    except SafetensorError as error:
        raise ModelError(L(zh="{0} 里的权重文件读不了：{1}。请重新下载。", en="The weights in {0} cannot be read: {1}. Fetch them again.").format(
            folder, reason(error))) from error
    except Exception as error:
        raise ModelError(L(zh="按 {0} 建不出模型：{1}。", en="No model can be made as {0} describes it: {1}.").format(
            folder / "config.json", reason(error))) from error
    complete(model, info, folder)
    if "decoder_input_ids" not in inspect.signature(model.forward).parameters:
        model.config.is_encoder_decoder = False                  # the encoder of a T5 by itself keeps the config of the whole
    return model, _tokenizer(folder, model, trust_remote_code)


def read_config(folder: Path, trust_remote_code: bool = False):
    """The transformers config of the checkpoint in `folder`; ModelError where there is none that can be read without running its code."""
    from transformers import AutoConfig

    written = _config(folder)
    if not trust_remote_code and _needs_code(folder, written):
        raise ModelError(L(
            zh="{0} 里带着自己的 Python 代码，要运行它才能加载这个模型。课程不会擅自运行别人的代码；读过并信任它之后，用 cl.load(…, trust_remote_code=True)。",
            en="{0} brings Python code of its own, which the model needs. The course never runs a stranger's code by itself; once you have "
               "read it and trust it, call cl.load(…, trust_remote_code=True).").format(folder))
    weight_files(folder)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except Exception as error:                     # a config may be wrong in any way, and transformers raises whatever that leads to
        raise ModelError(L(zh="{0} 描述不了一个模型：{1}。", en="{0} does not describe a model: {1}.").format(
            folder / "config.json", reason(error))) from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up the checkpoint, as transformers chooses them; ModelError if one is not there."""
    index = folder / "model.safetensors.index.json"
    if (whole := folder / "model.safetensors").is_file():
        return [whole]
    if index.is_file():
        names = sorted(set(_json(index).get("weight_map", {}).values()))
        for name in names:
            if not (folder / name).is_file():
                raise ModelError(L(zh="{0} 里缺少 {1}：权重分成了 {2} 个文件，请把它补全。", en="{0} lacks {1}: the weights are spread over {2} files; "
                                   "fetch the rest.").format(folder, name, len(names)))
        return [folder / name for name in names]
    others = sorted(p.name for p in folder.iterdir() if p.suffix in (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"))
    raise ModelError(L(
        zh="{0} 里没有 model.safetensors（{1}）。用 transformers 打开原来的模型，再 save_pretrained 一次就会写出它；pickle 文件能运行任意代码，这里不读。",
        en="{0} has no model.safetensors ({1}). Open the original in transformers and call save_pretrained, which writes one; pickles can run "
           "any code and are not read here.").format(folder, ", ".join(others) or L(zh="没有权重文件", en="no weights at all")))


def complete(model: PreTrainedModel, info: dict, where: Path | str) -> None:
    """ModelError unless each weight of `model` came from the checkpoint, nothing was left over, and all are finite numbers.

    info: what from_pretrained(output_loading_info=True) returned.
    """
    missing = sorted(info["missing_keys"])
    left = sorted(key for key in info["unexpected_keys"] if not _SPARE.search(key))
    name = type(model).__name__
    for key, found, wanted in sorted(info["mismatched_keys"]):
        raise ModelError(L(zh="{0} 里张量 {1} 的形状是 {2}，按 config.json 应是 {3}。", en="In {0} the tensor {1} has the shape {2}; by config.json it should be {3}.")
                         .format(where, key, list(found), list(wanted)))
    longest = max(missing, key=len, default="")
    wrapper = next((key.removesuffix(longest) for key in left if longest and key.endswith("." + longest)), "")
    if wrapper:
        raise ModelError(L(
            zh="{0} 里的张量名都以 {1} 开头：保存的是外面那层包装（torch.compile、DataParallel 等），不是模型。请对里面的模型 save_pretrained 一次。",
            en="The names of the tensors in {0} begin with {1}: what was saved is a wrapper (of torch.compile, DataParallel …), not the model. "
               "Call save_pretrained on the model inside it.").format(where, wrapper))
    if missing:
        raise ModelError(L(
            zh="{0} 缺少 {2} 的张量（共 {3} 个），例如 {1}；缺的部分只能是随机数，所以不加载。请重新下载，或用这个类重新保存完整的模型。",
            en="{0} lacks tensors of {2} ({3} in all), such as {1}; random numbers would stand in their place, so it is not loaded. "
               "Fetch it again, or save the whole model with that class.").format(where, missing[0], name, len(missing)))
    if left:
        raise ModelError(L(
            zh="{0} 里有些张量（共 {3} 个）在 {2} 里没有位置，例如 {1}：config.json（architectures、层数）说的不是这个模型。",
            en="{0} holds tensors ({3} in all) that have no place in {2}, such as {1}: its config.json (architectures, number of layers) describes "
               "another model.").format(where, left[0], name, len(left)))
    for key, weight in model.named_parameters():
        finite(key, weight, where)


def finite(key: str, weight: Tensor, where: Path | str) -> None:
    """ModelError if `weight` holds a number that is none."""
    import torch

    if not torch.isfinite(weight.detach().sum()) and not torch.isfinite(weight).all():      # the sum first: it makes no second tensor
        raise ModelError(L(
            zh="{0} 里的张量 {1} 含有 NaN 或无穷大：模型训练时已经发散，或文件坏了，什么也算不出来。请换一个更早的检查点。",
            en="The tensor {1} in {0} holds NaN or infinity: the model diverged in training, or the file is damaged, and it can compute nothing. "
               "Take an earlier checkpoint.").format(where, key))


def kind_of(model: PreTrainedModel) -> str:
    """"causal", "masked", "seq2seq", or "encoder" for whatever writes nothing, classifiers too."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    if model.config.is_encoder_decoder:
        return "seq2seq"
    name = type(model).__name__
    if name.endswith("ForMaskedLM") or name in MODEL_FOR_MASKED_LM_MAPPING_NAMES.values() and not getattr(model.config, "causal", False):
        return "masked"
    return "causal" if model.can_generate() else "encoder"


def _config(folder: Path) -> dict:
    """config.json as it is written, once it is clear that the folder holds a model that can be read."""
    if (folder / "adapter_config.json").is_file():
        base = _json(folder / "adapter_config.json").get("base_model_name_or_path") or "…"
        raise ModelError(L(
            zh="{0} 是一个 LoRA 适配器，不是完整的模型，要装在 {1} 上：model = peft.PeftModel.from_pretrained(cl.load(\"{1}\").model, \"{0}\")。",
            en="{0} is a LoRA adapter, not a whole model; it belongs on {1}: "
               "model = peft.PeftModel.from_pretrained(cl.load(\"{1}\").model, \"{0}\").").format(folder, base))
    if not (folder / "config.json").is_file():
        inside = sorted(path.parent.name for path in folder.glob("*/config.json"))
        if inside:
            raise ModelError(L(zh="{0} 本身不是模型，模型在它里面：{1}。请给出其中一个的路径。",
                               en="{0} is no model itself; there are models inside it: {1}. Give the path of one of them.").format(
                                   folder, ", ".join(inside[:8])))
        raise ModelError(L(zh="{0} 里没有 config.json：需要一个带 config.json、model.safetensors 和分词器文件的目录。",
                           en="{0} has no config.json: it takes a directory with config.json, model.safetensors and the tokenizer's files.").format(folder))
    written = _json(folder / "config.json")
    for key, shape in (("architectures", list), ("auto_map", dict)):
        if not isinstance(written.get(key) or shape(), shape) or not all(isinstance(name, str) for name in written.get(key) or ()):
            raise ModelError(L(zh="{0} 里的 {1} 写错了：{2!r}。", en="{1} in {0} is malformed: {2!r}.").format(folder / "config.json", key, written[key]))
    quantized = written.get("quantization_config")
    if quantized:
        method = quantized.get("quant_method", "?") if isinstance(quantized, dict) else "?"
        raise ModelError(L(zh="{0} 的权重是量化过的（{1}），课程只读普通的浮点权重。请用同一个模型未量化的版本。",
                           en="The weights in {0} are quantised ({1}); the course reads plain floating-point ones. Take the same model unquantised.").format(folder, method))
    return written


def _json(path: Path) -> dict:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(L(zh="{0} 不是 JSON：{1}。", en="{0} is not JSON: {1}.").format(path, reason(error))) from error
    if not isinstance(found, dict):
        raise ModelError(L(zh="{0} 里应是一个 JSON 对象 {{…}}。", en="{0} should hold a JSON object {{…}}.").format(path))
    return found


def _needs_code(folder: Path, written: dict) -> bool:
    """Does the folder point to code of its own for something that transformers does not have under the same name?"""
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    ours = {name.lower() for name in dir(transformers)}
    tokenizer = _json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    architecture = (written.get("architectures") or [""])[0]
    model_needs = written.get("model_type") not in CONFIG_MAPPING_NAMES or architecture.lower() not in ours
    tokenizer_needs = str(tokenizer.get("tokenizer_class")).lower() not in ours
    return bool(written.get("auto_map")) and model_needs or bool(tokenizer.get("auto_map")) and tokenizer_needs


def _model_class(folder: Path, config):
    """The class that config.json names: it has every head and both halves that the checkpoint was saved with."""
    import transformers

    architecture = (getattr(config, "architectures", None) or [""])[0]
    own = getattr(config, "auto_map", None) or {}
    for auto, path in own.items():
        if str(path).rpartition(".")[2] == architecture and not hasattr(transformers, architecture):
            return getattr(transformers, auto)                   # the reader trusts the folder's code
    if not architecture:
        return transformers.AutoModel
    if hasattr(transformers, architecture):
        return getattr(transformers, architecture)
    same = next((name for name in dir(transformers) if name.lower() == architecture.lower()), None)      # MPTForCausalLM is MptForCausalLM
    if same:
        return getattr(transformers, same)
    raise ModelError(L(zh="{0} 说模型类是 {1}，这个版本的 transformers（{2}）没有它。",
                       en="{0} names the model class {1}, which this version of transformers ({2}) does not have.").format(
        folder / "config.json", architecture, transformers.__version__))


def _tokenizer(folder: Path, model: PreTrainedModel, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
        known = set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)
    except Exception as error:
        needs_text(model, folder)
        raise ModelError(L(zh="{0} 里的分词器读不出来：{1}。分词器也要保存在模型旁边：tokenizer.save_pretrained(\"{0}\")。",
                           en="The tokenizer in {0} cannot be read: {1}. A tokenizer is saved beside its model: tokenizer.save_pretrained(\"{0}\").").format(
                               folder, reason(error))) from error
    if len(known) > 1:                              # one built from nothing knows its special tokens, and at most the mark of a space
        return tokenizer
    needs_text(model, folder)
    raise ModelError(L(
        zh="{0} 里没有分词器，每个词都会变成未知词元。分词器也要保存在模型旁边：tokenizer.save_pretrained(\"{0}\")。",
        en="{0} has no tokenizer: every word would become the unknown token. A tokenizer is saved beside its model: "
           "tokenizer.save_pretrained(\"{0}\").").format(folder))


def needs_text(model: PreTrainedModel, name: Path | str = "") -> None:
    """ModelError if the model reads images or sound; one that writes and can do without them reads text."""
    modalities = model.input_modalities
    others = [modalities] if isinstance(modalities, str) else list(modalities)
    if model.main_input_name != "input_ids" or not model.can_generate() and others != ["text"]:
        raise ModelError(L(zh="{0} 读的是图像或声音（{1}），不只是文本；文本请用 load(\"smollm2-135m\")。",
                           en="{0} reads images or sound ({1}), not text alone; for text there is load(\"smollm2-135m\").").format(
                               named(model, name), ", ".join(others)))


def named(model: PreTrainedModel, name: Path | str = "") -> str:
    """How a message speaks of a model: its name, where it has one, and its class."""
    return f"{name} ({type(model).__name__})" if name else type(model).__name__


@contextmanager
def asking(model: PreTrainedModel, name: Path | str = ""):
    """transformers and torch raise errors of any kind; in this block each ends as one sentence, with the original behind it."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        raise ModelError(L(zh="{0} 答不了：{1}。", en="{0} cannot answer this: {1}.").format(named(model, name), reason(error))) from error
