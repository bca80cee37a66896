"""Kept results: what they say when the code that ran for them, or a model, has changed since."""

import ast
import json
import linecache
import sys
from types import ModuleType

import pytest

from course_lib import exercises, i18n, paths, results

MODULE = '''
"""A module of the course."""
RATE = 2
TABLE = {"a": RATE}
OTHER = 7

class Scale:
    """It scales."""
    factor: int = 1

    def __call__(self, x: int) -> int:
        return inner(x) * self.factor

    def unused(self):
        return 0

def inner(x):
    # a comment
    return x + TABLE["a"]

def elsewhere():
    return OTHER
'''
CELL = """
from course_lib.fake import Scale

def helper(x):
    return Scale()(x)

class Judge:
    def __call__(self, x):
        return [helper(x) for _ in range(2)]

def idle():
    return 0

def experiment():
    return Judge()(2)
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one module, a notebook of one cell, and a folder for what is kept."""
    i18n.set_language("en")
    monkeypatch.setattr(results, "_PACKAGE", tmp_path / "course_lib")
    monkeypatch.setattr(paths, "data", lambda name="": tmp_path / name)
    monkeypatch.setattr(results, "_met", {"minilm-l6": "aaaa"})
    (tmp_path / "course_lib").mkdir()
    return Course(tmp_path, monkeypatch)


class Course:
    def __init__(self, folder, monkeypatch):
        self.file, self.module, self.monkeypatch = (
            folder / "results/x.json",
            folder / "course_lib/fake.py",
            monkeypatch,
        )
        self.write(MODULE)
        self.cell(CELL)
        monkeypatch.setenv("COURSE_LONG", "x")
        results.stored("x", self.notebook.experiment)
        monkeypatch.delenv("COURSE_LONG")

    def write(self, source):
        """The course's module as `source` has it."""
        self.module.write_text(source, "utf-8")
        self._load("course_lib.fake", str(self.module), source)

    def cell(self, source):
        """A notebook, just started, whose one cell is `source`."""
        name = f"cell-{hash(source)}"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        self.notebook = self._load("notebook", name, source)

    def _load(self, name, file, source):
        module = ModuleType(name)
        module.__file__ = file
        self.monkeypatch.setitem(sys.modules, name, module)
        exec(compile(source, file, "exec"), vars(module))
        return module

    def record(self):
        return json.loads(self.file.read_text("utf-8"))

    def said(self, capsys):
        capsys.readouterr()
        results.stored("x", self.notebook.experiment)
        return capsys.readouterr().out.splitlines()[1:]


def test_what_ran_is_marked_and_nothing_else(course):
    assert sorted(course.record()["marks"]) == [
        "Judge.__call__",
        "experiment",
        "fake.py:Scale.__call__",
        "fake.py:inner",
        "helper",
    ]
    assert course.record()["models"] == {"minilm-l6": "aaaa"} and course.record()["result"] == [4, 4]


def test_what_a_module_does_while_it_is_loaded_is_not_marked(course):
    course.cell("def load():\n    exec(compile(MODULE, FILE, 'exec'), {'__file__': FILE})\n    return 1\n")
    course.notebook.MODULE, course.notebook.FILE = MODULE + "inner(1)\n", str(course.module)
    assert results._watched(course.notebook.load) == (1, ["load"])


def test_a_reference_that_use_gave_out_is_marked_where_it_stands():
    chunk = exercises.use("apps.chunk", lambda *_: None, show=False)
    _, places = results._watched(lambda: chunk(["a", "b"], 1, 0))
    assert places[0] == "exercises/apps/chunk.py:chunk" and results._mark(places[0], chunk)
    assert results._mark(places[0], chunk) == results._mark("chunk", chunk), (
        "measured with the reader's, read with the reference"
    )


@pytest.mark.parametrize(
    "old, new",
    [
        ("return 0", "return 1"),
        ("factor: int = 1", "factor: int = 1\n    other: int"),
        ("OTHER = 7", "OTHER = 8"),
        ("# a comment", "# another"),
        ('"""It scales."""', '"""It multiplies."""'),
        ("x: int) -> int", "x: float) -> float"),
        ("def elsewhere", "def added():\n    return 1\n\ndef elsewhere"),
    ],
)
def test_what_cannot_change_the_numbers_is_not_said(course, capsys, old, new):
    course.write(MODULE.replace(old, new))
    course.cell(CELL.replace(old, new))
    assert course.said(capsys) == []


@pytest.mark.parametrize(
    "old, new, name",
    [
        ('TABLE["a"]', 'TABLE["a"] + 1', "fake.py:inner"),
        ("RATE = 2", "RATE = 3", "fake.py:inner"),
        ("= 1\n", "= 2\n", "fake.py:Scale.__call__"),
        ("range(2)", "range(3)", "Judge.__call__"),
        ("Scale()(x)", "Scale()(x + 1)", "helper"),
        ("Judge()(2)", "Judge()(3)", "experiment"),
        ("def inner", "def other", "fake.py:inner"),
    ],
)
def test_what_can_is_named(course, capsys, old, new, name):
    course.write(MODULE.replace(old, new))
    course.cell(CELL.replace(old, new))
    (line,) = course.said(capsys)
    assert f"({name})" in line and "changed since" in line


def test_a_module_that_is_gone_is_named(course, capsys):
    course.module.unlink()
    assert "(fake.py:Scale.__call__, fake.py:inner)" in course.said(capsys)[0]


def test_an_older_record_says_that_code_was_not_recorded(course, capsys):
    record = course.record()
    del record["marks"], record["models"]
    course.file.write_text(json.dumps(record))
    assert "does not say which code and models" in course.said(capsys)[0]


@pytest.mark.parametrize("call", ["L(zh={0}, en={0})", "ModelError(zh={0}, en={0}, n=1)"])
def test_a_message_of_any_kind_does_not_count(call):
    plain = [results._plain(ast.parse(call.format(repr(words)))) for words in ("one", "two")]
    assert plain[0] == plain[1] != results._plain(ast.parse("f(x=1)"))


def test_a_changed_model_is_named_whether_loaded_or_not(course, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_met", {})
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assert course.said(capsys) == []  # not on this machine: nothing to compare
    manifest = tmp_path / "models/minilm-l6/manifest.json"
    manifest.parent.mkdir(parents=True)
    for weights, same in (
        ({"sha256": "aaaa"}, True),
        ({"sha256": "aaaa", "conversion": 0}, True),
        ({"sha256": "cccc"}, False),
        ({"sha256": "aaaa", "conversion": 1}, False),
    ):
        manifest.write_text(json.dumps({"model.safetensors": weights}))
        monkeypatch.setattr(results, "_met", {})
        assert course.said(capsys) == [] if same else "(minilm-l6)" in course.said(capsys)[0]
        results.met("minilm-l6")
        assert course.said(capsys) == [] if same else "(minilm-l6)" in course.said(capsys)[0]


def test_loading_a_model_is_noted(monkeypatch):
    from course_lib.models import card, fetch

    monkeypatch.setattr(results, "_met", {})
    fetch("zh-gpt")
    assert results._met == {"zh-gpt": card("zh-gpt").sha256}
