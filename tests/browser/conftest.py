"""A browser, a served sandbox, and programs that send to it. The browser is Debian's Chromium, driven by Playwright.

A test fails when the page logs an error (a violation of its own policy is one), or asks anybody but the sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from smscli import providers, sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

BINARY = Path(sys.executable).with_name("smscli")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = {"phone": 390, "tablet": 800, "desk": 1280}


LIGHTSMS = "/external/get/send.php"


def order(text: str) -> dict[str, str]:
    """Return the parameters of a send by LightSMS."""
    stamp = str(int(time.time()))
    return {
        "login": "demo",
        "phone": "37061234567",
        "sender": "Demo",
        "text": text,
        "return": "json",
        "timestamp": stamp,
    }


def signed_query(vendor: str, sent: dict[str, str], **signed: str) -> str:
    """Return parameters with a signature, that of other values (``signed``) where they are given; a space is %20."""
    account = sandbox.demo_accounts()[vendor]
    provider = providers.get(vendor).of(account.fields)
    signature = provider.sign(tuple((sent | signed).items()), account.secret).signature
    return urlencode(sent | {provider.rule.signature: signature}, quote_via=quote)


@dataclass(frozen=True)
class Served:
    """A sandbox that is a process of its own, and the ways to send to it."""

    root: str
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What the command line has to know."""
        own = {"SMSCLI_CONFIG": str(self.home / "sandbox.toml"), "SMSCLI_STATE_DIR": str(self.home / "state")}
        return {**os.environ, **own}

    def send_by_command(self, text: str) -> None:
        """Send by the command line, as a process of its own."""
        argv = [str(BINARY), "send", text, "--to", "+37061234567", "-p", "lightsms", "--yes", "-q"]
        done = subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    def send(self, text: str, vendor: str = "lightsms") -> None:
        """Send as a program does that signs rightly."""
        if vendor == "lightsms":
            self.send_wrongly("lightsms", LIGHTSMS, order(text))
            return
        params = {"project": f"demo-{vendor}", "recipients": "79121231234", "message": text}
        self.send_wrongly(vendor, "/api/mainsms/message/send", params)

    def send_wrongly(self, vendor: str, path: str, sent: dict[str, str], **signed: str) -> None:
        """Send as a program does that signs other values (``signed``) than it sends."""
        self.ask(f"{path}?{signed_query(vendor, sent, **signed)}")

    def ask(self, path: str, method: str = "GET") -> Any:
        """Make a request as a program does."""
        asked = urllib.request.Request(self.root + path, method=method)  # noqa: S310  (our own sandbox)
        with urllib.request.urlopen(asked, timeout=30) as reply:  # noqa: S310
            body = reply.read()
            return json.loads(body) if reply.headers.get_content_type() == "application/json" else body


@contextmanager
def served(home: Path, port: int = 0) -> Iterator[Served]:
    """Serve a sandbox, by the command that people type, and end it."""
    with _run(home, "--port", str(port), "--write-profile", str(home / "sandbox.toml")) as root:
        yield Served(root, home)


@contextmanager
def recording(home: Path, upstream: str) -> Iterator[str]:
    """Serve a sandbox that passes requests on, by the command that people type; give its root."""
    config = home / "config.toml"
    config.touch(0o600)
    account = 'provider = "lightsms"\nlogin = "acme"\napi_key = "a key"'
    config.write_text(f'[profiles.real]\n{account}\nbase_url = "{upstream}/external/get/"\n')
    with _run(home, "--port", "0", "--upstream", "real", SMSCLI_CONFIG=str(config)) as root:
        yield root


@contextmanager
def _run(home: Path, *options: str, **environ: str) -> Iterator[str]:
    """Run the command until the end of the block; give its root once it is ready."""
    ready = home / "ready"
    argv = [str(BINARY), "sandbox", "-q", "--ready-file", str(ready), *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=home, env={**os.environ, **environ}) as process:
        try:
            while not ready.exists():
                assert process.poll() is None
                time.sleep(0.05)
            yield ready.read_text().strip()
        finally:
            process.terminate()
            process.communicate(timeout=10)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One sandbox for all tests that do not end it."""
    with served(tmp_path_factory.mktemp("sandbox")) as one:
        yield one


@pytest.fixture
def box(running: Served) -> Served:
    """Return a sandbox that has just begun."""
    running.ask("/api/reset", "POST")
    return running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install -e '.[browser]'"
    )
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # As root there is no sandbox of Chromium's own; the pages are ours.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


Open = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: Browser, box: Served) -> Iterator[Open]:
    """Open the page; what a context of Playwright takes says how. It is live when this returns.

    ``status`` is an HTTP status that the test provokes, or "gone".
    """
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def note(line: ConsoleMessage, status: str) -> None:
        # A browser reports by itself what a sandbox refuses, and when it goes away: tests that have it so, say so.
        is_expected = f"status of {status} " in line.text or (status == "gone" and "net::ERR_" in line.text)
        if line.type in ("error", "warning") and not is_expected:
            trouble.append(line.text)

    def open_one(
        path: str = "/", *, width: int = WIDTHS["desk"], root: str = box.root, status: str = "none", **options: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: note(line, status))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda asked: None if asked.url.startswith(root) else trouble.append(asked.url))
        page.goto(root + path)
        page.locator("#line[data-state=live]").wait_for()
        page.locator("#pane > *").first.wait_for(state="attached")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert trouble == []
