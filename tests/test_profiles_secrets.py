"""Where a secret comes from, and that it is never displayed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from smscli import profiles
from smscli.errors import ConfigError
from smscli.model import Secret
from smscli.profiles import Document
from smscli.runtime import Runtime
from tests.accounts import FULL, SECRET, document, everything_said, problems


def fetch(*, environ: Mapping[str, str] | None = None, **setting: object) -> str:
    """Return the secret of a LightSMS profile with this one setting."""
    table = {"provider": "lightsms", "login": "x", **setting}
    profile = profiles.resolve(Document("", {"w": table}), named="w", environ={})
    return profiles.secret(profile, environ=os.environ if environ is None else environ).reveal()


def python(code: str) -> list[str]:
    """Return a command that runs this code."""
    return [sys.executable, "-c", code]


def test_a_secret_is_read_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    """One line break of either system; every other character counts."""
    file = tmp_path / "key"
    for content, secret in (("abc\n", "abc"), ("abc\r\n", "abc"), ("abc", "abc"), (" a b c \n", " a b c ")):
        file.write_text(content, newline="")
        file.chmod(0o600)
        assert fetch(api_key_file=str(file)) == secret


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"abc", 0o644, "can be read or changed by others"),
        (b"abc", 0o640, "can be read or changed by others"),
        (b"", 0o600, "is empty"),
        (b"\n", 0o600, "is empty"),
        (b"a\n\n", 0o600, "line break"),
        (b"user: x\nkey: y\n", 0o600, "line break"),
        (b"\xef\xbb\xbfabc", 0o600, "cannot be seen"),
        (b"\xff\xfea\x00", 0o600, "not UTF-8"),
        (b"a" * 5000, 0o600, "larger than 4096 bytes"),
    ],
)
def test_an_unfit_secret_file_is_refused(tmp_path: Path, content: bytes, mode: int, sentence: str) -> None:
    """Open to others, empty, several lines, not text, too large."""
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=sentence):
        fetch(api_key_file=str(file))


def test_a_missing_secret_file_or_a_directory_is_refused(tmp_path: Path) -> None:
    """Said with its path, which is no secret."""
    with pytest.raises(ConfigError, match="does not exist"):
        fetch(api_key_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="not a regular file"):
        fetch(api_key_file=str(tmp_path))


def test_a_variable_may_name_the_secret_file(tmp_path: Path) -> None:
    """As containers hand out secrets."""
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text("from-file\n")
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "x", "SMSCLI_API_KEY_FILE": str(file)}
    profile = profiles.resolve(Document(), environ=environ)
    assert profiles.secret(profile, environ={}).reveal() == "from-file"
    assert profile.sources["api_key_file"] == "environment SMSCLI_API_KEY_FILE"


def test_in_the_file_a_secret_file_is_a_whole_path() -> None:
    """Relative to what would it be?"""
    (problem,) = problems('[profiles.w]\nprovider = "lightsms"\nlogin = "x"\napi_key_file = "key"\n', named="w")
    assert problem.startswith("api_key_file must be a whole path")


def test_a_secret_command_gets_its_arguments_as_they_stand() -> None:
    """No shell: nothing is expanded, split or run on the side."""
    hostile = "$HOME `id` ; echo *"
    assert fetch(api_key_command=[*python("import sys; print(sys.argv[1])"), hostile]) == hostile


def test_a_secret_command_sees_home_and_path_but_no_setting_of_ours() -> None:
    """Whatever else is in the environment, our secrets are not."""
    environ = {**os.environ, "SMSCLI_API_KEY": SECRET, "SMSCLI_PROXY": SECRET, "HOME": "/home/x"}
    code = "import os; print(os.environ['HOME'], sum(name.startswith('SMSCLI') for name in os.environ))"
    assert fetch(environ=environ, api_key_command=python(code)) == "/home/x 0"


def test_a_secret_command_cannot_eat_our_standard_input() -> None:
    """The text to send may be waiting there."""
    assert fetch(api_key_command=python("import sys; print(repr(sys.stdin.read()))")) == "''"


def test_what_a_secret_command_says_on_stderr_passes_through(capfd: pytest.CaptureFixture[str]) -> None:
    """A password manager tells there why it cannot."""
    fetch(api_key_command=python("import sys; sys.stderr.write('touch your key'); print('k')"))
    assert capfd.readouterr() == ("", "touch your key")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (f"print({SECRET!r}); raise SystemExit(3)", "ended with status 3"),
        (f"import os; print({SECRET!r}, flush=True); os.kill(os.getpid(), 9)", "ended with status -9"),
        (f"print({SECRET!r} * 1000)", "more than 4096 bytes"),
        (f"import itertools\nfor _ in itertools.count(): print({SECRET!r})", "more than 4096 bytes"),
        ("pass", "is empty"),
        (f"print({SECRET!r}); print('second line')", "line break"),
        (f"import sys; sys.stdout.buffer.write({SECRET!r}.encode() + b'\\xff')", "not UTF-8"),
    ],
)
def test_a_secret_command_that_fails_is_told_without_what_it_printed(code: str, sentence: str) -> None:
    """Half an answer of a password manager is a secret too."""
    with pytest.raises(ConfigError, match=sentence) as caught:
        fetch(api_key_command=python(code))
    assert SECRET not in everything_said(caught.value)


@pytest.mark.parametrize("command", [["/nonexistent/pass"], ["/"], [""]])
def test_a_secret_command_that_cannot_start_is_told(command: list[str]) -> None:
    """A missing or unusable program is exit 3, no traceback."""
    with pytest.raises(ConfigError, match="cannot be started"):
        fetch(api_key_command=command)


@pytest.mark.parametrize("command", ["pass show sms", [], ["pass", 1], ["a\0b"]])
def test_a_secret_command_is_a_list_of_arguments(command: object) -> None:
    """A line for a shell is refused when the profile is read."""
    with pytest.raises(ConfigError) as caught:
        fetch(api_key_command=command)
    assert "api_key_command must be a list of arguments" in caught.value.problems[0]


def test_a_secret_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """The child ends at once but leaves a grandchild that holds the pipe: within the limit both are gone."""
    pid_file = tmp_path / "pid"
    note = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    code = f"import os, time\nif os.fork() == 0:\n    {note}\n    time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(ConfigError, match="longer than 1 second") as caught:
        _fetch_within(1.0, python(code))
    assert time.monotonic() - began < 3
    assert caught.value.hint is None or SECRET not in caught.value.hint
    pid = int(pid_file.read_text())
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.01)
    assert not _alive(pid), "the grandchild survived"


def _fetch_within(seconds: float, command: list[str]) -> Secret:
    profile = profiles.resolve(
        Document("", {"w": {"provider": "lightsms", "login": "x", "api_key_command": command}}), named="w", environ={}
    )
    return profiles.secret(profile, environ=os.environ, seconds=seconds)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_profile_and_its_parts_never_print_a_secret() -> None:
    """Not by repr, not in a traceback's locals, not in an error's words."""
    password = "pa55.w0rd"
    text = FULL.replace('login = "jonas"', f'login = "jonas"\nproxy = "http://u:{password}@proxy:8080"')
    read = document(text)
    profile = profiles.resolve(read, environ={})
    account = Runtime(environ={}, stdin=None, stdout=None, stderr=None).account(profile)
    edit = profiles.use(read, "turkey")
    assert profile.proxy is not None
    assert password in profile.proxy.reveal()
    shown = f"{profile!r} {account!r} {edit!r} {read!r}"
    assert SECRET not in shown
    assert password not in shown
    assert (account.base_url, account.secret.reveal()) == (profile.base_url, SECRET)


def test_a_key_with_control_characters_is_doubted() -> None:
    """One that was typed at the prompt, or came on stdin, is taken as it is."""
    doubt = profiles.doubt(Secret("sec\x1bret"))
    assert doubt
    assert doubt.startswith("the key holds control characters; ")
    assert profiles.doubt(Secret("sec ret")) is None
