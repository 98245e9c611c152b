"""Where the journal is: SMSCLI_JOURNAL, the top of the profile file, or a file of smscli's own."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli.cli import run
from smscli.errors import ConfigError
from smscli.journal import Hints, Server, begin_anew
from smscli.model import Secret
from smscli.profiles import _editing
from smscli.profiles._file import parse
from smscli.runtime import Runtime
from tests.conftest import Ran, Stream

Smscli = Callable[..., Ran]
URL = "postgresql://sms:canary@db.example:5433/texts?password=canary&sslmode=require"


@pytest.fixture
def smscli(tmp_path: Path) -> Smscli:
    """Return a runner whose home is a temporary directory; ``config`` is what the profile file holds."""

    def smscli(*argv: str, config: str = "", **environ: str) -> Ran:
        file = tmp_path / "config.toml"
        file.touch(0o600)
        file.write_text(config)
        usual = {"SMSCLI_CONFIG": str(file), "SMSCLI_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path)}
        out, err = Stream(), Stream()
        code = run([*argv], Runtime(environ=usual | environ, stdin=io.StringIO(), stdout=out, stderr=err))
        return Ran(code, out.text(), err.text())

    return smscli


def test_a_whole_path_is_a_file_of_that_name(smscli: Smscli, tmp_path: Path) -> None:
    """From the environment, from the profile file with ``~``, and the environment beats the file."""
    named = str(tmp_path / "here" / "sms.sqlite3")
    assert smscli("journal", "init", SMSCLI_JOURNAL=named).lines == [[named]]
    assert smscli("journal", "init", config='journal = "~/there.sqlite3"').lines == [[str(tmp_path / "there.sqlite3")]]
    told = smscli("journal", "check", "-o", "json", config='journal = "~/there.sqlite3"', SMSCLI_JOURNAL=named)
    assert told.json["data"]["path"] == named
    assert {path.name for path in tmp_path.rglob("*.sqlite3")} == {"sms.sqlite3", "there.sqlite3"}


def test_what_goes_to_a_sandbox_stays_out_of_it(smscli: Smscli, tmp_path: Path) -> None:
    """A file that is named is the vendors' own."""
    named = tmp_path / "sms.sqlite3"
    ran = smscli("send", "--sandbox", "--to", "+37061234567", "Hello", SMSCLI_JOURNAL=str(named))
    assert (ran.code, named.exists()) == (0, False)
    assert (tmp_path / "state" / "sandbox.sqlite3").exists()


def test_the_hint_names_the_variable_that_leads_elsewhere(smscli: Smscli, tmp_path: Path) -> None:
    """SMSCLI_JOURNAL outweighs SMSCLI_STATE_DIR, and the sandbox's journal only has the latter."""
    (tmp_path / "state").mkdir(0o777)
    (tmp_path / "state").chmod(0o777)
    for options, variable, place in (
        ((), "SMSCLI_JOURNAL", tmp_path / "new" / "journal.sqlite3"),
        (("--sandbox",), "SMSCLI_STATE_DIR", tmp_path / "new"),
    ):
        ran = smscli("journal", "init", *options, config=f'journal = "{tmp_path}/state/journal.sqlite3"')
        assert (ran.code, f" in {variable}, or" in ran.err) == (3, True), ran.err
        assert smscli("journal", "init", *options, **{variable: str(place)}).code == 0


@pytest.mark.parametrize("named", ["journal.sqlite3", "mysql://sms:canary@host/texts", "~canary/x"])
def test_any_other_place_is_refused(smscli: Smscli, named: str) -> None:
    """In words that do not repeat it: a mistyped URL holds a password."""
    for ran in (
        smscli("journal", "check", SMSCLI_JOURNAL=named),
        smscli("journal", "list", config=f'journal="{named}"'),
    ):
        assert ran.code == 3
        assert "neither a postgresql:// URL nor a whole path" in ran.err
        assert "canary" not in ran.err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("journal = 7", "journal must be a path or a URL"),
        ('journal = ""', "journal must be a path or a URL"),
        ('journal_password_command = "pass show"', "journal_password_command must be a list"),
        ("journal_password_command = [1]", "journal_password_command must be a list"),
        ("journal_password_command = []", "journal_password_command must be a list"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused(smscli: Smscli, line: str, told: str) -> None:
    """As any other part of the file that is not of its shape."""
    ran = smscli("journal", "list", config=f"{line}\n")
    assert (ran.code, told in ran.err) == (3, True), ran.err


def test_editing_profiles_leaves_the_journal_where_it_is() -> None:
    """It stands at the top, between comments."""
    text = f'# ours\njournal = "{URL}" # shared\njournal_password_command = ["pass", "sms"]\n\n[profiles.a]\nkey = 1\n'
    edited = _editing.add(parse(text, "file"), "b", {"key": 2}, make_default=True)
    edited = _editing.remove(_editing.use(edited, "b"), "a")
    assert (edited.journal, edited.journal_password_command) == (URL, ("pass", "sms"))
    assert "# shared" in edited.text
    assert list(edited.tables) == ["b"]


def test_a_place_that_others_can_change_is_refused_with_the_callers_hint(tmp_path: Path) -> None:
    """Also when a journal is begun on purpose."""
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError) as caught:
        begin_anew(tmp_path / "journal.sqlite3", Hints(another="look elsewhere"))
    assert "look elsewhere" in (caught.value.hint or "")


def test_a_server_is_named_without_what_may_be_secret() -> None:
    """Neither the password nor any parameter is ever repeated."""
    server = Server(Secret(URL), "smscli")
    assert str(server) == "postgresql://sms@db.example:5433/texts"
    assert "canary" not in repr(server)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgres://host", "postgres://host"),
        ("postgresql://sms@[::1]:5433/texts", "postgresql://sms@[::1]:5433/texts"),
        ("postgresql://sms:can%40ary@one,two:5433/texts", "postgresql://sms@one,two:5433/texts"),
        ("postgresql:///texts?host=/run&password=canary", "postgresql:///texts"),
        ("postgresql://%2Frun/texts", "postgresql://%2Frun/texts"),
        ("postgresql://sms:can/ary@host/texts", "postgresql://…"),
        ("postgresql://sms:1/canary@host/texts", "postgresql://…"),
        ("postgresql://sms:1?canary@host/texts", "postgresql://…"),
        ("postgresql://sms:can@ary@host/texts", "postgresql://…"),
        ("postgresql://sms:canary", "postgresql://…"),
    ],
)
def test_a_url_is_shown_only_as_far_as_it_is_clear_where_its_password_stands(url: str, named: str) -> None:
    """One that was not escaped could be anywhere in it."""
    assert (str(Server(Secret(url), "smscli")), repr(Server(Secret(url), "smscli"))) == (named, f"Server({named})")


def test_a_server_without_its_program_says_what_to_install(smscli: Smscli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Psycopg is an extra: nobody else pays for it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ran = smscli("send", "--sandbox", "--to", "+37061234567", "Hello", SMSCLI_JOURNAL=URL)
    assert ran.code == 3
    assert "pip install 'smscli[postgres]'" in ran.err
    assert "canary" not in ran.err


def test_the_password_is_asked_of_the_command_in_the_profile_file(tmp_path: Path) -> None:
    """Only when a connection is made, and only for the journal that stands beside it."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(f'journal = "{URL}"\njournal_password_command = ["printf", "from the command"]\n')
    runtime = Runtime({"SMSCLI_CONFIG": str(config), "PATH": "/usr/bin:/bin"}, None, None, None)
    place = runtime.journal_place(sandbox=True)
    assert isinstance(place, Server)
    assert place.schema == "smscli_sandbox"
    assert place.password is not None
    assert place.password().reveal() == "from the command"
    elsewhere = runtime._replace(environ={**runtime.environ, "SMSCLI_JOURNAL": URL}).journal_place(sandbox=False)
    assert isinstance(elsewhere, Server)
    assert (elsewhere.schema, elsewhere.password) == ("smscli", None)


def test_a_password_command_that_fails_is_a_clear_error(tmp_path: Path) -> None:
    """It is named, and nothing it printed is."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(f'journal = "{URL}"\njournal_password_command = ["sh", "-c", "echo canary; exit 3"]\n')
    place = Runtime({"SMSCLI_CONFIG": str(config), "PATH": "/usr/bin:/bin"}, None, None, None).journal_place(
        sandbox=False
    )
    assert isinstance(place, Server)
    assert place.password is not None
    with pytest.raises(ConfigError, match="journal_password_command ended with status 3"):
        place.password()
