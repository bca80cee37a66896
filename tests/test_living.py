"""The page that a model lives in: its numbers against PyTorch's, its tokenizer against the real one, and its
hands and keys in a real browser."""

import pytest
import torch
from lab import CONTRAST, browser_page
from transformers import TopPLogitsWarper

import course_lib as cl
from course_lib.errors import CourseError
from course_lib.site import living_page, main

READ = """documents => documents.map((ids) => {
  model.forget();
  return ids.map((id) => model.step(id)).map((logits) => [logits.indexOf(Math.max(...logits)), ...logits.slice(0, 50)]);
})"""  # noqa: E501
ODD = ["今天,天气真好...你说呢?", "ＡＢＣ　ａｂｃ", "好.坏. a.b", "😀龘\n\t x~(y)", "", "   ", "<pos>和<eos>"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert main(["site", "--living", "--out", str(folder / "new")]) == 0
    return folder / "new" / "living.html"


@pytest.fixture()
def page(path):
    with browser_page(width=1280, height=800) as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(".bar")
        yield page
        assert errors == [] and page.outside == []


def write(page, text):
    """Type a text and wait until it has been read."""
    page.fill("#text", text)
    page.wait_for_function("count => tokens.length === count", arg=1 + min(len(text), 255))


@pytest.fixture(scope="module")
def gpt():
    return cl.load("zh-gpt", device="cpu")


def test_the_page_is_one_small_file(path):
    text = path.read_text("utf-8")
    assert path.stat().st_size < 6e6
    assert "%%" not in text and "src=" not in text and "@import" not in text and "url(" not in text


def test_its_most_likely_next_token_is_pytorchs(page, gpt):
    reviews = [("<pos>" if review.label else "<neg>") + review.text for review in cl.text.reviews().test[:90]]
    documents = [ids[:64] for ids in gpt.tokenizer(reviews).input_ids]
    found = [row for document in page.evaluate(READ, documents) for row in document]
    with torch.inference_mode():
        logits = torch.cat([gpt.model(torch.tensor([ids])).logits[0].float() for ids in documents])
    assert len(found) >= 2000
    found = torch.tensor(found)
    assert (found[:, 0] == logits.argmax(-1)).float().mean() >= 0.98
    # int8; the largest of all is about 1.6, the logits span about 20
    assert (found[:, 1:] - logits[:, :50]).abs().median() < 0.1


def test_its_attention_is_pytorchs(page, gpt):
    theirs = gpt.attention("<pos>" + "这家酒店的早餐很好").weights  # [L, H, T, T]
    write(page, "这家酒店的早餐很好")
    # [L][T][H][T]
    mine = page.evaluate(
        "model.past.map((tokens) => tokens.map((token) => token.weights.map((row) => [...row])))"
    )
    gap = max(
        abs(weight - theirs[layer, head, target, source])
        for layer, tokens in enumerate(mine)
        for target, rows in enumerate(tokens)
        for head, row in enumerate(rows)
        for source, weight in enumerate(row)
    )
    assert gap < 0.05


@pytest.mark.parametrize("name", ["zh-gpt", "zh-verse"])
def test_its_tokenizer_is_the_models(page, name):
    tokenizer = cl.load(name).tokenizer
    page.select_option("#model", name)
    texts = [text for text in ODD if "<" not in text] + [
        item.text[:200] for item in cl.text.reviews().test[:100]
    ]
    ids = page.evaluate("texts => texts.map((text) => characters.encode(text).map(({ id }) => id))", texts)
    assert ids == tokenizer(texts).input_ids


def test_typing_and_drawing(page, gpt):
    write(page, "今天天气真")
    with torch.inference_mode():
        likeliest = int(
            gpt.model(torch.tensor([gpt.tokenizer("<pos>今天天气真").input_ids])).logits[0, -1].argmax()
        )
    assert page.locator(".bar b").first.inner_text() == gpt.tokenizer.decode(likeliest)
    page.locator(".bar").first.click()
    assert page.input_value("#text") == "今天天气真" + gpt.tokenizer.decode(likeliest)
    page.locator("#temperature").fill("0")
    page.locator("#text").press("Control+Enter")
    first = page.input_value("#text")
    assert len(first) == 7 and page.locator(".bar.out").count() == 7  # at 0 only the likeliest is left
    page.click("#run")
    page.wait_for_function("document.getElementById('text').value.length > 12")
    page.click("#run")
    page.wait_for_function("!running")
    page.click("#clear")
    page.wait_for_function("tokens.length === 1")
    assert page.input_value("#text") == "" and page.evaluate("tokens.length") == 1


def test_top_p_keeps_what_the_library_keeps(page):
    logits = [[2.0, 1.0, 0.5, -1.0, 2.0], [0.0, 0.0, 0.0, 0.0, 9.0]]
    for row in logits:
        for temperature, top_p in ((0.7, 0.6), (1.5, 0.9), (1.0, 1.0)):
            mine = page.evaluate("([row, t, p]) => nextProbabilities(row, t, p)", [row, temperature, top_p])
            kept = TopPLogitsWarper(top_p)(None, torch.tensor([row]) / temperature).softmax(-1)[0]
            assert torch.allclose(torch.tensor(mine, dtype=torch.float32), kept, atol=1e-6)


def test_a_cell_shows_its_numbers(page):
    write(page, "天气好")
    page.locator("#grid button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.locator("#grid button[aria-pressed=true]").evaluate(
        "button => button === document.activeElement"
    )
    page.locator("#matrix").focus()
    page.keyboard.press("ArrowUp")
    page.locator("#square").click(position={"x": 8, "y": 8})
    assert page.evaluate("[heads.layer, heads.head, ...heads.cell]") == [1, 1, 0, 0]
    page.locator("summary").click()
    rows = page.locator("details tr").all_inner_texts()[1:]
    numbers = [[float(cell.replace("−", "-")) for cell in row.split()] for row in rows]
    assert len(numbers) == 48 and all(abs(q * k - both) < 0.05 for _, q, k, both in numbers)
    total = float(page.locator("#cell > table td").nth(1).inner_text())
    assert abs(sum(both for *_, both in numbers) - total) < 0.1
    assert "1.000" in page.locator("#cell > p").first.inner_text()  # the first token can only look at itself


def test_what_it_cannot_read_is_said(page):
    write(page, "龘<img src=x onerror=alert(1)>")
    assert "龘" in page.inner_text("#note") and page.locator("#queries img").count() == 0
    write(page, "很好" * 300)
    assert "255" in page.inner_text("#note")
    page.click("#one")
    assert len(page.input_value("#text")) == 600  # nothing is written beyond what it reads


def test_both_languages_and_a_poem(page):
    was = page.inner_text("h1")
    page.click("#language")
    assert page.inner_text("h1") != was
    words = page.evaluate("Object.values(WORDS).map((language) => Object.keys(language).sort().join())")
    assert words[0] == words[1]
    page.select_option("#model", "zh-verse")
    page.select_option("#start", "<五绝>")
    page.locator("#temperature").fill("0")  # drawn, now and then a poem has a line too short
    page.click("#run")
    page.wait_for_function("!running && document.getElementById('text').value.length > 20")
    poem = page.input_value("#text").split("：")[1]
    assert len(poem) == 24 and poem[5] in "，。" and poem[-1] == "。"  # four lines of five


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_in_either_theme(path, scheme):
    with browser_page(width=390, height=844) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        page.wait_for_selector(".bar")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate(CONTRAST)[0] >= 4.5


@pytest.mark.parametrize("name", ["zh-bert", "smollm2-135m"])
def test_another_model_is_a_sentence(name):
    with pytest.raises(CourseError, match=f"{name}.*zh-gpt, zh-verse"):
        living_page((name,))
