"""The course as web pages: built once, then opened from the disk in a real browser that reaches nothing
else."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from lab import CONTRAST, browser_page

from course_lib import exercises
from course_lib.chapters import chapters
from course_lib.site import main

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PAGES = [f"{chapter.stem}.html" for chapter in chapters() if chapter.minutes] + [
    "index.html",
    "rows.html",
    "bibliography.html",
    "live.html",
    "api.html",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # Sphinx's warnings are errors: a link that leads nowhere fails here
    assert main(["site", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def page():
    with browser_page(width=1280, height=800) as page:
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        yield page


def test_every_page_opens_from_the_disk(site, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for lang in ("zh", "en"):
        for name in PAGES:
            asked.clear()
            page.goto((site / lang / name).as_uri())
            assert page.locator("h1").count() == 1 and page.errors == [] and page.outside == [], (lang, name)
            assert (
                page.locator("merror, .MathJax").count() == 0
                and "$$" not in page.locator("article").inner_text()
            )
            files = {
                Path(unquote(address.split("?")[0].removeprefix("file://")))
                for address in asked
                if address.startswith("file:")
            }
            # all that the first picture needs
            assert len(files) > 3 and sum(file.stat().st_size for file in files) < 1e6


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_language_stays_small(site, lang):
    assert sum(file.stat().st_size for file in (site / lang).rglob("*") if file.is_file()) < 40e6


def test_what_was_computed_beforehand_belongs_to_a_cell():
    for file in (NOTEBOOKS / "live").glob("*/*/*.z"):
        notebook = json.loads((NOTEBOOKS / file.parts[-3] / f"{file.parts[-2]}.ipynb").read_text("utf-8"))
        assert file.stem in {cell["id"] for cell in notebook["cells"]}, (
            f"{file} is stale: python notebooks/build.py {file.parts[-2][:2]} --bake"
        )


def test_views_live_where_they_stood_still(site, page):
    page.goto((site / "en" / "03_attention.html").as_uri())
    for still in page.locator("[data-live]").all():
        still.evaluate("""still => {
          for (let at = still; at; at = at.parentElement) if (at.matches("details")) at.open = true;
          still.parentElement.scrollIntoView();
        }""")
        page.wait_for_function("still => still.style.display === 'none'", arg=still.element_handle())
    assert page.locator(".course-awake").count() == page.locator("[data-live]").count() > 3
    assert page.errors == [] and page.outside == []


def test_formulas_are_drawn_by_the_browser(site, page):
    page.goto((site / "zh" / "03_attention.html").as_uri())
    assert page.locator("math").count() > 10
    assert page.locator("math msqrt").first.bounding_box()["width"] > 5


def test_the_landing_page_shows_the_viewer(site, page):
    page.goto((site / "index.html").as_uri())
    page.frame_locator("iframe").locator("canvas").first.wait_for()
    for target in page.locator("nav a").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    ):
        assert (site / target).exists()


def test_one_click_leads_to_the_same_section_in_the_other_language(site, page):
    page.goto((site / "zh" / "01_language_models.html").as_uri())
    page.locator("h2", has_text="1.4").evaluate("heading => heading.scrollIntoView({ behavior: 'instant' })")
    page.click("#other-language")
    page.wait_for_load_state()
    page.wait_for_timeout(300)
    heading = page.locator("h2", has_text="1.4")
    assert page.evaluate("document.documentElement.lang") == "en" and abs(heading.bounding_box()["y"]) < 200


def test_a_guess_comes_before_its_answer(site, page):
    page.goto((site / "en" / "01_language_models.html").as_uri())
    result = page.get_by_text("the answer is “falls, then rises”")
    assert not result.is_visible()
    page.get_by_role("button", name="keeps falling").click()
    told = page.locator(
        "[role=status]", has_text="You guessed “keeps falling”; the answer is “falls, then rises”"
    )
    assert told.is_visible()
    page.reload()
    assert told.is_visible() and page.get_by_role("button", name="keeps falling").is_disabled()


def test_what_was_answered_can_be_handed_in(site, page, tmp_path):
    page.goto((site / "en" / "03_attention.html").as_uri())
    asked = page.locator("[data-guess='attention.saturation']")
    asked.locator("input").fill("0.9")
    asked.locator("button").click()
    page.locator("[data-guess='attention.reason'] button").first.click()  # the answer is the second
    rows = page.locator(".course-live > div:has(.course-choice)")
    for row in rows.all()[:3]:
        row.locator("button").first.click()
    right = sum(note.startswith("✓") for note in rows.locator("[role=status]").all_inner_texts())
    with page.expect_download() as download:
        page.click("#progress")
    download.value.save_as(tmp_path / "progress.json")
    merged = exercises.merge(tmp_path / "progress.json")
    # 0.97, within 0.1
    assert (
        merged.guesses["attention.reason"]["wrong"] == 1
        and merged.guesses["attention.saturation"]["right"] == 1
        and not merged.unread
    )
    assert (
        sum(row["asked"] for row in merged.recalls.values()) == 3
        and sum(row["right"] for row in merged.recalls.values()) == right
    )


def test_a_recalled_answer_is_judged_and_explained(site, page):
    page.goto((site / "zh" / "03_attention.html").as_uri())
    rows = page.locator(".course-live > div:has(.course-choice)")
    assert rows.count() >= 3
    rows.first.locator("button").first.click()
    note = rows.first.locator("[role=status]")
    assert (
        note.inner_text().startswith(("✓", "应当是"))
        and (site / "zh" / note.locator("a").get_attribute("href")).exists()
    )


@pytest.mark.parametrize(
    "lang, query, wanted",
    [
        ("zh", "困惑度", "01_language_models"),
        ("zh", "注意力头", "03_attention"),
        ("en", "perplexity", "01_language_models"),
    ],
)
def test_search_finds(site, page, lang, query, wanted):
    page.goto((site / lang / "search.html").as_uri() + f"?q={query}")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").evaluate_all("links => links.map((link) => link.href)")
    assert any(wanted in address for address in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_can_be_read_on_a_phone_and_in_the_dark(site, page, scheme, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    for address in (site / "index.html", site / "en" / "01_language_models.html"):
        page.goto(address.as_uri())
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CONTRAST)[0] >= 4.5
