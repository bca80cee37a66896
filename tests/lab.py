"""A real JupyterLab or Notebook server, and a real browser with the outside cut off."""
from __future__ import annotations

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
from contextlib import contextmanager
from pathlib import Path

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
         "--disable-quic"]
# Every cell in the page at once, so that what is off the screen can be asserted, too.
SETTINGS = {"notebook-extension/tracker": {"windowingMode": "none"}, "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}

RUN_ALL = """async () => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  await panel.context.ready; await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  return await app.commands.execute('notebook:run-all-cells');      // resolves when the last cell is done
}"""


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
    """Serve `root` with settings, trust database and workspaces of its own, the notebooks in `trust` trusted; yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp())
    for name, values in SETTINGS.items():
        file = home / "s" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": f"{home}/c", "JUPYTER_DATA_DIR": f"{home}/d", "JUPYTER_RUNTIME_DIR": f"{home}/r",
                   "JUPYTERLAB_SETTINGS_DIR": f"{home}/s", "JUPYTERLAB_WORKSPACES_DIR": f"{home}/w", "PYTHONPATH": str(Path(__file__).parents[1])}
    for notebook in trust:
        subprocess.run([sys.executable, "-m", "jupyter", "trust", str(notebook)], env=environment, check=True, capture_output=True)
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
             "--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True",
             "--JupyterNotebookApp.expose_app_in_browser=True"],
            env=environment, stdout=log, stderr=subprocess.STDOUT)
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
def browser_page(address: str = "", width: int = 1200, height: int = 1000):
    """A page that reaches `address` and nothing else; `page.outside` lists what it asked for in vain."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
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
            browser.close()
