"""A real Chromium, a JupyterLab on a learner's worksheets, and the site on a plain web server.

`make test-browser` runs what is here, other runs leave it out. Without a browser each test is skipped, and says what is
missing.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ("00_start_here", "01_contrastive_pretraining", "04_coop")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFLINE = (  # as `make lab` starts it
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
)


@pytest.fixture(scope="session")
def browser():
    """Playwright's own Chromium where it was installed, else the system's."""
    playwright = pytest.importorskip("playwright.sync_api", reason='no playwright: pip install -e ".[browser]"')
    with playwright.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
        found = str(own) if own.exists() else next(filter(None, map(shutil.which, BROWSERS)), None)
        if found is None:
            pytest.skip("no browser: `playwright install chromium`, or the system's own chromium package")
        launched = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


class Seen:
    """What a page asked for and said while it was used."""

    def __init__(self, page):
        self.page, self.elsewhere, self.errors = page, [], []
        page.on("request", self._request)
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, request) -> None:
        at = urlsplit(request.url)
        if at.scheme in ("http", "https", "ws", "wss") and at.hostname not in ("127.0.0.1", "localhost"):
            self.elsewhere.append(request.url)


@pytest.fixture
def opened(browser) -> Iterator:
    """A function that opens a page in a window of its own, and gives what is `Seen` there."""
    contexts = []

    def open_page(url: str, *, width: int = 1400, dark: bool = False) -> Seen:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        seen = Seen(context.new_page())
        answer = seen.page.goto(url)
        assert answer.ok, f"{url}: {answer.status}"
        return seen

    yield open_page
    for context in contexts:
        context.close()


# --- what is opened


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="session")
def worksheets(tmp_path_factory) -> Path:
    """A learner's folder, as `lessons start` makes it."""
    folder = tmp_path_factory.mktemp("worksheets")
    for lesson in LESSONS:
        done = subprocess.run(
            [sys.executable, "-m", "lessons_lib.cli", "start", lesson[:2], "--to", str(folder)],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def lab(worksheets, tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab on these worksheets, up to the name of a notebook."""
    port, token, home = free_port(), secrets.token_hex(16), tmp_path_factory.mktemp("home")
    kept = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *OFFLINE,
            "--LabApp.expose_app_in_browser=True",
            f"--ServerApp.root_dir={worksheets}", f"--ServerApp.port={port}", f"--IdentityProvider.token={token}",
        ],
        env=os.environ | {name: str(home / folder) for name, folder in kept.items()} | {"OMP_WAIT_POLICY": "PASSIVE"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        answers(f"{address}/api/status?token={token}", server)
        yield f"{address}/lab/workspaces/{{workspace}}/tree/{{path}}?reset&token={token}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:  # one that is told to end while it starts may never do so
            server.kill()
            server.wait()


def answers(url: str, server: subprocess.Popen, seconds: float = 120) -> None:
    """Waits until something answers there."""
    end = time.monotonic() + seconds
    while True:
        try:
            json.load(urllib.request.urlopen(url, timeout=5))
            return
        except OSError:
            assert server.poll() is None, "JupyterLab ended before it answered"
            assert time.monotonic() < end, f"JupyterLab does not answer after {seconds:.0f} s"
            time.sleep(0.5)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Nothing is said of a page that was left while it loaded."""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[str]:
    """The address of the site, built from the lessons as recorded; ends in a slash."""
    built = tmp_path_factory.mktemp("site") / "site"
    done = subprocess.run(
        [sys.executable, "data_scripts/course/make_site.py", "--out", str(built)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
