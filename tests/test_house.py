"""The house: no name stands for two things, and there is one way to do a thing."""

import ast
import pickle
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.i18n import L, set_language
from course_lib.models.reading import TextTooLong

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "room", ["bench", "generation", "interpret", "loop", "models", "nn", "text", "training", "viz"]
)
def test_no_module_is_hidden_by_what_its_package_exports(room):
    package = import_module(f"course_lib.{room}")
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(getattr(package, "__all__", ())), (
        "import_module and the package would give two different things"
    )


def test_an_error_takes_its_two_sentences_and_the_values_itself():
    wrapped = re.compile(r"(?:Error|Diverged|UnknownModel|TextTooLong)\(\s*L\(")
    found = [
        path.name for path in (ROOT / "course_lib").rglob("*.py") if wrapped.search(path.read_text("utf-8"))
    ]
    assert not found, f"write raise CourseError(zh=…, en=…, name=name): {found}"


def test_an_error_formats_follows_the_language_and_survives_pickle():
    error = CourseError(
        zh="{what}在 {where!r}", en="{what} at {where!r}", what=L(zh="错", en="fault"), where="{x}"
    )
    for lang, text in (("zh", "错在 '{x}'"), ("en", "fault at '{x}'")):
        set_language(lang)
        assert str(error) == str(pickle.loads(pickle.dumps(error))) == text
        assert str(CourseError(zh="{…}", en="{…}")) == "{…}", "without values there is nothing to fill in"
    assert str(pickle.loads(pickle.dumps(TextTooLong(5, 3)))) == str(TextTooLong(5, 3)), (
        "whatever a class takes when it is made"
    )


def lines_of_code(path):
    """Blank lines, comments and docstrings, which explain, are not counted."""
    source = path.read_text("utf-8")
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr)]
    texts = [node for node in texts if isinstance(getattr(node.value, "value", None), str)]
    told = {n for text in texts for n in range(text.lineno, text.end_lineno + 1)}
    lines = enumerate(map(str.strip, source.splitlines()), 1)
    return sum(bool(line) and line[0] != "#" and n not in told for n, line in lines)


def test_no_module_is_long():
    modules = {
        str(path.relative_to(ROOT)): lines_of_code(path) for path in (ROOT / "course_lib").rglob("*.py")
    }
    del modules["course_lib/viz/widgets/stops.py"]  # a table of words: what the tour says at each stop
    long = {name: lines for name, lines in modules.items() if lines > 400}
    assert not long, "split it: one module, one idea"
