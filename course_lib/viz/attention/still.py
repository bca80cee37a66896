"""The attention view as a still picture with a text alternative: what a saved notebook shows where nothing
runs.

A notebook that was just downloaded keeps an `<img>` with its data inside, inline styles, tables and
`<details>`, and strips the rest; so that is all this makes. The page may be light or dark: the picture is
drawn on white, and its white then made clear, with all that was faded into it.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache

import numpy as np
from markupsafe import escape
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ...i18n import L
from ...interpret import Heads
from ..fonts import INK, chinese_font
from ..html import BLUE, ORANGE, Markup
from .coding import NAN, encode, thumb_sides, thumbs

__all__ = ["describe", "still_html", "still_png"]

_SHADE, _INK, _ACCENT, _PAPER = (ImageColor.getrgb(colour) for colour in (BLUE, INK, ORANGE, "#ffffff"))
_ABSENT = (214, 60, 140)  # no weight: NaN
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")  # the font has no subscripts
_SCALE = 2  # drawn for sharp screens; shown at half size
_WIDTH = 760


def _scale() -> np.ndarray:
    """The colour of each of the 256 codes: uint8 [256, 3]."""
    table = _faded(_SHADE, np.arange(256) / 254)
    table[NAN] = _ABSENT
    return np.rint(table).astype(np.uint8)


def _faded(colour: tuple[int, ...], share: np.ndarray) -> np.ndarray:
    """A colour laid on white, `share` [n] of it: float [n, 3]."""
    return np.multiply.outer(share, colour) + np.multiply.outer(1 - share, _PAPER)


def describe(heads: Heads, layer: int, head: int, title: str = "") -> L:
    """One sentence for those who cannot see the picture: what it is, and the strongest look of this head."""
    weights = heads.weights(layer, head)
    layers, count, T, S = heads.shape
    # the first token is mostly a resting place
    shown = np.nan_to_num(weights) * (np.arange(S) > 0 if S > 1 else 1)
    q, k = np.unravel_index(shown.argmax(), shown.shape)
    sink = heads.sink()
    leak = L(
        zh="这个头平均有 {0:.1%} 的注意力没有落在任何词元上。",
        en=" On average {0:.1%} of this head's attention goes to no token.",
    )
    lost = "" if sink is None or sink[layer, head] < 0.005 else leak.format(float(sink[layer, head]))
    return L(
        zh="{title}的注意力：{l} 层 × {h} 头，{t} 个词元。第 {layer} 层第 {head} 头里，"
        "除首个词元 外最强的一眼是“{q}”看向“{k}”，"
        "权重 {w:.2f}。{lost}",
        en="Attention of {title}: {l} layers x {h} heads, {t} tokens. In layer {layer}, head {head} "
        "the strongest look, the first token aside, "
        "is from “{q}” to “{k}”, weight {w:.2f}.{lost}",
    ).format(
        title=title or L(zh="模型", en="a model"),
        l=layers,
        h=count,
        t=T,
        layer=layer,
        head=head,
        q=heads.query.labels[q].strip(),
        k=heads.key.labels[k].strip(),
        w=float(np.nan_to_num(weights)[q, k]),
        lost=lost,
    )


def still_png(heads: Heads, layer: int, head: int, title: str = "") -> bytes:
    """All heads as small maps, and one head large, as a PNG of at most about 150 kB."""
    layers, count, T, S = heads.shape
    across, down = (layers, count) if layers >= count else (count, layers)
    small = max(8, min(34, (_WIDTH - 50) // across))
    most = 96  # tokens of the large map that are still told apart
    cell = max(2, min(22, 360 // min(max(T, S), most)))
    rows, columns = min(T, most), min(S, most)
    named = cell >= 11  # room for the tokens themselves
    widest = lambda tokens: (
        max(_font(11 * _SCALE).getlength(_clip(label)) for label in tokens.labels) / _SCALE + 14
    )
    top, left = 44, 34
    large_top = top + down * small + 40 + (int(widest(heads.key)) if named else 4)
    image = Image.new("RGB", (_WIDTH * _SCALE, (large_top + rows * cell + 14) * _SCALE), _PAPER)
    draw = ImageDraw.Draw(image)
    colors = _scale()

    def text(x: float, y: float, words: str, size: int = 11, fill=_INK, anchor: str = "lm") -> None:
        draw.text((x * _SCALE, y * _SCALE), words, fill=fill, font=_font(size * _SCALE), anchor=anchor)

    def paste(codes: np.ndarray, x: float, y: float, width: int, height: int) -> None:
        tile = Image.fromarray(colors[codes]).resize(
            (width * _SCALE, height * _SCALE), Image.Resampling.NEAREST
        )
        image.paste(tile, (int(x * _SCALE), int(y * _SCALE)))

    text(8, 14, title or str(L(zh="注意力", en="Attention")), 15)
    text(
        _WIDTH - 8,
        14,
        str(
            L(zh="{l} 层 × {h} 头 · {t} 个词元", en="{l} layers × {h} heads · {t} tokens").format(
                l=layers, h=count, t=T
            )
        ),
        anchor="rm",
    )
    small_maps = thumbs(heads)
    for i in range(layers):
        for j in range(count):
            column, row = (i, j) if across == layers else (j, i)
            x, y = left + column * small, top + row * small
            paste(_square(small_maps[i, j], heads), x, y, small - 2, small - 2)
            if (i, j) == (layer, head):
                draw.rectangle(
                    [(x - 1) * _SCALE, (y - 1) * _SCALE, (x + small - 2) * _SCALE, (y + small - 2) * _SCALE],
                    outline=_ACCENT,
                    width=2 * _SCALE,
                )
            if row == 0 and column % (2 if small < 24 else 1) == 0:
                text(x + small / 2 - 1, top - 9, str(column), 9, anchor="mm")
            if column == 0:
                text(left - 6, y + small / 2 - 1, f"{'H' if across == layers else 'L'}{row}", 9, anchor="rm")
    text(
        8,
        top + down * small + 18,
        str(
            L(zh="第 {layer} 层 · 第 {head} 头", en="Layer {layer} · Head {head}").format(
                layer=layer, head=head
            )
        ),
        13,
    )
    x, y = (int(widest(heads.query)) + 8 if named else left), large_top
    paste(encode(heads.weights(layer, head))[:rows, :columns], x, y, columns * cell, rows * cell)
    if named:
        for i, label in enumerate(heads.query.labels[:rows]):
            text(x - 6, y + (i + 0.5) * cell, _clip(label), anchor="rm")
        for i, label in enumerate(heads.key.labels[:columns]):
            _upright(image, _clip(label), (x + (i + 0.5) * cell) * _SCALE, (y - 5) * _SCALE)
    side = x + columns * cell + 28
    text(side, y + 6, str(L(zh="行在看，列被看", en="rows look, columns are looked at")), 11)
    gradient = np.rint(np.linspace(0, 254, 280)).astype(np.uint8)[None]
    paste(gradient, side, y + 20, 140, 9)
    for weight in (0, 0.01, 0.1, 0.3, 1):
        text(side + 140 * weight**0.5, y + 39, f"{weight:g}", 9, anchor="mm")
    if T > rows or S > columns:
        text(side, y + 60, str(L(zh="只画了前 {n} 个词元", en="first {n} tokens only").format(n=most)))
    on_white, clear, alpha = _palettes()
    picture = image.quantize(palette=on_white, dither=Image.Dither.NONE)
    picture.putpalette(clear)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True, transparency=alpha)
    return out.getvalue()


def still_html(heads: Heads, layer: int, head: int, title: str = "") -> Markup:
    """The picture with its text alternative, and the strongest look of each token as a table that can be
    opened."""
    alt = escape(describe(heads, layer, head, title))
    picture = base64.b64encode(still_png(heads, layer, head, title)).decode()
    weights = np.nan_to_num(heads.weights(layer, head))
    cells = "".join(
        _row([heads.query.labels[q], heads.key.labels[k], f"{weights[q, k]:.3f}"])
        for q, k in list(enumerate(weights.argmax(-1)))[:64]
    )
    head_row = _row(
        [
            str(L(zh="词元", en="token")),
            str(L(zh="最看重", en="looks most at")),
            str(L(zh="权重", en="weight")),
        ],
        "th",
    )
    summary = L(
        zh="第 {layer} 层第 {head} 头：每个词元 最看重谁",
        en="Layer {layer}, head {head}: what each token looks at most",
    ).format(layer=layer, head=head)
    return Markup(
        f'<img alt="{alt}" width="{_WIDTH}" style="max-width:100%;height:auto" '
        f'src="data:image/png;base64,{picture}">'
        f"<details><summary>{summary}</summary><table "
        f'style="border-collapse:collapse;font-size:12px">{head_row}{cells}</table></details>'
    )


def _row(values: list[str], tag: str = "td") -> str:
    style = "text-align:left;padding:1px 12px 1px 0"
    return (
        "<tr>"
        + "".join(
            f'<{tag} style="{style}">{escape(value.strip() or repr(value))}</{tag}>' for value in values
        )
        + "</tr>"
    )


def _square(codes: np.ndarray, heads: Heads) -> np.ndarray:
    rows, columns = thumb_sides(heads)
    if not heads.causal:
        return codes.reshape(rows, columns)
    full = np.zeros((rows, columns), np.uint8)
    full[np.tril_indices(rows)] = codes
    return full


def _clip(label: str, most: int = 12) -> str:
    label = label.replace("\n", "↵").translate(_PLAIN).strip() or "·"
    return label if len(label) <= most else label[: most - 1] + "…"


def _upright(image: Image.Image, words: str, x: float, y: float) -> None:
    font = _font(11 * _SCALE)
    width = int(font.getlength(words)) + 4
    mask = Image.new("L", (width, 16 * _SCALE))
    ImageDraw.Draw(mask).text((2, 8 * _SCALE), words, fill=255, font=font, anchor="lm")
    turned = mask.rotate(90, expand=True)
    image.paste(_INK, (int(x - turned.width / 2), int(y - turned.height)), turned)


@lru_cache
def _palettes() -> tuple[Image.Image, bytes, bytes]:
    """A palette of 255 colours as they look on white, so that none is lost to a rarer one; the same colours
    unfaded, and the alpha that fades them."""
    parts = [
        (_SHADE, np.linspace(0, 1, 197)),
        (_INK, np.linspace(0, 1, 56)),
        (_ABSENT, np.ones(1)),
        (_ACCENT, np.ones(1)),
    ]
    on_white = np.concatenate([_faded(colour, alpha) for colour, alpha in parts])
    alphas = np.concatenate([alpha for _, alpha in parts])
    alphas[alphas < 0.03] = 0  # Pillow takes white for one of its neighbours
    image = Image.new("P", (1, 1))
    image.putpalette(np.rint(on_white).astype(np.uint8).tobytes())
    clear = b"".join(bytes(colour) * len(alpha) for colour, alpha in parts)
    return image, clear, np.rint(255 * alphas).astype(np.uint8).tobytes()


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        # The basic layout: the other one needs FriBiDi on the machine, and would draw another picture where
        # it is.
        return ImageFont.truetype(str(chinese_font()), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError:  # Latin only, but never nothing
        return ImageFont.load_default(size)
