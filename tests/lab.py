"""A real JupyterLab or Notebook server, and a real browser with the outside cut off."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_open: Browser | None = None  # the browser of `one_browser`

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# Every cell in the page at once, so that what is off the screen can be asserted, too.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

RUN_ALL = """async (seconds) => {
  const { commands, shell } = window.jupyterapp, panel = shell.currentWidget;
  const run = async () => {
    await panel.context.ready; await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    await commands.execute('notebook:run-all-cells');                // resolves when the last cell is done, or none can be any more
  };
  await Promise.race([run(), new Promise((late) => setTimeout(late, 1000 * seconds))]);
  const open = panel.content.widgets.find((cell) => cell.model.type === 'code' && !/\\d/.test(cell.prompt));
  const state = `limit ${seconds} s, kernel ${panel.sessionContext.kernelDisplayStatus}`;
  if (open) throw new Error(`a cell has not run (${state}): ${open.model.sharedModel.source}`);
}"""  # noqa: E501
# a kernel with a model holds over a gigabyte
SHUT_DOWN = "() => window.jupyterapp.serviceManager.sessions.shutdownAll()"


# The least contrast (WCAG 2) of any text in the page, and the text: [4.6, "words"]
CONTRAST = r"""() => {
  const rgb = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]);
  const luminance = (c) => c.map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const at = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !at.checkVisibility() || at.closest(":disabled, script, style, option")) continue;
    const around = [];
    for (let up = at; up; up = up.parentElement) around.unshift(up);
    let behind = [255, 255, 255], opacity = 1;
    for (const up of around) { const style = getComputedStyle(up); behind = over(rgb(style.backgroundColor), behind); opacity *= style.opacity; }
    const [r, g, b, a] = rgb(getComputedStyle(at).color), ink = over([r, g, b, a * opacity], behind), [x, y] = [luminance(ink), luminance(behind)].sort((p, q) => q - p);
    found.push([(x + 0.05) / (y + 0.05), texts.currentNode.data.trim().slice(0, 20)]);
  }
  return found.sort((p, q) => p[0] - q[0]).at(0);
}"""  # noqa: E501

# A stand-in for a notebook: `views` are the open ones, each with what it was sent; a module is loaded anew
# for each view, as hosts do.
HOST = """
window.views = [];
window.open_view = async ([script, style, traits], el) => {
  el ??= document.body.appendChild(document.createElement('div'));
  if (!document.querySelector('style.host')) document.head.append(Object.assign(document.createElement('style'), { className: 'host', textContent: style }));
  const heard = new Map(), hears = (event) => heard.get(event) ?? heard.set(event, new Set()).get(event), sent = [];
  const values = { ...traits };
  if (values._data) values._data = new DataView(Uint8Array.from(atob(values._data), (c) => c.charCodeAt(0)).buffer);
  const tell = (event, ...what) => [...hears(event)].forEach((f) => f(...what));
  const model = {
    get: (name) => values[name], save_changes: () => { sent.push('saved'); },
    set: (name, value) => { values[name] = value; tell('change:' + name); },
    on: (event, f) => hears(event).add(f), off: (event, f) => hears(event).delete(f),
    send: (message) => { sent.push(message); },
  };
  const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const { default: widget } = await import(address);
  URL.revokeObjectURL(address);
  const close = await widget.render({ model, el });
  window.views.push({ model, el, close, sent, tell, values, listening: () => [...heard.values()].reduce((n, set) => n + set.size, 0) });
};
null;                                       // not a function: Playwright would call it
"""  # noqa: E501


def parts(widget) -> list:
    """What a host gets of a widget: script, style and traits, as JSON."""
    state = {
        name: value for name, value in widget.get_state().items() if name not in ("_esm", "_css", "layout")
    }
    if "_data" in state:
        state["_data"] = base64.b64encode(state["_data"]).decode()
    return json.loads(json.dumps([str(widget._esm), str(widget._css), state]))


def show(
    page, widget, around: str = '<meta name="viewport" content="width=device-width"><body style="margin:8px">'
) -> None:
    """The widget's front end in a page of its own."""
    page.set_content(around)
    page.evaluate(HOST)
    page.evaluate("parts => open_view(parts, document.getElementById('here'))", parts(widget))


def run_all(page, seconds: int = 300) -> None:
    """Every cell of the open notebook. A kernel that dies or hangs is an error that names the cell."""
    page.evaluate(RUN_ALL, seconds)


def chromium() -> str:
    """The browser's path. Without one the test is skipped, but never in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no Chromium: tests/browser.sh should have installed it")
    pytest.skip("no Chromium or Chrome here")


@contextmanager
def jupyter(root: Path, app: str = "lab", trust: tuple = ()) -> Iterator[str]:
    """Serve `root` with settings, trust database and workspaces of its own, the notebooks in `trust` trusted;
    yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp())
    for name, values in SETTINGS.items():
        file = home / "s" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": f"{home}/c",
        "JUPYTER_DATA_DIR": f"{home}/d",
        "JUPYTER_RUNTIME_DIR": f"{home}/r",
        "JUPYTERLAB_SETTINGS_DIR": f"{home}/s",
        "JUPYTERLAB_WORKSPACES_DIR": f"{home}/w",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    for notebook in trust:
        subprocess.run(
            [sys.executable, "-m", "jupyter", "trust", str(notebook)],
            env=environment,
            check=True,
            capture_output=True,
        )
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter",
                app,
                "--no-browser",
                "--allow-root",
                f"--port={port}",
                "--ServerApp.port_retries=0",
                "--IdentityProvider.token=",
                "--ServerApp.password=",
                f"--ServerApp.root_dir={root}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(address + "/api", timeout=2).read()
                    break
                except OSError:
                    assert server.poll() is None, (home / "log").read_text()
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(20)
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def one_browser() -> Iterator[Browser]:
    """Pages asked for meanwhile are opened in one browser, each with a profile of its own: to start one takes
    a second."""
    from playwright.sync_api import sync_playwright

    global _open
    with sync_playwright() as playwright:
        _open = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield _open
        finally:
            _open.close()
            _open = None


@contextmanager
def browser_page(address: str = "", width: int = 1200, height: int = 1000) -> Iterator[Page]:
    """A page that reaches `address` and nothing else; `page.outside` lists what it asked for in vain."""
    with nullcontext(_open) if _open else one_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.outside = []
        allowed = tuple(filter(None, (address, address.replace("http", "ws"), "data:", "blob:", "file:")))

        def refuse(route):
            page.outside.append(route.request.url)
            route.abort()

        page.route(lambda url: not url.startswith(allowed), refuse)
        try:
            yield page
        finally:
            page.close()
