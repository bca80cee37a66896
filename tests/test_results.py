"""Kept results: what they say when code, helpers or models have changed since."""
import ast
import json

import pytest

from course_lib import i18n, metrics, paths, results


def helper(x):
    return inner(x) + 1


def inner(x):
    return metrics.paired([x, 1], [1, x])[0]


class Judge:
    def __call__(self, x):
        return helper(x)


judge = Judge()


@pytest.fixture
def kept(tmp_path, monkeypatch, capsys):
    """keep(compute), then said(compute): the lines that reading the kept result prints."""
    i18n.set_language("en")
    monkeypatch.setattr(paths, "data", lambda name="": tmp_path / name)
    monkeypatch.setattr(results, "_met", {"minilm-l6": "aaaa"})

    class Kept:
        file = tmp_path / "results/x.json"

        def keep(self, compute):
            monkeypatch.setenv("COURSE_LONG", "x")
            results.stored("x", compute)
            monkeypatch.delenv("COURSE_LONG")
            return self

        def said(self, compute):
            capsys.readouterr()
            results.stored("x", compute)
            return capsys.readouterr().out.splitlines()[1:]

    return Kept()


def experiment():
    return judge(2)


def test_marks_reach_helpers_classes_and_modules_of_the_course():
    found = results.marks(experiment)
    assert {"experiment", "Judge", "helper", "inner", "course_lib.metrics"} <= found.keys() and "course_lib.training" not in found


def test_a_name_that_the_code_binds_itself_is_not_the_notebook_s(monkeypatch):
    def compute(judge):
        _, last = 1, helper
        return judge(last, _)

    monkeypatch.setitem(globals(), "_", judge)              # the last output of a notebook
    found = results.marks(compute)
    assert "helper" in found and "Judge" not in found


def test_an_unchanged_result_says_nothing(kept):
    assert kept.keep(experiment).said(experiment) == []
    assert json.loads(kept.file.read_text("utf-8"))["models"] == {"minilm-l6": "aaaa"}


def test_a_changed_helper_is_named(kept, monkeypatch):
    kept.keep(experiment)

    def inner(x):
        return 0

    inner.__qualname__ = "inner"
    monkeypatch.setitem(globals(), "inner", inner)
    (line,) = kept.said(experiment)
    assert "(course_lib.metrics, inner)" in line and "changed since" in line


def test_a_changed_module_of_the_course_is_named_but_not_a_changed_message(kept, tmp_path, monkeypatch):
    kept.keep(experiment)
    find = results.importlib.util.find_spec
    text = (find("course_lib.metrics").loader.get_source("course_lib.metrics"))
    other = tmp_path / "metrics.py"

    def elsewhere(name, *rest):
        spec = find(name, *rest)
        if name == "course_lib.metrics":
            spec.origin = str(other)
        return spec

    monkeypatch.setattr(results.importlib.util, "find_spec", elsewhere)
    other.write_text('"""Another docstring."""\n# a comment\n' + text.split('"""', 2)[2], "utf-8")
    assert kept.said(experiment) == []
    other.write_text(text + "\nSOMETHING = 1\n", "utf-8")
    assert "(course_lib.metrics)" in kept.said(experiment)[0]


@pytest.mark.parametrize("call", ["L(zh={0}, en={0})", "ModelError(zh={0}, en={0}, n=1)"])
def test_a_message_of_any_kind_does_not_count(call):
    marks = [results._mark(ast.parse(call.format(repr(words)))) for words in ("one", "two")]
    assert marks[0] == marks[1] != results._mark(ast.parse("f(x=1)"))


def test_a_changed_model_is_named_whether_loaded_or_not(kept, tmp_path, monkeypatch):
    kept.keep(experiment)
    results.met("minilm-l6", "bbbb")
    assert "(minilm-l6)" in kept.said(experiment)[0]
    monkeypatch.setattr(results, "_met", {})
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assert kept.said(experiment) == []                      # not on this machine: nothing to compare
    (tmp_path / "models/minilm-l6").mkdir(parents=True)
    (tmp_path / "models/minilm-l6/manifest.json").write_text('{"model.safetensors": {"sha256": "cccc"}}')
    assert "(minilm-l6)" in kept.said(experiment)[0]


def test_an_older_record_says_that_helpers_were_not_recorded(kept):
    record = json.loads(kept.keep(experiment).file.read_text("utf-8"))
    del record["marks"], record["models"]
    kept.file.write_text(json.dumps(record))
    assert "does not say which helpers and models" in kept.said(experiment)[0]
    assert "The code has changed" in kept.said(lambda: None)[0]


def test_loading_a_model_is_noted(monkeypatch):
    from course_lib.models import card, fetch

    monkeypatch.setattr(results, "_met", {})
    fetch("zh-gpt")
    assert results._met == {"zh-gpt": card("zh-gpt").sha256}
