"""Chinese in every figure, on a machine without any Chinese font.

Noto Sans SC comes from the package pylopdf-fonts-zh-cn (SIL Open Font License 1.1); only its file is used, the package is not imported.
"""
from __future__ import annotations

import unicodedata
from importlib.util import find_spec
from pathlib import Path

__all__ = ["chinese_font", "drawable", "use_fonts"]


def chinese_font() -> Path:
    """The Noto Sans SC file; FileNotFoundError says which package to install."""
    spec = find_spec("pylopdf_fonts_zh_cn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "NotoSansSC-Regular.otf")
        if path.is_file():
            return path
    raise FileNotFoundError("pip install pylopdf-fonts-zh-cn")


def use_fonts() -> str:
    """Let matplotlib draw Chinese, with DejaVu Sans for what Noto lacks; returns the family's name."""
    import matplotlib
    from matplotlib import font_manager

    path = chinese_font()
    family = font_manager.FontProperties(fname=str(path)).get_name()
    if family not in {entry.name for entry in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(str(path))
    matplotlib.rcParams.update({
        "font.family": [family, "DejaVu Sans"],      # a list: matplotlib looks a missing glyph up in the next family
        "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 110, "figure.figsize": (7, 3.2), "figure.constrained_layout.use": True,
    })
    return family


def drawable(label: str, most: int = 24) -> str:
    """A reader's label for a figure: no formula in dollar signs, a box for each character that the fonts lack, at most so many of them."""
    import matplotlib
    from matplotlib import font_manager

    fonts = [font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[family]))) for family in matplotlib.rcParams["font.family"]]
    label = label if len(label) <= most else label[:most - 1] + "…"
    seen = (char for char in label if unicodedata.category(char) not in ("Cf", "Cc", "Mn"))         # no marks that only join others
    return "".join(char if any(font.get_char_index(ord(char)) for font in fonts) else "□" for char in seen).replace("$", r"\$")
