"""Sphinx settings of the course's site; course_lib/site/book.py builds with them once for each language."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

ZH = tags.has("zh")  # noqa: F821 (Sphinx defines `tags`)
project = html_title = "看得见的大语言模型" if ZH else "Large language models, in plain sight"
language = "zh_CN" if ZH else "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "course_sphinx"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "course_sphinx.anchor"
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = (
    ("展开输出", "收起输出") if ZH else ("Show the output", "Hide the output")
)
autodoc_typehints = "none"
autodoc_member_order = "bysource"
default_role = "code"
html_theme = "furo"
html_math_renderer = "mathml"
html_copy_source = html_show_sphinx = html_show_copyright = False
templates_path = ["."]
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = ["course.js", "recall.js", "loop.js", "live.js"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {"other": "en" if ZH else "zh", "other_name": "English" if ZH else "中文"}
suppress_warnings = ["myst.header", "docutils"]
