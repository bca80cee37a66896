"""bertviz, working without a network: the real package, with d3, jQuery and RequireJS from installed Python
packages.

    cl.viz.bertviz_head_view(m, "The cat sat on the mat.")

bertviz (Vig 2019, arXiv:1906.05714) loads three libraries from a CDN. Here they come from mpld3 (d3 5) and
nbclassic (jQuery, RequireJS), which `make lab` installs, inside a frame of their own, so that a notebook's
own RequireJS is not disturbed. The page weighs half a megabyte and goes to the browser alone: a saved
notebook keeps one head drawn as bertviz draws it. Where a package is missing, or the picture would be too
heavy for a browser, it says so and shows our own view.
"""

from __future__ import annotations

import html
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets
from IPython.display import display

from ...i18n import L
from ...interpret import Attention, capture
from ..fonts import drawable
from ..html import Markup
from ..widgets.live import Live, markup, script
from .view import AttentionView, attention_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bertviz", "bertviz_head_view", "bertviz_model_view", "bertviz_neuron_view", "libraries"]

_LIBRARIES = (
    ("mpld3", "js/d3.v5.min.js"),
    ("nbclassic", "static/components/jquery/jquery.min.js"),
    ("nbclassic", "static/components/requirejs/require.js"),
)
_WEIGHT = 28  # bytes that bertviz writes for one weight, and it writes each twice
_HEAVY = 100e6


def libraries() -> list[Path]:
    """The three scripts, in the order in which they must load; FileNotFoundError names the package that is
    missing."""
    found = []
    for package, file in _LIBRARIES:
        spec = find_spec(package)
        path = Path(next(iter(spec.submodule_search_locations)), file) if spec else None
        if path is None or not path.is_file():
            raise FileNotFoundError(package)
        found.append(path)
    return found


def bertviz_head_view(
    m, text: str | None = None, target: str | None = None, *, anyway: bool = False, **options: Any
) -> Bertviz | AttentionView:
    """bertviz's head view of a model reading `text`, or of an `Attention`; `options` go to bertviz.

    anyway: send it to the browser even beyond 100 MB. Returns what can be displayed: bertviz, or our view
    where it cannot be had.
    """
    return _view("head_view", m, text, target, anyway, options)


def bertviz_model_view(
    m, text: str | None = None, target: str | None = None, *, anyway: bool = False, **options: Any
) -> Bertviz | AttentionView:
    """bertviz's model view: every layer and head at once; arguments as for `bertviz_head_view`."""
    return _view("model_view", m, text, target, anyway, options)


def bertviz_neuron_view(m, text: str, *, anyway: bool = False, **options: Any) -> Bertviz | AttentionView:
    """bertviz's neuron view: queries and keys element by element. It brings its own model code, so only BERT
    encoders work here."""
    reason = _missing()
    if reason is None and m.model.config.model_type != "bert":
        reason = L(
            zh="bertviz 的神经元视图自带模型代码，不支持 {0}，只有 BERT 编码器可用。",
            en="bertviz's neuron view brings its own model code, which knows BERT encoders and not {0}.",
        ).format(m.model.config.model_type)
    if reason is None:
        reason = _too_heavy(
            m.model.config.num_hidden_layers
            * m.model.config.num_attention_heads
            * len(m.tokenizer(text)["input_ids"]) ** 2
            * 3,
            anyway,
        )
    if reason is not None:
        return _ours(reason, m, text, None)
    from bertviz import neuron_view

    made = neuron_view.show(
        _bertviz_bert(m.model),
        "bert",
        m.tokenizer,
        text,
        html_action="return",
        **{"display_mode": "light", **options},
    ).data
    return Bertviz(offline(made), capture(m, None, text), options.get("layer", 0), [options.get("head", 0)])


def _view(
    name: str, m, text: str | None, target: str | None, anyway: bool, options: dict[str, Any]
) -> Bertviz | AttentionView:
    reason = _missing()
    if reason is not None:
        return _ours(reason, m, text, target)
    given = m if isinstance(m, Attention) else capture(m, None, text, target)
    reason = _too_heavy(
        sum(each.weights.size for each in (given, given.encoder, given.decoder) if each is not None), anyway
    )
    if reason is not None:
        return _ours(reason, m, text, target)
    import bertviz

    layers = lambda attention: [
        torch.from_numpy(np.ascontiguousarray(layer))[None] for layer in attention.weights
    ]
    if given.part == "cross":
        data = {
            "cross_attention": layers(given),
            "encoder_tokens": given.key_tokens,
            "decoder_tokens": given.query_tokens,
        }
        data |= {
            f"{part}_attention": layers(each)
            for part, each in (("encoder", given.encoder), ("decoder", given.decoder))
            if each is not None
        }
    else:
        data = {"attention": layers(given), "tokens": given.tokens}
    made = getattr(bertviz, name)(**data, prettify_tokens=False, html_action="return", **options).data
    return Bertviz(offline(made), given, options.get("layer") or 0, options.get("heads"))


class Bertviz(Live):
    """A page of bertviz in a frame; without a kernel, the mean of `heads` of one layer, drawn as bertviz
    draws them.

    heads: of that layer; None for all of them.
    """

    _esm = script(Path(__file__).parent / "front" / "frame.js")
    _css = ".course-bertviz { width: 100%; height: 460px; border: 0; }"
    page = traitlets.Unicode().tag(sync=True)

    def __init__(self, page: str, given: Attention, layer: int, heads: list[int] | None):
        super().__init__(page=page)
        self._given, self._layer, self._heads = (
            given,
            layer,
            range(given.weights.shape[1]) if heads is None else heads,
        )

    def still(self) -> Markup:
        return markup(self._figure())

    def _figure(self) -> Figure:
        import matplotlib.pyplot as plt

        weights = self._given.weights[self._layer, list(self._heads)].mean(0)  # (T, S)
        T, S = weights.shape
        figure, axis = plt.subplots(figsize=(4.2, 0.6 + 0.24 * max(T, S)))
        for t, s in zip(*(weights > 0.03).nonzero()):  # what one could not see makes the file large
            axis.plot((0, 1), (t, s), color="#4477aa", lw=2, alpha=float(weights[t, s]))
        for x, labels, side in ((0, self._given.query_tokens, "right"), (1, self._given.key_tokens, "left")):
            for y, label in enumerate(labels):
                axis.text(x + 0.04 * (2 * x - 1), y, drawable(label.strip()), ha=side, va="center")
        axis.set(xlim=(-0.6, 1.6), ylim=(max(T, S) - 0.5, -0.5))
        axis.set_title(
            str(
                L(zh="第 {0} 层，头 {1}", en="layer {0}, head {1}").format(
                    self._layer, ", ".join(map(str, self._heads))
                )
            )
        )
        axis.axis("off")
        return figure


def _missing() -> L | None:
    try:
        libraries()
    except FileNotFoundError as error:
        package = str(error)
    else:
        package = "" if find_spec("bertviz") else "bertviz"
    return (
        L(
            zh='没有安装 {0}，bertviz 画不出来，下面是本课自己的视图。安装：pip install "course-lib[lab]"。',
            en="{0} is not installed, so bertviz cannot draw; here is the course's own view. To "
            'install it: pip install "course-lib[lab]".',
        ).format(package)
        if package
        else None
    )


def _too_heavy(weights: int, anyway: bool) -> L | None:
    size = 2 * _WEIGHT * weights
    if anyway or size <= _HEAVY:
        return None
    return L(
        zh="bertviz 要向浏览器发送约 {0:.0f} MB，标签页可能卡死。一定要看就加 anyway=True，或用 "
        "include_layers=[...] 少看几层。",
        en="bertviz would send about {0:.0f} MB to the browser, which may freeze the tab. Pass "
        "anyway=True to do it all the same.",
    ).format(size / 1e6)


def _ours(reason: L, m, text: str | None, target: str | None) -> AttentionView:
    display({"text/plain": str(reason), "text/html": f"<p>{html.escape(str(reason))}</p>"}, raw=True)
    return attention_view(m, text, target)


def offline(page: str) -> str:
    """bertviz's page with the libraries inside. d3 and jQuery load before RequireJS, which is then told that
    it has them."""
    d3, jquery, require = (path.read_text("utf-8").replace("</script", "<\\/script") for path in libraries())
    page = re.sub(r'<script src="https?://[^"]*"></script>', "", page)
    page = re.sub(r"'https?://[^']*/(d3|jquery)[^']*'", r"'\1'", page)
    scripts = (
        d3,
        jquery,
        require,
        'define("d3", [], () => window.d3); define("jquery", [], () => window.jQuery);',
    )
    return (
        '<!doctype html><meta charset="utf-8"><body style="background:#fff;margin:8px">'
        + "".join(f"<script>{text}</script>" for text in scripts)
        + page
    )


def _bertviz_bert(model):
    """The same weights in bertviz's own BERT, which also returns queries and keys."""
    from bertviz.transformers_neuron_view import BertConfig, BertModel

    ours = model.config
    config = BertConfig(vocab_size_or_config_json_file=ours.vocab_size)
    for name in (
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "hidden_act",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_norm_eps",
    ):
        setattr(config, name, getattr(ours, name))
    config.output_attentions = True
    copy = BertModel(config)
    copy.load_state_dict(
        {
            name.removeprefix("bert."): tensor
            for name, tensor in model.state_dict().items()
            if not name.startswith("cls.") and "position_ids" not in name
        },
        strict=False,
    )
    return copy.eval()
