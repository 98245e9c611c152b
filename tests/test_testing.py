"""The pytest plugin: what its fixture does for a test of somebody else's, and that it costs others nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from smscli import sandbox, testing
from smscli.errors import InputError
from smscli.testing import SandboxServer, serving

pytest_plugins = ["pytester"]

KEY = "project=demo-payforsms&apikey=demo-key-payforsms"


@pytest.fixture
def plugin(pytestconfig: pytest.Config) -> tuple[str, ...]:
    """Return the options that load the plugin: none, but in an environment that was made before there was one."""
    return () if pytestconfig.pluginmanager.has_plugin("smscli") else ("-p", "smscli.testing")


def send(box: SandboxServer, text: str, to: str = "79121231234", key: str = KEY) -> None:
    """Send a text as an application would."""
    url = f"{box.base_url('payforsms')}message/send?{key}&recipients={to}&message={quote(text)}"
    urllib.request.urlopen(url, timeout=10).close()  # noqa: S310  (our own sandbox)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """One sandbox for this file."""
    with serving() as one:
        yield one


@pytest.fixture
def box(server: SandboxServer) -> SandboxServer:
    """The sandbox, emptied."""
    server.reset()
    return server


def test_messages_are_found_by_what_they_say_and_to_whom(box: SandboxServer) -> None:
    """Those that would have reached a phone; a refused one only where it is asked for."""
    send(box, "one")
    send(box, "two", "79121231235")
    send(box, "three", key="project=demo-payforsms&apikey=wrong")
    assert [message.text for message in box.messages()] == ["one", "two"]
    assert [message.text for message in box.messages(to="8 912 123-12-35")] == ["two"]
    assert [message.text for message in box.messages(text="on", vendor="payforsms")] == ["one"]
    assert box.messages(vendor="lightsms") == []
    (refused,) = box.messages(accepted=False)
    assert (refused.text, refused.refusal, refused.reason) == (
        "three",
        "error 2",
        "apikey is not the key of this project",
    )
    assert len(box.messages(accepted=None)) == 3
    with pytest.raises(InputError, match="there is no provider"):
        box.messages(vendor="nobody")


def test_a_wait_ends_when_the_message_is_there(box: SandboxServer) -> None:
    """Or is there already."""

    def send_later() -> None:
        send(box, "other")
        send(box, "code 4711")

    timer = threading.Timer(0.05, send_later)
    timer.start()
    assert box.wait(text="code", timeout=10).to == "79121231234"
    assert box.wait(to="+79121231234", text="other", timeout=0).text == "other"
    assert box.code(timeout=0) == "4711"
    assert box.code(to="+79121231234", digits=4, timeout=0) == "4711"
    timer.join()


def test_a_wait_for_nothing_says_what_was_closest(box: SandboxServer) -> None:
    """And why that was refused."""
    with pytest.raises(AssertionError, match=r"no such message came within 0 s, nor any other"):
        box.wait(timeout=0)
    send(box, "hello")
    with pytest.raises(AssertionError, match=r"within 0.05 s \(of 1\); the closest differs in text: .*: 'hello'$"):
        box.wait(text="bye", timeout=0.05)
    with pytest.raises(AssertionError, match="differs in code"):
        box.code(timeout=0)
    box.reset()
    send(box, "hello", key="project=demo-payforsms&apikey=wrong")
    with pytest.raises(AssertionError, match=r"differs in accepted: .*, refused: error 2 \(apikey is not"):
        box.wait(text="hello", timeout=0)


def test_failures_and_credit_last_until_the_next_test(box: SandboxServer) -> None:
    """A rule that says what there is not is refused."""
    assert box.chaos("payforsms send error=8 count=1") == 1
    send(box, "one")
    box.credit["payforsms"] = Decimal(5)
    send(box, "two")
    send(box, "three")
    assert [message.refusal for message in box.messages(accepted=None)] == ["error 8", None, "error 7"]
    with pytest.raises(InputError, match="there is no word"):
        box.chaos("payforsms send eror=8")
    box.reset()
    send(box, "four")
    assert [message.text for message in box.messages(accepted=None)] == ["four"]
    assert box.credit["payforsms"] == Decimal("495.48")


SUITE = """
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("vendor", ["lightsms", "payforsms"])
def test_smscli_sends(smscli_sandbox, vendor, tmp_path):
    assert smscli_sandbox.messages() == []
    to = {"lightsms": "+37061234567", "payforsms": "+79121231234"}[vendor]
    argv = [sys.executable, "-m", "smscli", "send", "--to", to, "Your code is 4711"]
    state = {"SMSCLI_STATE_DIR": str(tmp_path), "SMSCLI_CONFIG": str(tmp_path / "none.toml")}
    subprocess.run(argv, check=True, env={**os.environ, **smscli_sandbox.environ(vendor), **state})
    assert smscli_sandbox.code(to=to, timeout=0) == "4711"
    assert smscli_sandbox.wait(vendor=vendor).to == to[1:]


def test_it_is_one_server(smscli_sandbox, request):
    assert smscli_sandbox.url.startswith("http://127.0.0.1:")
    assert smscli_sandbox is request.getfixturevalue("smscli_sandbox_server")
"""


def test_a_suite_of_somebody_else_s_has_the_fixture(pytester: pytest.Pytester, plugin: tuple[str, ...]) -> None:
    """By being installed beside smscli."""
    pytester.makepyfile(SUITE)
    pytester.runpytest_subprocess("-W", "error", *plugin).assert_outcomes(passed=3)


def test_who_does_not_use_it_pays_nothing(pytester: pytest.Pytester, plugin: tuple[str, ...]) -> None:
    """No emulator, no server is loaded."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "smscli.testing" in sys.modules
            assert not {"smscli.sandbox", "smscli.model", "uvicorn"} & {*sys.modules}
        """
    )
    pytester.runpytest_subprocess(*plugin).assert_outcomes(passed=1)


def test_the_plugin_is_quick_to_load() -> None:
    """It brings nothing that pytest has not loaded."""
    program = "import sys, pytest; before = {*sys.modules}; import smscli.testing; print(*{*sys.modules} - before)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {*ran.stdout.split()} == {"smscli", "smscli.testing"}


def test_a_server_that_starts_too_late_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has given it up cannot end it any more."""
    serve, ended = sandbox.serve, threading.Event()

    def late(*given: Any, **named: Any) -> None:
        time.sleep(0.15)
        serve(*given, **named)
        ended.set()

    monkeypatch.setattr(sandbox, "serve", late)
    monkeypatch.setattr(testing, "_START", 0.05)
    with pytest.raises(TimeoutError, match="did not start"), serving():
        pass
    assert ended.wait(5)


@pytest.mark.parametrize("package", ["uvicorn", "python_multipart"])
def test_without_the_server_the_error_names_the_extra(package: str) -> None:
    """Not the thread's traceback."""
    program = (
        f"import importlib.util as util; real = util.find_spec\n"
        f"util.find_spec = lambda name, *more: None if name == {package!r} else real(name, *more)\n"
        "from smscli.errors import ConfigError\nfrom smscli.testing import serving\n"
        "try:\n    with serving(): pass\nexcept ConfigError as error: print(error.hint)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("pip install 'smscli[sandbox]'\n", "")
