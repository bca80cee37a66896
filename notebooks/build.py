"""Build the notebooks: src/NN_name.py -> {zh,en}/NN_name.ipynb (student) and {zh,en}/solutions/NN_name.ipynb.

    python notebooks/build.py [NN ...]    rewrite what changed; the outputs of unchanged cells are kept
    python notebooks/build.py --run       and execute everything, storing the outputs
    python notebooks/build.py --bake      execute the student editions, and keep only what the site's pages
                                          need (live/), which --run keeps as well
    python notebooks/build.py --refresh   run again only what each notebook tells of the others: how many
                                          exercises there are, which one is next
    python notebooks/build.py --check     write nothing; 1 if a committed notebook is stale or a source
                                          breaks a rule

A source is jupytext's py:percent. The title of a cell says what it is:
    # %% zh [md]                        prose, followed by its twin `# %% en [md]`
    # %% rows="R7 E23"                  code, the same in both languages; `rows` says which rows of the
                                        syllabus it makes work
    # %% exercise id="lm.bigram"        the body comes from course_lib.exercises: the stub, or the reference
                                        in the solution edition
    # %% machine | training | timing    code whose stored output is not compared (see IGNORED)
Words in code are written once, `cl.L(zh="…", en="…")`; each edition gets its own (editions.py), and
`cl.recall()` the number of its chapter.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the checkout's own course_lib, also where another one is installed

from editions import one_language  # noqa: E402
from pictures import small_pictures  # noqa: E402
from rows import bibliography, fill_in, index, readme_pages, readme_table, written  # noqa: E402
from rules import broken_rules, guesses  # noqa: E402

LANGS = ("zh", "en")
IGNORED = {  # title of a cell -> why nbval does not compare its output
    "machine": "names the device, versions or folders of the machine it runs on",
    "training": "trained at full size when stored, at a small size under COURSE_QUICK",
    "timing": "prints seconds",
}
BOOTSTRAP = """\
# Installs the course where it is missing (Colab, Kaggle, a bare Jupyter).
try:
    import course_lib
except ModuleNotFoundError:
    import os
    source = os.environ.get("COURSE_SOURCE", "{address}")
    if not source:
        raise SystemExit("course_lib is missing. Set COURSE_SOURCE to its wheel, folder "
                         "or git address and run this cell again.")
    %pip install -q "{{source}}\""""
COLAB = {"zh": "在 Colab 中打开", "en": "Open in Colab"}


@cache
def address() -> str:
    """The course's own address: `Source` under [project.urls] in pyproject.toml, "" while there is none."""
    found = re.search(r'^Source\s*=\s*"(.+?)"', (HERE.parent / "pyproject.toml").read_text("utf-8"), re.M)
    return found[1].removesuffix(".git") if found else ""


def sources(wanted: list[str] | None = None) -> list[Path]:
    """The chapters' source files, in order; all, or those whose number is in `wanted`."""
    found = [HERE / "src" / f"{chapter.stem}.py" for chapter in written(HERE)]
    if unlisted := set((HERE / "src").glob("*.py")) - set(found):
        raise SystemExit(f"not in chapters.toml: {', '.join(sorted(path.name for path in unlisted))}")
    return [path for path in found if not wanted or path.stem[:2] in wanted]


def edition(source: Path, lang: str, solution: bool) -> Path:
    """Where one of the four notebooks of a source lies."""
    return HERE / lang / ("solutions" if solution else "") / f"{source.stem}.ipynb"


def live_folder(source: Path, lang: str) -> Path:
    """Where what the site's pages need of the widgets lies: a file for each cell, named after it."""
    return HERE / "live" / lang / source.stem


def render(source: Path, lang: str, solution: bool) -> nbformat.NotebookNode:
    """One edition of one source, without outputs."""
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    cells = jupytext.read(source, fmt="py:percent").cells
    first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
    hidden = nbformat.v4.new_code_cell(
        BOOTSTRAP.format(address=f"course-lib @ git+{address()}" if address() else "")
    )
    hidden.metadata = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    cells.insert(first, hidden)
    for cell in cells:
        title = cell.metadata.get("title", "")
        if cell.cell_type == "raw" or (title in LANGS and title != lang):
            continue
        metadata = {
            key: cell.metadata[key] for key in ("jupyter", "cellView", "rows", "id") if key in cell.metadata
        }
        if title == "exercise":
            cell.source = _exercise(metadata["id"], solution)
            metadata["tags"] = ["exercise"]
        elif title in IGNORED:
            metadata["tags"] = ["nbval-ignore-output"]
        if cell.cell_type == "code":
            cell.source = one_language(
                cell.source.replace('cl.start(lang="zh")', f'cl.start(lang="{lang}")').replace(
                    "cl.recall()", f"cl.recall(before={int(source.stem[:2])})"
                ),
                lang,
            )
        else:
            cell.source = fill_in(
                _without_gaps(cell.source) if lang == "zh" else cell.source,
                lang,
                HERE,
                depth=3 if solution else 2,
            )
        cell.metadata = metadata
        notebook.cells.append(cell)
    if address():
        path = edition(source, lang, solution).relative_to(HERE.parent).as_posix()
        link = f"https://colab.research.google.com/github/{address().partition('github.com/')[2]}/blob/main/{path}"
        notebook.cells[0].source += f"\n\n[{COLAB[lang]}]({link})"
    if not solution:
        fold(notebook)
    seen: dict[str, int] = {}
    for cell in notebook.cells:  # an id follows from the text, so an edit changes the id of that cell alone
        digest = hashlib.sha1(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def fold(notebook: nbformat.NotebookNode) -> None:
    """Hide the stored outputs from after each guess to its result, so that no answer stands below its
    question; Jupyter unfolds a cell that runs."""
    waiting: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            asked, resolved = guesses(cell.source)
            if waiting and not asked:
                cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), "outputs_hidden": True}
            waiting = (waiting | asked) - resolved


def cover(notebook: nbformat.NotebookNode) -> None:
    """Put an empty output first in each folded cell: JupyterLab shows the first line of the first one in its
    place."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
            if cell.metadata.get("jupyter", {}).get("outputs_hidden") and cell.outputs:
                cell.outputs.insert(0, nbformat.v4.new_output("display_data"))


def _without_gaps(text: str) -> str:
    """Chinese prose as one line a paragraph: a line break after Chinese would show as a space. Lists, tables
    and headings keep their lines."""
    wide = r"\u4e00-\u9fff\u3001-\u303f\uff00-\uffef“”‘’…"
    text = re.sub(rf"(?<=[{wide}])\n(?=[{wide}])", "", text)
    return re.sub(r"(?<=[。，：；？！、）”])\n(?=[^\s\-|#>*\d$]|\*\*|\$[^$])", "", text)


def _exercise(name: str, solution: bool) -> str:
    from course_lib import exercises

    return (exercises.reference_source if solution else exercises.stub)(name).strip()


def carry_outputs(new: nbformat.NotebookNode, old: nbformat.NotebookNode) -> None:
    """Take over the outputs of every code cell whose text, hence id, is unchanged."""
    kept = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in new.cells:
        if cell.cell_type == "code" and cell.id in kept:
            cell.update(outputs=kept[cell.id].outputs, execution_count=kept[cell.id].execution_count)


def execute(notebook: nbformat.NotebookNode, folder: Path, live: Path | None = None) -> None:
    """Run all cells with a progress file of their own and keep what a saved notebook can show: no widgets, no
    addresses.

    live: where what pages without a kernel need of the widgets goes (`course_lib/viz/widgets/baking.py`);
    None: nowhere.
    """
    from nbclient import NotebookClient

    metadata = dict(notebook.metadata)
    with tempfile.TemporaryDirectory() as home:
        client = NotebookClient(
            notebook, timeout=900, resources={"metadata": {"path": str(folder)}}, store_widget_state=False
        )
        client.widget_registry = {}  # no emulated Output widget: it can stall (nbclient issue 312)
        baking = {"COURSE_BAKE": str(HERE / "examples.toml")} if live else {}
        client.execute(
            env={
                **os.environ,
                **baking,
                "COURSE_HOME": home,
                "PYTHONPATH": str(HERE.parent),
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
            }
        )
    notebook.metadata = metadata
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined(_clean(output) for output in cell.outputs if not _is_widget(output))
    if live:
        keep_baked(notebook, live)


def _is_widget(output: nbformat.NotebookNode) -> bool:
    """A view of a live widget: without a kernel it would read "model not found", and its static picture is an
    output of its own."""
    return "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def _joined(outputs: Iterable[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """What was printed in one go as one output, without what a progress bar wrote over: a saved notebook
    shows its last state."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
    return kept


def _clean(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    small_pictures(output.get("data", {}))
    if "text/plain" in output.get("data", {}):
        output.data["text/plain"] = re.sub(r" at 0x[0-9a-f]{8,}>", ">", output.data["text/plain"])
    return output


def keep_baked(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Move what the widgets computed for pages without a kernel out of the notebook, into `folder`."""
    from course_lib.viz.widgets.baking import KEY

    shutil.rmtree(folder, ignore_errors=True)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if baked := output.get("metadata", {}).pop(KEY, None):
                view = json.loads(zlib.decompress(base64.b64decode(baked)))
                pictures = [{"text/html": picture} for picture in view["state"].get("pictures", ())]
                for picture in pictures:
                    small_pictures(picture)
                if pictures:
                    view["state"]["pictures"] = [picture["text/html"] for picture in pictures]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{cell.id}.z").write_bytes(
                    zlib.compress(json.dumps(view, ensure_ascii=False).encode(), 9)
                )


def refresh(path: Path) -> None:
    """Run again what a stored notebook tells of the others: its first cells count the course's exercises, and
    the last check of a solution edition names the next one.

    That check is run, after the chapter's other exercises, only where it names another one than the course
    now has there.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    checks = {
        cell.id: found
        for cell in cells
        if (found := "\n".join(re.findall(r"^cl\.check\(.+", cell.source, re.M)))
    }
    again = [(cell, cell.source) for cell in cells[:2]]
    last = next((cell for cell in reversed(cells) if cell.id in checks), None)
    if (
        path.parent.name == "solutions"
        and last
        and f"`{_following(checks[last.id])}`" not in str(last.outputs)
    ):
        again += [
            (None, "\n".join(re.findall(r"^(?:import|from) .+", cell.source, re.M))) for cell in cells[2:]
        ]
        again += [
            (cell if cell is last else None, checks.get(cell.id, cell.source))
            for cell in cells[2:]
            if cell.id in checks or "exercise" in cell.metadata.get("tags", ())
        ]
    part = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for _, source in again])
    execute(part, path.parent)
    for (cell, source), new in zip(again, part.cells):
        if cell:  # where the cell goes on after its checks, the rest of its outputs stays
            cell.outputs = new.outputs + ([] if source == cell.source else cell.outputs[len(new.outputs) :])
    path.write_text(text_of(notebook), "utf-8", newline="\n")


def _following(check: str) -> str:
    """The exercise that comes, in the course's order, after the last one that these lines check."""
    ids = [name for chapter in written(HERE) for name in chapter.exercises]
    return ids[(ids.index(re.findall(r'"(.+?)"', check)[-1]) + 1) % len(ids)]


def changed_alone(source: Path) -> list[str]:
    """The beginnings of prose cells that differ from the built notebooks in one language only: the twin was
    forgotten, or needs no change."""
    cells, before = {}, {}
    for lang in LANGS:
        path = edition(source, lang, False)
        if not path.exists():
            return []
        cells[lang] = [
            cell.source for cell in render(source, lang, False).cells if cell.cell_type == "markdown"
        ]
        before[lang] = {
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        }
    return [
        (zh if zh_changed else en).strip().splitlines()[0]
        for zh, en in zip(cells["zh"], cells["en"])
        if (zh_changed := zh not in before["zh"]) != (en not in before["en"])
    ]


def readme(write: bool) -> bool:
    """True if README's table of chapters is what chapters.toml says, and its way to the web pages what
    `address` says; put right if `write`."""
    path = HERE.parent / "README.md"
    old = new = path.read_text("utf-8")
    for name, text in (("pages", readme_pages(address())), ("chapters", readme_table(HERE))):
        head, begin, rest = new.partition(f"<!-- {name} -->\n")
        new = head + begin + text + f"\n<!-- /{name} -->" + rest.partition(f"<!-- /{name} -->")[2]
    if write and new != old:
        path.write_text(new, "utf-8", newline="\n")
    return new == old


def docs(write: bool) -> list[str]:
    """The pages of docs/ that rows.py makes and that were not as it makes them; put right if `write`."""
    stale = []
    for name, text in (("index.md", index(HERE)), ("bibliography.md", bibliography(HERE))):
        path = HERE.parent / "docs" / name
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(f"docs/{name}")
            if write:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8", newline="\n")
    return stale


def text_of(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it is written to disk."""
    return nbformat.writes(notebook) + "\n"


def build(source: Path, lang: str, solution: bool, run: bool) -> tuple[Path, str | None, str]:
    """(path, the committed text or None, the text as it should be)."""
    path = edition(source, lang, solution)
    old = path.read_text("utf-8") if path.exists() else None
    notebook = render(source, lang, solution)
    if run:
        path.parent.mkdir(parents=True, exist_ok=True)
        execute(notebook, path.parent, None if solution else live_folder(source, lang))
    elif old:
        carry_outputs(notebook, nbformat.reads(old, as_version=4))
    cover(notebook)
    return path, old, text_of(notebook)


def main() -> int:
    """The command line of the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("chapters", nargs="*", help="numbers such as 01; all by default")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--bake", action="store_true")
    parser.add_argument("--refresh", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks executed at a time")
    arguments = parser.parse_args()
    problems = 0
    chosen = sources(arguments.chapters)
    if arguments.bake:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            jobs = [
                (render(source, lang, False), edition(source, lang, False).parent, live_folder(source, lang))
                for source in chosen
                for lang in LANGS
            ]
            list(pool.map(lambda job: execute(*job), jobs))
        return 0
    if arguments.refresh:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            list(
                pool.map(
                    refresh,
                    [
                        edition(source, lang, solution)
                        for source in chosen
                        for lang in LANGS
                        for solution in (False, True)
                    ],
                )
            )
        return 0
    for source in chosen:
        for problem in broken_rules(source):
            problems += 1
            print(f"{source.name}: {problem}")
        for start in changed_alone(source):
            print(f"{source.name}: {start!r} was changed in one language only")
    if not readme(write=not arguments.check):
        problems += arguments.check
        print("stale README.md" if arguments.check else "wrote README.md")
    for page in docs(write=not arguments.check):
        problems += arguments.check
        print("stale" if arguments.check else "wrote", page)
    work = [
        (source, lang, solution, arguments.run)
        for source in chosen
        for lang in LANGS
        for solution in (False, True)
    ]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for path, old, new in pool.map(lambda job: build(*job), work):
            unrun = [
                cell.id
                for cell in nbformat.reads(new, as_version=4).cells
                if cell.cell_type == "code" and not cell.execution_count
            ]
            if arguments.check and unrun:
                problems += 1
                print(
                    f"{path.relative_to(HERE)}: cells {', '.join(unrun)} have no stored output; "
                    f"run make notebooks"
                )
            if new == old:
                continue
            print("stale" if arguments.check else "wrote", path.relative_to(HERE), flush=True)
            problems += arguments.check
            if not arguments.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(new, "utf-8", newline="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
