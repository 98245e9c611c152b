"""Secrets that no setting gives: from systemd's credentials, then from the keyring; both looked at last."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smscli import private, profiles
from smscli.cli.editing import filled
from smscli.errors import ConfigError
from smscli.model import Secret
from smscli.profiles import Document, Keyring, Need
from tests.accounts import NOBODY, SECRET, everything_said, needs_root
from tests.conftest import on_a_terminal
from tests.vendors import account

ROOT = str(Path(__file__).parent.parent)
TABLE = {"provider": "lightsms", "login": "jonas"}
DOCUMENT = Document("", {"work": TABLE}, "work")
FILE = 'default = "work"\n[profiles.work]\nprovider = "lightsms"\nlogin = "jonas"\n'
ADD = ("profile", "add", "home", "--provider", "lightsms", "--login", "jonas", "--keyring")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A profile file whose one profile has no key."""
    file = tmp_path / "config.toml"
    file.touch(0o600)
    file.write_text(FILE)
    return file


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """A directory like that of a user's service."""
    directory = tmp_path / "credentials"
    directory.mkdir(0o700)
    return directory


def put(directory: Path, name: str, content: bytes = b"from-systemd\n", mode: int = 0o400) -> Path:
    """Write a credential as systemd does."""
    file = directory / name
    file.write_bytes(content)
    file.chmod(mode)
    return file


def world(tmp_path: Path, backend: str = "InFile", **entries: str) -> dict[str, str]:
    """Return the variables that pick a keyring, which has these entries of the profile ``work``."""
    file = tmp_path / "keyring.json"
    file.write_text(json.dumps({f"smscli work/{name}": value for name, value in entries.items()}))
    name = backend if "." in backend else f"tests.keyrings.{backend}"
    return {**os.environ, "PYTHONPATH": ROOT, "PYTHON_KEYRING_BACKEND": name, "KEYRING_FILE": str(file)}


def in_keyring(tmp_path: Path) -> dict[str, str]:
    """Return the entries by service and user."""
    entries: dict[str, str] = json.loads((tmp_path / "keyring.json").read_text())
    return entries


def was_asked(tmp_path: Path) -> bool:
    """Return whether any keyring was loaded."""
    return (tmp_path / "keyring.asked").exists()


# --- systemd's credentials --------------------------------------------------------------------------------------------


def test_a_service_gets_the_secret_of_its_profile_from_systemd(
    smscli: Callable[..., Any], config: Path, credentials: Path
) -> None:
    """Also of the profile that -p names: the credential bears its name."""
    file = put(credentials, "smscli.work.api_key")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    for words in (["work"], []):
        ran = smscli("profile", "show", *words, environ=environ)
        assert ["api_key_file", str(file), "systemd credential"] in ran.lines, ran.err
        assert smscli("profile", "check", *words, environ=environ).code == 0
    assert smscli("profile", "show", "work").code == 3
    assert config.read_text() == FILE


def test_without_a_profile_the_credential_bears_the_fields_name(credentials: Path) -> None:
    """A unit with ``Environment=`` alone; the credential of a profile is not taken for it, nor the other way round."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "jonas"}
    put(credentials, "smscli.work.api_key", b"of-work")
    with pytest.raises(ConfigError) as caught:
        profiles.resolve(Document(), environ=environ, credentials=str(credentials))
    assert "systemd gives no credential smscli.api_key" in caught.value.problems[0]
    put(credentials, "smscli.api_key", b"of-nobody")
    profile = profiles.resolve(Document(), environ=environ, credentials=str(credentials))
    assert profiles.secret(profile, environ={}).reveal() == "of-nobody"
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials))
    assert profiles.secret(profile, environ={}).reveal() == "of-work"


@pytest.mark.parametrize(
    ("table", "environ", "named"),
    [
        ({"api_key": "earlier"}, {}, "work"),
        ({"api_key_command": ["echo", "earlier"]}, {}, None),
        ({}, {"SMSCLI_API_KEY": "earlier"}, None),
    ],
)
def test_whatever_else_gives_the_secret_beats_both_stores(
    tmp_path: Path, credentials: Path, table: dict[str, object], environ: dict[str, str], named: str | None
) -> None:
    """A keyring is not even loaded."""
    put(credentials, "smscli.work.api_key")
    stores = {"credentials": str(credentials), "keyring": Keyring(world(tmp_path, api_key="last"))}
    document = Document("", {"work": {**TABLE, **table}}, "work")
    profile = profiles.resolve(document, named=named, environ=environ, **stores)  # type: ignore[arg-type]
    assert profiles.secret(profile, environ=os.environ).reveal() == "earlier"
    assert not was_asked(tmp_path)


def test_a_credential_beats_the_keyring_which_is_not_loaded(tmp_path: Path, credentials: Path) -> None:
    """A service has no desktop to ask."""
    put(credentials, "smscli.work.api_key")
    keyring = Keyring(world(tmp_path, api_key="last"))
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials), keyring=keyring)
    assert profiles.secret(profile, environ={}).reveal() == "from-systemd"
    assert not was_asked(tmp_path)


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"abc", 0o444, "can be read or changed by others"),
        (b"abc", 0o420, "can be read or changed by others"),
        (b"", 0o400, "is empty"),
        (b"user: x\nkey: y\n", 0o400, "line break"),
        (b"\xff\xfea\x00", 0o400, "not UTF-8"),
        (b"a" * 5000, 0o400, "larger than 4096 bytes"),
    ],
)
def test_an_unfit_credential_is_refused_and_nothing_stands_in_for_it(
    tmp_path: Path, credentials: Path, content: bytes, mode: int, sentence: str
) -> None:
    """It was meant: the keyring is not looked into instead."""
    put(credentials, "smscli.work.api_key", content, mode)
    keyring = Keyring(world(tmp_path, api_key="last"))
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials), keyring=keyring)
    with pytest.raises(ConfigError, match=sentence):
        profiles.secret(profile, environ={})
    assert not was_asked(tmp_path)


def test_a_credential_in_a_directory_that_others_can_change_is_refused(credentials: Path) -> None:
    """The directory of systemd is 0500."""
    put(credentials, "smscli.work.api_key")
    credentials.chmod(0o777)
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials))
    with pytest.raises(ConfigError, match="can be changed by others"):
        profiles.secret(profile, environ={})


@needs_root
def test_what_an_access_control_list_grants_to_the_services_user_is_private(credentials: Path) -> None:
    """File and directory stay root's there, and names the user in a list: ``stat`` then shows 0440 and 0550."""
    file = put(credentials, "smscli.work.api_key")
    # Version 2; root may read, the user may read (and enter), nobody else may anything.
    for path, bits in ((credentials, 5), (file, 4)):
        path.chmod(bits << 6)
        nobody = 0xFFFFFFFF
        entries = [(1, bits, nobody), (2, bits, NOBODY), (4, 0, nobody), (16, bits, nobody), (32, 0, nobody)]
        packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
        try:
            os.setxattr(path, "system.posix_acl_access", packed)
        except OSError as error:
            pytest.skip(f"no access control lists here: {error.strerror}")
    assert [path.stat().st_mode & 0o777 for path in (file, credentials)] == [0o440, 0o550]
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials))
    assert profiles.secret(profile, environ={}).reveal() == "from-systemd"
    with pytest.raises(ConfigError, match="0440"):
        private.read(file, 100, "an ordinary file")


@needs_root
@pytest.mark.parametrize(("owner", "group"), [(0, NOBODY), (NOBODY, 0)])
def test_a_credential_that_a_group_can_read_is_refused(credentials: Path, owner: int, group: int) -> None:
    """0440 is a list's mask only where owner and group are root."""
    os.chown(put(credentials, "smscli.work.api_key", mode=0o440), owner, group)
    profile = profiles.resolve(DOCUMENT, environ={}, credentials=str(credentials))
    with pytest.raises(ConfigError, match=r"can be read or changed by others|belongs to another user"):
        profiles.secret(profile, environ={})


# --- the keyring ------------------------------------------------------------------------------------------------------


def test_the_keyring_gives_what_nothing_else_gives(smscli: Callable[..., Any], config: Path, tmp_path: Path) -> None:
    """Named or default; the key is masked."""
    environ = world(tmp_path, api_key=SECRET)
    for words in (["work"], []):
        ran = smscli("profile", "show", *words, environ=environ)
        assert ["api_key", "***", "keyring"] in ran.lines, ran.err
        assert SECRET not in ran.out + ran.err
        assert smscli("profile", "check", *words, environ=environ).code == 0
    assert config.read_text() == FILE


def test_every_secret_of_a_vendor_has_an_entry_of_its_own(tmp_path: Path) -> None:
    """Service ``smscli``, user ``<profile>/<field>``."""
    keyring = Keyring(world(tmp_path, api_key="one", password="two"))
    assert [keyring.get("work", name).reveal() for name in ("api_key", "password")] == ["one", "two"]
    keyring.put("home", "api_key", Secret("Ключ three"))
    assert in_keyring(tmp_path)["smscli home/api_key"] == "Ключ three"
    assert keyring.get("home", "api_key").reveal() == "Ключ three"


def test_without_a_profile_or_a_need_no_keyring_is_loaded(smscli: Callable[..., Any], tmp_path: Path) -> None:
    """An entry belongs to a profile; the vendor's clock needs no key."""
    environ = world(tmp_path, api_key="last")
    ran = smscli("balance", environ={**environ, "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "jonas"})
    assert (ran.code, "api_key is missing" in ran.err, "keyring" in ran.err) == (3, True, False)
    profile = profiles.resolve(DOCUMENT, environ={}, keyring=Keyring(environ), need=Need.ADDRESS)
    assert profile.secret is None
    assert not was_asked(tmp_path)


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        ("InFile", "the keyring has no work/api_key"),
        ("keyring.backends.fail.Keyring", "the keyring has no backend on this machine"),
        ("keyring.backends.null.Keyring", "the keyring has no work/api_key"),
        ("Locked", "the keyring is locked"),
        ("Broken", "the keyring cannot be used (LookupError)"),
        ("Crashing", "the keyring cannot be used (status -6)"),
        ("nowhere.Keyring", "the keyring cannot be used (ModuleNotFoundError)"),
    ],
)
def test_why_the_keyring_gives_nothing_is_told_with_what_is_missing(
    smscli: Callable[..., Any], config: Path, tmp_path: Path, backend: str, sentence: str
) -> None:
    """One problem, with every other way to give the secret; no traceback, and nothing that a backend says."""
    assert config.exists()
    ran = smscli("profile", "check", "work", "-o", "json", environ=world(tmp_path, backend))
    (problem,) = ran.json["error"]["problems"]
    assert (ran.code, problem.startswith("api_key is missing")) == (3, True)
    assert problem.endswith(f"; {sentence}")
    assert SECRET not in ran.out + ran.err


def test_without_the_package_the_extra_is_named(tmp_path: Path) -> None:
    """A machine without it sees no traceback, and a profile that does not want it never knows."""
    (tmp_path / "keyring.py").write_text("raise ImportError('not here')\n")
    keyring = Keyring({**world(tmp_path, api_key="last"), "PYTHONPATH": str(tmp_path)})
    with pytest.raises(ConfigError) as caught:
        profiles.resolve(DOCUMENT, environ={}, keyring=keyring)
    assert caught.value.problems[0].endswith("; the keyring needs another package: pip install 'smscli[keyring]'")


def test_a_module_in_the_working_directory_is_nobodys_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be anybody's."""
    (tmp_path / "keyring.py").write_text("open('was-run', 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert Keyring(world(tmp_path, api_key="k")).get("work", "api_key").reveal() == "k"
    assert not (tmp_path / "was-run").exists()


def test_a_keyring_that_hangs_is_left_behind(tmp_path: Path) -> None:
    """In time, and with a sentence."""
    began = time.monotonic()
    with pytest.raises(ConfigError, match="the keyring took longer than 1 second"):
        Keyring(world(tmp_path, "Hanging"), seconds=1.0).get("work", "api_key")
    assert time.monotonic() - began < 3


def test_the_process_that_asks_ends_also_when_nobody_waits_for_it(tmp_path: Path) -> None:
    """Ctrl-C ends whoever asked, by the signal itself."""
    program = Path(profiles.__file__).with_name("_keyring.py")
    argv = [sys.executable, "-P", str(program), "1", "get", "work/api_key"]
    done = subprocess.run(argv, env=world(tmp_path, "Hanging"), capture_output=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (-signal.SIGALRM, b"")


def test_what_a_backend_prints_is_neither_secret_nor_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not on our stdout, not on our stderr."""
    assert Keyring(world(tmp_path, "Talkative", api_key="k")).get("work", "api_key").reveal() == "k"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("entry", "sentence"), [("", "is empty"), ("a\nb", "line break"), ("a" * 5000, "more than 4096 bytes")]
)
def test_an_unfit_entry_is_refused(tmp_path: Path, entry: str, sentence: str) -> None:
    """As from every other source."""
    with pytest.raises(ConfigError, match=sentence) as caught:
        Keyring(world(tmp_path, api_key=entry)).get("work", "api_key")
    assert "aaaa" not in everything_said(caught.value)


def test_the_process_that_asks_sees_no_setting_of_ours_nor_a_secret_on_its_command_line(tmp_path: Path) -> None:
    """Everybody on the machine can read command lines."""
    spy = tmp_path / "keyring.py"
    spy.write_text(
        "import json, os, sys\n"
        f"seen = {{'argv': sys.argv[1:], 'names': list(os.environ)}}\n"
        f"json.dump(seen, open({str(tmp_path / 'seen.json')!r}, 'w'))\n"
        "raise ImportError\n"
    )
    environ = {**world(tmp_path), "PYTHONPATH": str(tmp_path), "SMSCLI_API_KEY": SECRET}
    with pytest.raises(ConfigError, match="needs another package"):
        Keyring(environ).put("home", "api_key", Secret(SECRET))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["argv"] == ["11.0", "put", "home/api_key"]
    assert not [name for name in seen["names"] if name.startswith("SMSCLI_")]


def test_sign_takes_the_key_from_the_keyring_and_names_it(
    smscli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """Whose key it is, is told as for a key in the file; another account's request is refused with it, too."""
    assert config.exists()
    environ = world(tmp_path, api_key=account("lightsms").secret.reveal())
    words = ["sign", "--provider", "lightsms", "login=jonas", "timestamp=1732809600", "-o", "json"]
    ran = smscli(*words, environ=environ)
    assert ran.json["data"]["key_source"] == "profile work (keyring)"
    typed = smscli(*words, environ={"SMSCLI_API_KEY": account("lightsms").secret.reveal()})
    assert ran.json["data"]["signature"] == typed.json["data"]["signature"]
    captured = "https://www.lightsms.com/external/get/balance.php?login=somebody&timestamp=1732809600&signature="
    ran = smscli("sign", "--from-url", captured + "0" * 32, environ=environ)
    assert (ran.code, "another account than profile work" in ran.err) == (3, True)


def test_sign_asks_a_person_when_the_keyring_has_nothing(config: Path, tmp_path: Path) -> None:
    """As when there was no keyring at all."""
    environ = {**world(tmp_path), "SMSCLI_CONFIG": str(config)}
    words = ["sign", "-p", "work", "login=jonas", "timestamp=1732809600"]
    code, screen = on_a_terminal(words, environ, [("(not shown)", "typed-key")])
    assert code == 0, screen


# --- add and remove ---------------------------------------------------------------------------------------------------


def test_add_keeps_the_secret_in_the_keyring_and_out_of_the_file(smscli: Callable[..., Any], tmp_path: Path) -> None:
    """Piped in as ever; the profile works."""
    environ = world(tmp_path)
    ran = smscli(*ADD, stdin=f"{SECRET}\n".encode(), environ=environ)
    assert (ran.code, ran.out) == (0, ""), ran.err
    text = (tmp_path / "config.toml").read_text()
    assert tomllib.loads(text)["profiles"] == {"home": TABLE}
    assert in_keyring(tmp_path) == {"smscli home/api_key": SECRET}
    assert "home/api_key" in ran.err
    assert SECRET not in ran.err + text
    assert smscli("profile", "check", environ=environ).code == 0


def test_remove_takes_the_entry_away_too(smscli: Callable[..., Any], config: Path, tmp_path: Path) -> None:
    """And no other."""
    environ = world(tmp_path, api_key="of-work")
    assert smscli(*ADD, stdin=b"of-home", environ=environ).code == 0
    assert smscli("profile", "remove", "home", environ=environ).code == 0
    assert config.read_text().rstrip("\n") == FILE.rstrip("\n")
    assert in_keyring(tmp_path) == {"smscli work/api_key": "of-work"}


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        ("keyring.backends.fail.Keyring", "no backend"),
        ("keyring.backends.null.Keyring", "does not keep what it is given"),
        ("Locked", "is locked"),
    ],
)
def test_add_without_a_keyring_that_keeps_it_changes_nothing(
    smscli: Callable[..., Any], config: Path, tmp_path: Path, backend: str, sentence: str
) -> None:
    """Exit 3: a profile without its key would be of no use."""
    ran = smscli(*ADD, stdin=SECRET.encode(), environ=world(tmp_path, backend))
    assert (ran.code, sentence in ran.err) == (3, True), ran.err
    assert SECRET not in ran.err
    assert config.read_text() == FILE


def test_what_is_refused_leaves_no_entry_and_harms_none(
    smscli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """A name that is taken, a key that cannot be one, nothing left to keep."""
    environ = world(tmp_path, api_key="of-work")
    taken = [*ADD[:2], "work", *ADD[3:]]
    assert smscli(*taken, stdin=b"k", environ=environ).code == 2
    assert smscli(*ADD, stdin=b"two\nlines", environ=environ).code == 3
    ran = smscli(*ADD, "--api-key-command", "pass", stdin=b"", environ=environ)
    assert (ran.code, "nothing is left for the keyring" in ran.err) == (2, True)
    assert config.read_text() == FILE
    assert not was_asked(tmp_path)


def test_an_entry_of_another_file_is_neither_replaced_nor_taken_away(
    smscli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """A second profile file may have a profile of that name: there is one keyring for both."""
    environ = world(tmp_path)
    Keyring(environ).put("home", "api_key", Secret("of another file"))
    ran = smscli(*ADD, stdin=SECRET.encode(), environ=environ)
    assert (ran.code, "has another secret as home/api_key already" in ran.err) == (3, True)
    assert in_keyring(tmp_path) == {"smscli home/api_key": "of another file"}
    assert config.read_text() == FILE
    assert smscli(*ADD, stdin=b"of another file", environ=environ).code == 0


def test_an_entry_is_taken_back_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    """Nobody would know of it."""
    keyring = Keyring(world(tmp_path))

    def fill() -> None:
        with filled(keyring, "home", {"api_key": "k"}):
            assert in_keyring(tmp_path) == {"smscli home/api_key": "k"}
            raise ConfigError("the disk is full")

    with pytest.raises(ConfigError, match="the disk is full"):
        fill()
    assert in_keyring(tmp_path) == {}


def test_remove_says_what_may_have_stayed_in_a_locked_keyring(
    smscli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """The profile is gone all the same."""
    ran = smscli("profile", "remove", "work", "--yes", environ=world(tmp_path, "Locked"))
    assert (ran.code, "work/api_key may still be in the keyring: the keyring is locked" in ran.err) == (0, True)
    assert "work" not in tomllib.loads(config.read_text()).get("profiles", {})


@pytest.mark.parametrize("backend", ["InFile", "keyring.backends.fail.Keyring"])
def test_remove_says_nothing_where_there_was_no_entry(
    smscli: Callable[..., Any], config: Path, tmp_path: Path, backend: str
) -> None:
    """Most machines have no keyring."""
    assert config.exists()
    ran = smscli("profile", "remove", "work", "--yes", environ=world(tmp_path, backend))
    assert (ran.code, "keyring" in ran.err) == (0, False)


def test_remove_of_a_profile_with_its_own_secret_loads_no_keyring(
    smscli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    """It cannot have one there."""
    config.write_text(f'{FILE}api_key = "k"\n')
    assert smscli("profile", "remove", "work", "--yes", environ=world(tmp_path)).code == 0
    assert not was_asked(tmp_path)
