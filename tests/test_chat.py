"""The chat widget: what `reply` sees, what a saved notebook keeps, and a real browser that types and
reads."""

import nbformat
from lab import browser_page, jupyter, run_all

import course_lib as cl

NASTY = '<img src=x onerror="window.bad = 1"> & <b>bold</b>'
CODE = f"""
import time
import course_lib as cl
cl.start(lang="en")

def reply(history, write):
    for word in f"{{len(history)}} heard: {{history[-1]['content']}}".split():
        write(word + " ")
        time.sleep(0.4)
    write({NASTY!r})

cl.viz.chat(reply, "first")
"""


def test_reply_sees_the_whole_history_and_pieces_grow():
    seen, grown = [], []

    def reply(history, write):
        seen.append([message["content"] for message in history])
        write("a")
        grown.append(talk.growing)
        write("b")

    talk = cl.viz.chat(reply)
    assert talk.say(" one ") == "ab" and talk.say("two") == "ab" and talk.say("  ") == ""
    assert seen == [["one"], ["one", "ab", "two"]] and grown == ["a", "a"]
    assert (
        talk.messages[-1] == {"role": "assistant", "content": "ab"} and talk.growing == "" and not talk.busy
    )


def test_a_failing_reply_is_one_line_and_leaves_the_history_clean():
    def reply(history, write):
        write("half an ")
        if history[-1]["content"] == "break":
            raise ValueError("no model")

    talk = cl.viz.chat(reply, "fine")
    assert talk.say("break") == ""
    assert talk.messages[-1] == {"role": "error", "content": "✗ No answer came: no model"} and not talk.busy
    talk.say("again")
    assert [m["content"] for m in talk.messages] == [
        "fine",
        "half an ",
        "✗ No answer came: no model",
        "again",
        "half an ",
    ]
    talk._heard(talk, {"forget": True}, [])
    assert talk.messages == []


def test_the_still_shows_text_never_markup():
    cl.i18n.set_language("zh")
    still = cl.viz.chat(lambda history, write: write(NASTY), NASTY).still()
    assert "<img" not in still and "<b>" not in still and still.count("&lt;img") == 2 and "助手" in still


def test_a_reader_types_and_the_answer_streams(tmp_path):
    # without it Lab asks which one
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = nbformat.v4.new_notebook(metadata=kernel, cells=[nbformat.v4.new_code_cell(CODE)])
    nbformat.write(notebook, tmp_path / "chat.ipynb")
    with jupyter(tmp_path) as address, browser_page(address) as page:
        page.goto(f"{address}/lab/tree/chat.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        run_all(page)
        log, box = page.locator(".course-chat-log"), page.locator(".course-chat input")
        log.wait_for(timeout=30_000)
        assert "1 heard: first" in log.inner_text() and not page.locator(".course-static").is_visible()
        box.fill("hello <i>there</i> my old friend")
        box.press("Enter")
        page.wait_for_function(
            "document.querySelector('.course-chat-log').innerText.includes('3 heard: hello')", timeout=15_000
        )
        early = log.inner_text()
        assert "onerror" not in early.split("3 heard")[1], "the first words are there before the last"
        assert page.locator(".course-chat button[type=submit]").is_disabled()
        page.wait_for_function(
            "document.querySelectorAll('.course-chat-assistant').length === 2 && "
            "!document.querySelector('.course-chat button').disabled",
            timeout=15_000,
        )
        assert log.inner_text().count("onerror") == 2 and page.evaluate("window.bad") is None
        assert log.locator("img, b, i").count() == 0 and box.input_value() == ""
        page.get_by_text("Start over").click()
        page.wait_for_function("document.querySelector('.course-chat-log').innerText === ''")
        assert page.outside == []
