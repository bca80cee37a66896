"""One source, two notebooks in one language each; one list of chapters; the measure of a chapter."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

import build  # noqa: E402
import nbformat  # noqa: E402
import rows  # noqa: E402
import rules  # noqa: E402
from editions import masked, one_language  # noqa: E402
from nbval_compare import difference  # noqa: E402
from numerals import differing  # noqa: E402

from course_lib import exercises  # noqa: E402
from course_lib.chapters import chapters  # noqa: E402
from course_lib.exercises.engine import registry  # noqa: E402


@pytest.mark.parametrize(
    "code, zh, en",
    [
        ('x = cl.L(zh="猫", en="cat")', 'x = "猫"', 'x = "cat"'),
        ('x = str(cl.L(zh="猫 狗", en="cat dog")).split()', 'x = "猫 狗".split()', 'x = "cat dog".split()'),
        (
            'print(cl.L(zh="共 {0} 句", en="{0} in all").format(n))',
            'print("共 {0} 句".format(n))',
            'print("{0} in all".format(n))',
        ),
        ("f\"{cl.L(zh='长', en='length')}: {n:.2f}\"", 'f"长: {n:.2f}"', 'f"length: {n:.2f}"'),
        ("f\"{cl.L(zh='“长”', en='{long}')}\"", "f\"{'“长”'}\"", "f\"{'{long}'}\""),
        ('f(cl.L(zh="a)", en="b(("), cl.L(zh=\'c\', en="d"))', "f(\"a)\", 'c')", 'f("b((", "d")'),
        ('x = cl.L(zh="一"\n        "二", en="one")', 'x = ("一"\n        "二")', 'x = "one"'),
        (
            "plot(n, label=cl.L(zh=f'{n} 层', en=f'{n} layers'))",
            "plot(n, label=f'{n} 层')",
            "plot(n, label=f'{n} layers')",
        ),
    ],
)
def test_the_edition_gets_its_own_literal(code, zh, en):
    assert (one_language(code, "zh"), one_language(code, "en")) == (zh, en)
    assert masked(zh) == masked(en)


def test_a_call_that_never_ends_is_an_error():
    with pytest.raises(SyntaxError, match="without an end"):
        one_language('x = cl.L(zh="猫", en="cat"', "zh")


def test_masked_sees_everything_but_words():
    assert masked('f("a", f"{n} b", 1)') == masked('f("x", f"c {n}", 1)')
    for other in ('f("a", f"{m} b", 1)', 'f("a", f"{n} b", 2)', 'g("a", f"{n} b", 1)', 'f("a", 1)'):
        assert masked('f("a", f"{n} b", 1)') != masked(other)


def test_colab_is_offered_where_the_course_has_an_address(monkeypatch):
    source = build.sources(["03"])[0]
    for address, offered in (("", False), ("https://github.com/someone/course", True)):
        monkeypatch.setattr(build, "address", lambda: address)
        link = "](https://colab.research.google.com/github/someone/course/blob/main/notebooks/en/03_attention.ipynb)"
        assert (link in build.render(source, "en", False).cells[0].source) is offered


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("source", build.sources(), ids=lambda path: path.stem)
def test_no_notebook_carries_the_other_language_in_its_code(source, lang):
    code = [cell.source for cell in build.render(source, lang, False).cells if cell.cell_type == "code"]
    assert not any("cl.L(" in text for text in code) and len(code) > 5


@pytest.mark.parametrize(
    "zh, en, lost",
    [
        ("1.35 亿参数", "135 million parameters", []),
        ("四万九千个词元", "49,000 tokens", []),
        ("49,000 个词元", "forty-nine thousand tokens", []),
        ("每 3 个里有一半", "half of every three", []),
        ("430 万字", "4.3 million characters", []),
        ("两次", "twice", []),
        ("12 句", "a dozen", []),
        ("第 9 章", "chapter 10", ["9 (zh)", "10 (en)"]),
        ("共 48 个", "all of them", ["48 (zh)"]),
        ("全部", "all 48", ["48 (en)"]),
        ("1.35 亿", "135 thousand", ["1.35e+08 (zh)", "135000 (en)"]),
        ("准确率 82%", "82.5 %", ["82 (zh)", "82.5 (en)"]),
    ],
)
def test_numbers_of_twins_are_compared(zh, en, lost):
    assert differing(zh, en) == lost


CHAPTER = '''# %% zh [md]
r"""
# {number} · 新的一章

{{{{R7}}}}
"""
# %% en [md]
r"""
# {number} · A new chapter

{{{{R7}}}}
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
# %% rows="R7"
print(cl.L(zh="你好", en="hello"))
'''

EXERCISE = '''"""next.double: twice a number."""
from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Exercise, Mistake


def double(x):
    """Twice x. x: [N]. Returns [N]."""
    return 2 * x


EXERCISE = Exercise(
    id="next.double", title=L(zh="两倍", en="Twice"), reference=double, returns=Array("N"), hints=(),
    cases=lambda draw: [Case(L(zh="三个数", en="three numbers"), (draw.normal(3),)), Case(L(zh="一个数", en="one number"), (draw.normal(1),))],
    mistakes=(Mistake("fourfold", L(zh="多乘了一次", en="it is doubled twice too often"), L(zh="乘几？", en="By what?"), ("2 *", "4 *")),),
    alternatives=(), think=L(zh="", en=""),
)
'''  # noqa: E501


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A course of one chapter, number 4, with its list, in a folder of its own."""
    folder = tmp_path / "notebooks"
    (folder / "src").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "notebooks/chapters.toml", "notebooks/rows.csv"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(build, "HERE", folder)
    chapters.cache_clear()
    (folder / "src" / "04_transformer.py").write_text(CHAPTER.format(number=4), "utf-8")
    yield folder
    chapters.cache_clear()


def test_a_new_chapter_is_one_entry_and_one_source(tree):
    listed = (tree / "chapters.toml").read_text("utf-8")
    (tree / "src" / "18_next.py").write_text(CHAPTER.format(number=18), "utf-8")
    with pytest.raises(SystemExit, match="18_next.py"):
        build.sources()
    (tree / "chapters.toml").write_text(
        listed + '\n[[chapter]]\nnumber = 18\nslug = "next"\npart = 4\nminutes = 50\nzh = "新的"\n'
        'en = "What is new"\nlearn = { zh = "学新的", en = "news" }\n',
        "utf-8",
    )
    chapters.cache_clear()
    assert [path.stem for path in build.sources()] == ["04_transformer", "18_next"]
    assert "| 18 | [What is new](18_next.ipynb) | news |" in rows.chapter_map("en", tree)
    assert "| 2 | 词元与表示 | 文字怎样变成数 |" in rows.chapter_map("zh", tree), "one to come has no link"
    assert not build.readme(write=False)
    build.readme(write=True)
    readme = (tree.parent / "README.md").read_text("utf-8")
    assert (
        build.readme(write=False)
        and "| 18 | 新的 What is new | 50 | [打开](notebooks/zh/18_next.ipynb)" in readme
        and "01_language_models.ipynb" not in readme
    )
    notebook = build.render(build.sources(["18"])[0], "en", False)
    assert "[18 · A new chapter](18_next.ipynb#18-·-A-new-chapter)" in notebook.cells[
        0
    ].source and 'print("hello")' in [c.source for c in notebook.cells]


def test_readme_leads_to_the_pages_before_it_asks_for_an_installation(tree, monkeypatch):
    first = (tree.parent / "README.md").read_text("utf-8").partition("git clone")[0]
    assert "make site" in first and "github.io" not in first, "no dead link while the course has no address"
    monkeypatch.setattr(build, "address", lambda: "https://github.com/someone/course")
    build.readme(write=True)
    first = (tree.parent / "README.md").read_text("utf-8").partition("git clone")[0]
    assert first.count("(https://someone.github.io/course/living.html)") == 2 and "make site" not in first


def test_a_new_exercise_is_one_file_and_one_word_in_the_list(tree, monkeypatch):
    folder = tree.parent / "next"
    folder.mkdir()
    (folder / "double.py").write_text(EXERCISE, "utf-8")
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tree.parent)])
    (tree / "chapters.toml").write_text(
        (tree / "chapters.toml").read_text("utf-8")
        + """
[[chapter]]
number = 18
slug = "next"
part = 4
minutes = 50
zh = "新的"
en = "What is new"
learn = { zh = "学新的", en = "news" }
exercises = ["next.double"]
""",
        "utf-8",
    )
    monkeypatch.setattr("course_lib.chapters._PLACES", (tree / "chapters.toml",))
    (tree / "src" / "18_next.py").write_text(
        CHAPTER.format(number=18) + '# %% exercise id="next.double"\n# next.double\n', "utf-8"
    )
    chapters.cache_clear(), registry.exercises.cache_clear()
    try:
        assert "next.double" in [entry["id"] for entry in exercises.catalog()]
        (source,) = build.sources(["18"])
        student, solved = (
            build.render(source, "en", solution).cells[-1].source for solution in (False, True)
        )
        assert "def double(x):" in student and "return 2 * x" not in student and "return 2 * x" in solved
        assert exercises.check("next.double", lambda x: x + x, record=False).passed
        assert (
            "twice too often"
            in exercises.check("next.double", lambda x: 4 * x, record=False, lang="en").message
        )
    finally:
        chapters.cache_clear(), registry.exercises.cache_clear()


def test_a_twin_changed_alone_is_reported(tree):
    (source,) = build.sources()
    for lang in build.LANGS:
        path = build.edition(source, lang, False)
        path.parent.mkdir()
        nbformat.write(build.render(source, lang, False), path)
    assert build.changed_alone(source) == []
    source.write_text(CHAPTER.format(number=4).replace("A new chapter", "Quite a new chapter"), "utf-8")
    assert build.changed_alone(source) == ["# 4 · Quite a new chapter"]
    source.write_text(
        CHAPTER.format(number=4).replace("A new chapter", "Another chapter").replace("新的一章", "另一章"),
        "utf-8",
    )
    assert build.changed_alone(source) == []


@pytest.mark.parametrize(
    "added, said",
    [
        ("# %%\n" + "x = 1\n" * 16, "16 lines"),
        ("# %%\nx = '" + "a" * 90 + "'\n", "88 columns"),
        ("# %%\n1\n" * 60, "63 cells"),
        ("# %%\ncl.i18n.language()\n", "which language"),
        ("# %%\nprint('a' if lang == 'zh' else 'b')\n", "which language"),
        ("# %%\nprint(True * 'yes')\n", "truth value"),
        ("# %%\nx = cl.L(zh=a, en=b)\n", "not the same in both"),
        ('# %%\ncl.guess("a.b", "which?", choices=[1, 2])\n', "never resolved"),
        ('# %%\ncl.guess("a.b", "which?", choices=[1, 2])\n# %%\ncl.guess.result("a.b", 1)\n', ""),
        (
            "# %%\ncl.guess(\n    'a.b', 'which?',\n    choices=[1, 2])\n# "
            "%%\ncl.guess.result(\n    'a.b', 1)\n",
            "",
        ),
        ('# %%\ncl.guess(\n    "a.b", "which?")\n', "never resolved"),
        ('# %%\ncl.guess.result("a.b", 1)\n', "before anybody is asked"),
        ('# %%\ncl.guess("a.b", "which?")\ncl.guess.result("a.b", 1)\n', "a cell of its own"),
    ],
)
def test_the_measure_of_a_chapter(tree, added, said):
    (source,) = build.sources()
    source.write_text(CHAPTER.format(number=4) + added, "utf-8")
    problems = list(rules.broken_rules(source))
    assert any(said in problem for problem in problems) if said else not problems


def test_what_answers_a_guess_is_folded_for_students_alone(tree):
    (source,) = build.sources()
    cells = [
        "cl.recall()",
        'x = "before"',
        'cl.guess("a.b", "which?")',
        'x = "between"',
        'cl.guess("c.d", "and?")',
        'cl.guess.result("a.b", 1)',
        'x = "still"',
        'cl.guess.result("c.d", 1)',
        'x = "after"',
    ]
    source.write_text(CHAPTER.format(number=4) + "".join(f"# %%\n{cell}\n" for cell in cells), "utf-8")
    folded = lambda solution: [
        cell.source
        for cell in build.render(source, "en", solution).cells
        if cell.metadata.get("jupyter", {}).get("outputs_hidden")
    ]
    assert folded(solution=False) == [
        'x = "between"',
        'cl.guess.result("a.b", 1)',
        'x = "still"',
        'cl.guess.result("c.d", 1)',
    ]
    assert folded(solution=True) == []
    notebook = build.render(source, "en", False)
    assert "cl.recall(before=4)" in [cell.source for cell in notebook.cells]
    cell = next(cell for cell in notebook.cells if cell.source == 'x = "still"')
    cell.outputs = [nbformat.v4.new_output("stream", text="the answer")]
    for _ in range(2):
        build.cover(notebook)
        assert [dict(output.get("data", {})) or output.get("text") for output in cell.outputs] == [
            None,
            "the answer",
        ]
    assert not difference(cell.outputs, cell.outputs[1:])


def test_the_list_names_each_exercise_once_in_the_order_of_its_chapter():
    import jupytext

    listed = [id for chapter in chapters() for id in chapter.exercises]
    assert listed == [entry["id"] for entry in exercises.catalog()] and len(set(listed)) == len(listed)
    files = {
        f"{path.parent.name}.{path.stem}"
        for path in (ROOT / "course_lib" / "exercises").glob("[a-z]*/[a-z]*.py")
    }
    assert {id for id in files if not id.startswith("engine.")} == set(listed), (
        "one file an exercise, and each is listed"
    )
    for chapter in rows.written(ROOT / "notebooks"):
        cells = jupytext.read(ROOT / "notebooks" / "src" / f"{chapter.stem}.py", fmt="py:percent").cells
        asked = [cell.metadata["id"] for cell in cells if cell.metadata.get("title") == "exercise"]
        assert tuple(asked) == chapter.exercises
        assert chapter.minutes, "a written chapter says how long it takes"


def test_docs_hold_the_index_and_the_bibliography(tree):
    shutil.copy(ROOT / "notebooks" / "citations.csv", tree)
    assert (
        build.docs(write=True) == ["docs/index.md", "docs/bibliography.md"] and build.docs(write=False) == []
    )
    index = (tree.parent / "docs" / "index.md").read_text("utf-8")
    assert (
        "](../notebooks/en/04_transformer.ipynb#4-·-A-new-chapter)" in index
        and "| E50 | 查不到的书 · A book that cannot be found | [书目](bibliography.md)" in index
    )
    assert "1706.03762" in (tree.parent / "docs" / "bibliography.md").read_text("utf-8")
    assert rows.fill_in("[x]({{docs}}/index.md)", "en", tree, depth=3) == "[x](../../../docs/index.md)"
