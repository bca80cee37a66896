"""A JupyterLab or Notebook 7 of one's own for a test, and a Chromium that may talk to nothing else."""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]

RUN_ALL = """async () => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  await panel.context.ready; await panel.sessionContext.ready; await panel.sessionContext.session.kernel.info;
  return await app.commands.execute('notebook:run-all-cells');
}"""


@contextmanager
def jupyter(root, app: str = "lab", trust=()):
    """Serve `root` with an empty configuration; yields the server's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tempfile.mkdtemp()
    names = {"JUPYTER_CONFIG_DIR": "c", "JUPYTER_DATA_DIR": "d", "JUPYTER_RUNTIME_DIR": "r", "JUPYTERLAB_SETTINGS_DIR": "s", "JUPYTERLAB_WORKSPACES_DIR": "w"}
    env = {**os.environ, **{name: f"{home}/{folder}" for name, folder in names.items()}}
    for notebook in trust:
        subprocess.run([sys.executable, "-m", "jupyter", "trust", str(notebook)], env=env, check=True, capture_output=True)
    with open(f"{home}/log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
             "--ServerApp.password=", f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
             "--LabApp.news_url=None"], env=env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/api", timeout=2).read()
                break
            except OSError:
                assert server.poll() is None, Path(home, "log").read_text()
                time.sleep(0.25)
        yield url
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def offline_page(browser, url: str = "", **options):
    """(page, trouble): a page that reaches `url` and nothing else; `trouble` collects refused requests and script errors."""
    page = browser.new_page(**options)
    trouble: list[str] = []
    allowed = ("file:", "data:", "blob:", *([url] if url else []))
    page.route(lambda asked: not asked.startswith(allowed), lambda route: (trouble.append(route.request.url), route.abort()))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    return page, trouble


def notebook_page(browser, url: str, notebook: str, app: str = "lab", **options):
    """An offline page with `notebook` open in JupyterLab or Notebook 7."""
    page, trouble = offline_page(browser, url, **options)
    page.goto(f"{url}/lab/tree/{notebook}?reset" if app == "lab" else f"{url}/notebooks/{notebook}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    return page, trouble
