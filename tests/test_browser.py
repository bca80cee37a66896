"""Every chapter in a real JupyterLab, as a reader sees it: some run whole, all as stored; nothing red, every
picture drawn; screenshots."""

import shutil
from pathlib import Path

import pytest
from lab import SHUT_DOWN, browser_page, chromium, jupyter, run_all

ROOT = Path(__file__).parents[1]
SHOTS = ROOT / "screenshots"
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks" / "src").glob("[0-9]*.py"))
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
RED = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
# What a widget's output area shows: text, or a canvas or an image with something drawn on it.
CONTENT = """area => {
  const drawn = [...area.querySelectorAll('canvas')].some(c => c.width && new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 2);
  const images = [...area.querySelectorAll('img')].some(i => i.naturalWidth > 20);
  const framed = area.querySelector('iframe[sandbox]');         // closed to this page; test_viewer_browser looks inside
  return area.getBoundingClientRect().height > 20 && (drawn || images || framed || area.innerText.trim().length > 3);
}"""  # noqa: E501


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    chromium()
    root = tmp_path_factory.mktemp("course")  # copies: the browser saves what it runs
    for lang in ("zh", "en"):
        shutil.copytree(ROOT / "notebooks" / lang, root / lang)
    with jupyter(root) as address:
        yield address


# Every chapter's cells are executed by nbval, and each kind of widget has tests of its own in a browser; in
# Lab a few chapters
# run whole, as a reader runs them, and the others are read as stored, every second one in Chinese.
LIVE = [("00_start", "zh"), ("03_attention", "en"), ("08_finetuning", "zh"), ("15_agents", "en")]
STORED = [(chapter, "zh" if number % 2 else "en") for number, chapter in enumerate(CHAPTERS)]


@pytest.mark.parametrize("chapter, lang", LIVE)
def test_chapter_runs_in_lab(site, chapter, lang):
    with browser_page(site) as page:
        _open(page, site, chapter, lang)
        run_all(page)
        page.wait_for_timeout(2500)  # front-end work after the last reply
        assert page.locator(RED).all_inner_texts() == []
        # a widget's output is a panel; others are rendered MIME
        widgets = page.locator(".jp-OutputArea-output.lm-Panel")
        assert widgets.count() >= 2, "a chapter has at least two things to drag, click or type into"
        blank = [i for i in range(widgets.count()) if not widgets.nth(i).evaluate(CONTENT)]
        assert not blank, f"widgets {blank} show nothing"
        assert page.outside == [], "a page of the course asks for nothing outside"
        _shots(page, f"{chapter}-{lang}-live")
        page.evaluate(SHUT_DOWN)


@pytest.mark.parametrize("chapter, lang", STORED)
def test_chapter_reads_well_as_stored(site, chapter, lang):
    with browser_page(site) as page:
        _open(page, site, chapter, lang)
        page.wait_for_timeout(1500)
        assert page.locator(RED).all_inner_texts() == []
        text = page.locator(".jp-Notebook").inner_text().lower()
        assert "model not found" not in text and "error displaying widget" not in text
        outputs, images = page.locator(".jp-OutputArea-output"), page.locator(".jp-OutputArea-output img")
        assert outputs.count() >= 10, "a chapter is stored with its outputs"
        assert all(images.nth(i).evaluate("i => i.naturalWidth > 20") for i in range(images.count()))
        assert page.outside == []
        _shots(page, f"{chapter}-{lang}", themes=("Dark",))
        page.evaluate(SHUT_DOWN)


def _open(page, site, chapter, lang):
    page.goto(f"{site}/lab/tree/{lang}/{chapter}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)


def _shots(page, name, themes=("Light", "Dark")):
    SHOTS.mkdir(exist_ok=True)
    page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
    height = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.jp-WindowedPanel-outer, "
        ".jp-Notebook')].map(n => n.scrollHeight))"
    )
    page.set_viewport_size({"width": 1200, "height": int(min(height + 160, 15_000))})
    for theme in themes:
        page.evaluate(THEME, f"JupyterLab {theme}")
        page.wait_for_timeout(1200)
        page.screenshot(path=SHOTS / f"{name}-{theme.lower()}.png")
