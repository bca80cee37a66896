"""Figures that show Chinese on a machine without any Chinese font, and that suit a light page and a dark one.

Noto Sans SC comes from the package pylopdf-fonts-zh-cn (SIL Open Font License 1.1); only its file is used,
the package is not imported.

A stored figure is one PNG, and the page it will stand on is not known. So its background is clear, and words,
axes and grid have the one grey that is told from white as well as from JupyterLab's dark #111111: 4.3 to 1 on
either, and no colour has more on both.
"""

from __future__ import annotations

import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .html import BLUE, ORANGE

__all__ = ["chinese_font", "drawable", "use_fonts"]


def chinese_font() -> Path:
    """The Noto Sans SC file; FileNotFoundError says which package to install."""
    spec = find_spec("pylopdf_fonts_zh_cn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "NotoSansSC-Regular.otf")
        if path.is_file():
            return path
    raise FileNotFoundError("pip install pylopdf-fonts-zh-cn")


INK = "#797979"
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "figure.figsize": (7, 3.2),
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
            "patch.edgecolor",
            "legend.edgecolor",
            "boxplot.boxprops.color",
            "boxplot.whiskerprops.color",
            "boxplot.capprops.color",
            "boxplot.flierprops.color",
        ),
        INK,
    ),
    "grid.alpha": 0.3,
    "legend.framealpha": 0.4,
    "image.cmap": "shade",
}
_LINES = (BLUE, ORANGE, "#009988", "#aa3377", "#888888")  # Paul Tol's: no red beside green


def use_fonts() -> str:
    """Let matplotlib draw Chinese, with DejaVu Sans for what Noto lacks, in a style for light and dark pages;
    returns the font family's name.

    The colour map "shade", the default of `imshow`, goes from clear to blue, as white would glare on a dark
    page.
    """
    import matplotlib
    from cycler import cycler
    from matplotlib import font_manager
    from matplotlib.colors import LinearSegmentedColormap

    path = chinese_font()
    family = font_manager.FontProperties(fname=str(path)).get_name()
    if family not in {entry.name for entry in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(str(path))
    if "shade" not in matplotlib.colormaps:
        matplotlib.colormaps.register(LinearSegmentedColormap.from_list("shade", [f"{BLUE}00", BLUE]))
    matplotlib.rcParams.update(
        {
            # a list: matplotlib looks a missing glyph up in the next family
            "font.family": [family, "DejaVu Sans"],
            "axes.prop_cycle": cycler(color=_LINES),
            **_STYLE,
        }
    )
    _clear_in_notebooks()
    return family


def _clear_in_notebooks() -> None:
    """A figure that a cell shows has a clear background.

    Not by `figure.facecolor`: seeing a clear figure, matplotlib's notebook backend asks JupyterLab for a
    white background.
    """
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell:
        from matplotlib_inline.config import InlineBackend

        inline = InlineBackend.instance(parent=shell)
        inline.print_figure_kwargs = {**inline.print_figure_kwargs, "facecolor": "none"}


def drawable(label: str, most: int = 24) -> str:
    """A reader's label for a figure: no formula in dollar signs, a box for each character that the fonts
    lack, at most so many of them."""
    import matplotlib
    from matplotlib import font_manager

    fonts = [
        font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[family])))
        for family in matplotlib.rcParams["font.family"]
    ]
    label = label if len(label) <= most else label[: most - 1] + "…"
    # no marks that only join others
    seen = (char for char in label if unicodedata.category(char) not in ("Cf", "Cc", "Mn"))
    return "".join(
        char if any(font.get_char_index(ord(char)) for font in fonts) else "□" for char in seen
    ).replace("$", r"\$")
