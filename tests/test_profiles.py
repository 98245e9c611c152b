"""Profiles: where the file is, who may read it, which value wins, edits that keep comments, secrets never shown."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import profiles
from smscli.errors import ConfigError, InputError, SmscliError
from smscli.model import Secret, SecretSource
from smscli.profiles import Document, Edit, Need

SECRET = "zQ7/xJ+k9vW3=b8"
"""A secret that cannot be taken for a name: wherever it is shown, it leaked."""

NOBODY = 54321
"""A user id without a passwd entry."""

FULL = f"""\
# My accounts. Ask Jonas before changing "work".
default = "work"  # cron uses this one

# the company's account
[profiles.work]
provider = "lightsms"
login = "jonas"          # the shared login
api_key = "{SECRET}"
to = [
    "+37061234567",  # on call
    "+37061234568",
]

# for experiments
[profiles.russia]
provider = "payforsms"
project = "mainsms"
api_key_command = ["pass", "show", "payforsms"]
timeout = 12.5

[profiles.turkey]
provider = "mesajlarim"
base_url = "https://sms.example/omrestapi"
app_id = "1"
msisdn = "5321000000"
secret_file = "~/turkey.key"
# the end
"""

LIGHTSMS = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "env-login", "SMSCLI_API_KEY": "env-key"}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make files that belong to somebody else")


def document(text: str = FULL) -> Document:
    """Return the document that a private file with this text reads as."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        return profiles.read(Path(file.name))


def save(path: Path, text: str) -> None:
    """Write a profile file as every change of it does."""
    profiles.change(path, lambda _: Edit(text))


def everything_said(error: SmscliError) -> str:
    """Return all that a user may get to see of an error."""
    return "\n".join([str(error), error.message, error.hint or "", *error.problems, repr(error)])


def problems(text: str, *, environ: Mapping[str, str] | None = None, **wanted: Any) -> list[str]:
    """Return what ``resolve`` finds wrong, and check that it does not show the secret."""
    with pytest.raises(ConfigError) as caught:
        profiles.resolve(document(text), environ=environ or {}, **wanted)
    assert SECRET not in everything_said(caught.value)
    return list(caught.value.problems)


# --- where the file is ------------------------------------------------------------------------------------------------


def test_smscli_config_names_the_file(tmp_path: Path) -> None:
    """The variable wins over the platform's directory."""
    assert profiles.path({"SMSCLI_CONFIG": f"{tmp_path}/mine.toml"}) == tmp_path / "mine.toml"


def test_smscli_config_may_begin_with_the_home_directory() -> None:
    """A unit file or crontab does not expand ~ as a shell does."""
    assert profiles.path({"SMSCLI_CONFIG": "~/sms.toml"}) == Path.home() / "sms.toml"


def test_a_relative_smscli_config_becomes_a_whole_path() -> None:
    """What is printed by ``profile path`` must mean the same elsewhere."""
    assert profiles.path({"SMSCLI_CONFIG": "sms.toml"}) == Path.cwd() / "sms.toml"


def test_without_the_variable_it_is_in_the_platforms_directory() -> None:
    """An empty variable counts as unset."""
    assert profiles.path({"SMSCLI_CONFIG": ""}).parts[-2:] == ("smscli", "config.toml")


@needs_root
def test_without_home_and_passwd_entry_no_directory_named_tilde_appears() -> None:
    """The file cannot be placed (an error says what to set), yet the environment alone still works."""
    script = f"""
import os, platformdirs
from smscli import profiles, errors
profiles.resolve(profiles.Document(), environ={LIGHTSMS!r})  # imports what the user below may not be able to read
os.chdir("/"); os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
for environ in ({{}}, {{"SMSCLI_CONFIG": "~/c.toml"}}):
    try: print("found", profiles.path(environ))
    except errors.ConfigError as error: print("refused:", error.message)
print(profiles.resolve(profiles.find({{}}), environ={LIGHTSMS!r}).fields["login"])
"""
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "refused: there is no home directory to look for profiles in",
        "refused: SMSCLI_CONFIG starts with ~, and there is no home directory",
        "env-login",
    ], done.stderr


def test_names_for_completion_are_silent_about_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """A shell that completes is no place for an error."""
    file = tmp_path / "config.toml"
    save(file, FULL)
    assert profiles.names({"SMSCLI_CONFIG": str(file)}) == ("work", "russia", "turkey")
    file.chmod(0o644)
    assert profiles.names({"SMSCLI_CONFIG": str(file)}) == ()


# --- reading the file -------------------------------------------------------------------------------------------------


def test_a_missing_file_is_an_empty_document(tmp_path: Path) -> None:
    """No file is no error: the environment may hold everything."""
    assert profiles.read(tmp_path / "none" / "config.toml") == Document()


def test_a_whole_file_is_read() -> None:
    """Tables, default and the text itself, for later edits."""
    read = document()
    assert (list(read.tables), read.default, read.text) == (["work", "russia", "turkey"], "work", FULL)


def test_a_byte_order_mark_and_windows_line_ends_are_harmless() -> None:
    """What an editor of another system leaves behind."""
    assert document("\ufeff" + FULL.replace("\n", "\r\n")).tables == document().tables


MODES = [0o600, 0o400, 0o700, 0o711, 0o640, 0o604, 0o644, 0o660, 0o620, 0o602, 0o666, 0o4644]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: f"{mode:04o}")
def test_a_file_others_can_read_or_change_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    """Reading gives away the key; writing gives away the account (a secret command is a program)."""
    file = tmp_path / "it's mine.toml"
    file.write_text(FULL)
    file.chmod(mode)
    if not mode & 0o066:
        assert profiles.read(file).default == "work"
        return
    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as caught:
        profiles.read(file)
    command = (caught.value.hint or "").removeprefix("run: ")
    subprocess.run(["sh", "-c", command], check=True)
    assert profiles.read(file).default == "work", "the command from the hint did not mend the file"


@needs_root
def test_only_files_of_the_user_or_of_root_are_read() -> None:
    """All modes for three owners, seen by a user who is neither root nor known."""
    script = f"""
import json, os, shlex, sys, tomllib  # (what the user below could not load)
from pathlib import Path
from smscli import profiles, errors
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
def verdict(name):
    try: return bool(profiles.read(Path(name)).tables)
    except errors.ConfigError: return False
print(json.dumps({{name: verdict(name) for name in sys.argv[1:]}}))
"""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        expected = {}
        for owner, mode in product((NOBODY, 0, NOBODY + 1), MODES):
            file = Path(directory, f"{owner}-{mode:o}.toml")
            file.write_text(FULL)
            os.chown(file, owner, NOBODY)
            file.chmod(mode)
            expected[str(file)] = owner == NOBODY and not mode & 0o066
        done = subprocess.run([sys.executable, "-c", script, *expected], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == expected
        other = next(name for name in expected if name.endswith(f"{NOBODY + 1}-600.toml"))
        with pytest.raises(ConfigError, match="belongs to another user"):
            profiles.read(Path(other))


def _directory(place: Path) -> None:
    place.mkdir()


def _pipe(place: Path) -> None:
    os.mkfifo(place, 0o600)


def _big(place: Path) -> None:
    place.touch(0o600)
    os.truncate(place, 10_000_000)


def _loop(place: Path) -> None:
    place.symlink_to(place)


def _open_target(place: Path) -> None:
    target = place.with_name("target")
    target.write_text(FULL)
    target.chmod(0o644)
    place.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_directory, "not a regular file"),
        (_pipe, "not a regular file"),
        (_big, "larger than 65536 bytes"),
        (_loop, "cannot be opened"),
        (_open_target, "can be read or changed by others"),
    ],
    ids=["directory", "pipe", "10 MB", "loop of links", "link to a public file"],
)
def test_what_is_not_a_private_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    """It is the opened file that counts, whatever the name pointed to."""
    place = tmp_path / "config.toml"
    make(place)
    with pytest.raises(ConfigError, match=sentence):
        profiles.read(place)


BROKEN = {
    "not TOML": f'[profiles.work]\napi_key = "{SECRET}',
    "a bare secret": f"[profiles.work]\n{SECRET}\n",
    "a table twice": f'[profiles."{SECRET}"]\n[profiles."{SECRET}"]\n',
    "not UTF-8": f'api_key = "{SECRET}\udcff"',
    "3000 brackets": f'a = "{SECRET}"\nb = ' + "[" * 3000,
    "brackets hidden in strings": "b = " + '["]",' * 12000,
    "3000 braces": "a = " + "{a=" * 3000,
    "a number of 5000 digits": "a = " + "1" * 5000,
    "20 000 dotted parts": "a" + ".a" * 20000 + "= 1",
    "dotted parts around a line separator": '"\u2028".a' * 60 + "= 1",
    "a header of 20 000 parts": "[a" + ".a" * 20000 + "]",
    "a list of tables": "[[profiles]]\n",
    "profiles is a text": f'profiles = "{SECRET}"',
    "a profile is a text": f'[profiles]\nwork = "{SECRET}"',
    "a nested profile": f'[profiles.work.inner]\napi_key = "{SECRET}"',
    "a strange name": f'[profiles."{SECRET}"]\n',
    "default is a list": f'default = ["{SECRET}"]',
    "a stray setting": f'"{SECRET}" = 1',
    "too much": "#" * 70_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_quickly_without_quoting_it(text: str, tmp_path: Path) -> None:
    """Exit 3 with where the trouble is; 20 000 dotted parts would keep the parser busy for seconds."""
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    file.chmod(0o600)
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        profiles.read(file)
    assert time.process_time() - began < 0.5, "too slow"
    assert SECRET not in everything_said(caught.value)
    assert caught.value.hint or "larger" in caught.value.message, "no hint what to do"


def test_the_line_of_a_mistake_is_named() -> None:
    """So that it can be mended without being shown."""
    with pytest.raises(ConfigError, match="at line 2, column 9"):
        document('default = "work"\nlogin = oops\n')


def test_all_misshapen_parts_are_told_at_once() -> None:
    """One run, all problems."""
    with pytest.raises(ConfigError) as caught:
        document('default = 1\nprofil = 2\n[profiles]\nwork = 3\n"a b" = {}\n[profiles.deep.er]\n')
    assert len(caught.value.problems) == 5, caught.value.problems


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(FULL)),
            st.integers(0, 12),
            st.one_of(
                st.sampled_from(['"', "\n", "[", "]", "=", "'''", ".", "\\", "{", "#", "\x00", "\udcff"]),
                st.text(max_size=3),
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_damaged_file_never_ends_in_a_traceback_or_shows_the_secret(damage: list[tuple[int, int, str]]) -> None:
    """Bytes cut out and put in anywhere: every profile resolves, or a foreseen error says why not."""
    text = FULL
    for at, length, inserted in damage:
        text = text[:at] + inserted + text[at + length :]
    said = ""
    try:
        read = document(text)
        for name in read.tables:
            profiles.remove(read, name)
            profiles.resolve(read, named=name, environ={})
    except SmscliError as error:
        said = everything_said(error)
    assert SECRET not in said


# --- which value wins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "named", "variable", "picked", "default"),
    list(product((False, True), repeat=5)),
    ids=lambda there: "x" if there else "-",
)
def test_the_strongest_layer_wins_and_is_named(
    option: bool, named: bool, variable: bool, picked: bool, default: bool
) -> None:
    """Every combination of the five places a login can come from."""
    tables = {
        name: {"provider": "lightsms", "login": f"{name}-login", "api_key": "k"}
        for name in ("minus-p", "chosen", "usual")
    }
    environ = {"SMSCLI_LOGIN": "env-login"} if variable else {}
    if picked:
        environ["SMSCLI_PROFILE"] = "chosen"
    if not (named or picked or default):  # a vendor and a key must come from somewhere
        environ |= {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": "k"}
    resolve = {
        "named": "minus-p" if named else None,
        "options": {"login": "option-login" if option else None},
        "environ": environ,
    }
    # The design's order, written as a list: the first that is there.
    taking_part = "minus-p" if named else "chosen" if picked else "usual" if default else None
    expected = next(
        (
            answer
            for there, answer in [
                (option, ("option-login", "option --login")),
                (named, ("minus-p-login", "profile minus-p")),
                (variable, ("env-login", "environment SMSCLI_LOGIN")),
                (picked, ("chosen-login", "profile chosen")),
                (default, ("usual-login", "profile usual")),
            ]
            if there
        ),
        None,
    )
    read = Document("", tables, "usual" if default else None)
    if expected is None:
        with pytest.raises(ConfigError) as caught:
            profiles.resolve(read, **resolve)  # type: ignore[arg-type]
        assert caught.value.problems[0].startswith("login is missing")
        return
    profile = profiles.resolve(read, **resolve)  # type: ignore[arg-type]
    assert (profile.fields["login"], profile.sources["login"], profile.name) == (*expected, taking_part)


def test_a_profile_named_on_the_command_line_is_never_mixed_with_variables() -> None:
    """Not even for what the profile does not set: a stray variable must not complete somebody else's account."""
    stray = {"SMSCLI_SENDER": "Stray", "SMSCLI_TIMEOUT": "1", "SMSCLI_PROFILE": "turkey", **LIGHTSMS}
    profile = profiles.resolve(document(), named="work", environ=stray)
    assert (profile.fields["login"], profile.sender, profile.timeout) == ("jonas", None, None)
    text = '[profiles.bare]\nprovider = "lightsms"\nlogin = "x"\n'
    (problem,) = problems(text, named="bare", environ=stray)
    assert problem.startswith("api_key is missing")
    assert "SMSCLI_API_KEY in the environment (not read with -p)" in problem


def test_the_environment_alone_is_enough() -> None:
    """That is how continuous integration runs it."""
    profile = profiles.resolve(Document(), environ={**LIGHTSMS, "SMSCLI_TO": "+37061234567, +37061234568"})
    assert profiles.secret(profile, environ={}).reveal() == "env-key"
    assert (profile.name, profile.provider, profile.fields) == (
        None,
        "lightsms",
        {"login": "env-login", "clock": "vendor"},
    )
    assert profile.base_url == "https://www.lightsms.com/external/get/"
    assert profile.to == ("+37061234567", "+37061234568")
    assert profile.sources == {
        "provider": "environment SMSCLI_PROVIDER",
        "login": "environment SMSCLI_LOGIN",
        "api_key": "environment SMSCLI_API_KEY",
        "to": "environment SMSCLI_TO",
        "base_url": "built-in",
        "clock": "built-in",
    }


def test_an_empty_variable_counts_as_unset() -> None:
    """A CI system sets undefined secrets to nothing."""
    environ = {"SMSCLI_LOGIN": "", "SMSCLI_PROVIDER": "", "SMSCLI_PROFILE": "", "SMSCLI_API_KEY": ""}
    assert profiles.resolve(document(), environ=environ).fields["login"] == "jonas"


@pytest.mark.parametrize("asked_by", ["option", "environment"])
def test_the_default_profile_takes_no_part_when_another_vendor_is_asked_for(asked_by: str) -> None:
    """Its key belongs to its vendor; so do its recipients."""
    environ = {"SMSCLI_PROJECT": "p", "SMSCLI_API_KEY": "k"}
    if asked_by == "environment":
        environ["SMSCLI_PROVIDER"] = "payforsms"
    options = {"provider": "payforsms"} if asked_by == "option" else {}
    profile = profiles.resolve(document(), options=options, environ=environ)
    assert (profile.name, profile.provider, profile.to) == (None, "payforsms", ())
    assert not [source for source in profile.sources.values() if source.startswith("profile")]


def test_an_option_outweighs_the_profile_picked_by_a_variable() -> None:
    """``sign --provider payforsms`` works in a shell whose start-up file sets SMSCLI_PROFILE."""
    environ = {"SMSCLI_PROFILE": "work", "SMSCLI_API_KEY": "k", "SMSCLI_PROJECT": "p"}
    assert profiles.resolve(document(), options={"provider": "payforsms"}, environ=environ).name is None


def test_an_option_outweighs_the_variable_that_names_a_vendor() -> None:
    """No profile, two opinions: the command line's counts."""
    environ = {**LIGHTSMS, "SMSCLI_PROJECT": "p"}
    profile = profiles.resolve(Document(), options={"provider": "payforsms"}, environ=environ)
    assert (profile.provider, profile.sources["provider"]) == ("payforsms", "option --provider")


@pytest.mark.parametrize(
    ("named", "options", "environ"),
    [
        ("work", {"provider": "payforsms"}, {}),
        (None, {}, {"SMSCLI_PROFILE": "work", "SMSCLI_PROVIDER": "payforsms"}),
    ],
    ids=["-p against --provider", "SMSCLI_PROFILE against SMSCLI_PROVIDER"],
)
def test_a_named_profile_and_another_vendor_is_a_contradiction(
    named: str | None, options: dict[str, str], environ: dict[str, str]
) -> None:
    """Nobody can know which of the two was meant, and a wrong guess costs money."""
    with pytest.raises(ConfigError, match="another provider than profile work"):
        profiles.resolve(document(), named=named, options=options, environ=environ)


def test_the_secret_of_a_stronger_layer_replaces_every_spelling_below() -> None:
    """A variable wins over the profile's command; nothing is started."""
    environ = {"SMSCLI_PROFILE": "russia", "SMSCLI_API_KEY": "env-key"}
    profile = profiles.resolve(document(), environ=environ)
    assert (profile.secret.kind, profile.sources["api_key"]) == ("value", "environment SMSCLI_API_KEY")


def test_a_secret_given_on_the_command_line_wins() -> None:
    """``sign --key-file``: whatever profile and environment say."""
    key = SecretSource("value", Secret("given"))
    profile = profiles.resolve(document(), environ=LIGHTSMS, key=key)
    assert (profile.secret, profile.sources["api_key"]) == (key, "option")


@pytest.mark.parametrize(
    ("need", "missing"),
    [
        (Need.ACCOUNT, ["base_url", "app_id", "msisdn", "secret"]),
        (Need.KEY, ["secret"]),
        (Need.ADDRESS, ["base_url"]),
    ],
)
def test_a_command_asks_only_for_what_it_needs(need: Need, missing: list[str]) -> None:
    """An offline signature needs no login, a vendor's clock no key."""
    found = problems("", environ={"SMSCLI_PROVIDER": "mesajlarim"}, need=need)
    assert [problem.split()[0] for problem in found] == missing


# --- what is wrong with it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SMSCLI_APIKEY", "SMSCLI_API_KEY"),
        ("SMSCLI_api_key", "SMSCLI_API_KEY"),
        ("smscli_api_key", "SMSCLI_API_KEY"),
        ("SMSCLI_API_KEYFILE", "SMSCLI_API_KEY_FILE"),
        ("SMSCLI_KEY", "SMSCLI_API_KEY"),
        ("SMSCLI_PROFIL", "SMSCLI_PROFILE"),
        ("SMSCLI_TIMEZONE", "SMSCLI_TIME_ZONE"),
        ("SMSCLI_LOGIN_NAME_OF_CI", None),
        ("SMSCLI_DEBUG", None),
        ("MY_API_KEY", None),
    ],
)
def test_a_variable_whose_name_is_nearly_right_is_named_when_something_is_wrong(
    variable: str, meant: str | None
) -> None:
    """It is set and not read, which nobody sees who only reads that a key is missing. Its value is not shown."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "x", variable: SECRET}
    missing, *more = problems("", environ=environ)
    assert missing.startswith("api_key is missing")
    assert more == ([f"{variable} is set but not read: did you mean {meant}?"] if meant else [])
    assert not [
        said for said in problems(FULL.replace("login", "logn"), environ=environ, named="work") if variable in said
    ]


def test_a_misspelt_variable_is_named_when_there_is_no_vendor_at_all() -> None:
    """A variable that is set as it should be is no guess, and a misspelt one beside it is no matter."""
    environ = {"SMSCLI_PROVDER": "lightsms", "SMSCLI_API_KEY": SECRET, "SMSCLI_APIKEY": SECRET}
    assert problems("", environ=environ) == ["SMSCLI_PROVDER is set but not read: did you mean SMSCLI_PROVIDER?"]


@pytest.mark.parametrize("written", ["LightSMS", "LIGHTSMS", "lightSms"])
def test_a_vendor_may_be_written_as_it_is_printed(written: str) -> None:
    """In an option, a variable and a file, and together; what is shown is its own name."""
    table = Document("", {"w": {"provider": written, "login": "x", "api_key": "k"}}, "w")
    for options, environ in (({}, {}), ({"provider": "LIGHTsms"}, {}), ({}, {"SMSCLI_PROVIDER": "LIGHTsms"})):
        profile = profiles.resolve(table, options=options, environ=environ)
        assert (profile.provider, profile.name) == ("lightsms", "w")
    environ = {**LIGHTSMS, "SMSCLI_PROVIDER": written}
    assert profiles.resolve(Document(), environ=environ).provider == "lightsms"
    with pytest.raises(ConfigError, match="there is no such provider"):
        profiles.resolve(Document(), environ={**environ, "SMSCLI_PROVIDER": f" {written}"})


def test_all_problems_of_a_profile_are_told_at_once() -> None:
    """Ten mistakes, ten sentences, each with the name of the setting and none with a value."""
    found = problems(
        f"""
[profiles.bad]
provider = "lightsms"
logn = "{SECRET}"
"{SECRET}" = 1
api_key = "{SECRET}"
api_key_file = "/etc/{SECRET}"
clock = "{SECRET}"
base_url = "http://user:pa55@lightsms.com/"
sender = "{SECRET * 3}"
timeout = -1
batch_size = 51
region = "{SECRET}"
time_zone = "{SECRET}"
proxy = "socks5://{SECRET}@proxy"
store_text = "{SECRET}"
to = ["+37061234567", 5]
ca_file = ""
""",
        named="bad",
    )
    said = "\n".join(found)
    for start in (
        "login is missing (account login",
        "api_key and api_key_file are both set",
        "clock must be one of: vendor, local",
        "base_url must be a plain address",
        "sender must be a sender ID",
        "timeout must be a number of seconds",
        "batch_size must be at most 50",
        "region must be a country",
        "time_zone must be a time zone",
        "proxy must be a URL",
        "store_text must be true or false",
        "to must be a text in quotes",
        "ca_file is empty",
        "logn is not a setting; did you mean login?",
        "(not shown: it does not look like a name) is not a setting",
    ):
        assert any(problem.startswith(start) for problem in found), f"{start!r} is not in:\n{said}"
    assert len(found) == 15, said


def test_a_missing_secret_names_the_three_ways_to_give_it() -> None:
    """And each in the words that can be typed."""
    (problem,) = problems('default = "w"\n[profiles.w]\nprovider = "lightsms"\nlogin = "x"\n')
    for way in ("api_key, api_key_command or api_key_file in [profiles.w]", "SMSCLI_API_KEY in the environment"):
        assert way in problem
    assert "not read with -p" not in problem


def test_mesajlarim_without_an_address_names_the_host_that_one_client_used() -> None:
    """The vendor's document names none."""
    environ = {
        "SMSCLI_PROVIDER": "mesajlarim",
        "SMSCLI_APP_ID": "1",
        "SMSCLI_MSISDN": "5321000000",
        "SMSCLI_SECRET": "s",
    }
    (problem,) = problems("", environ=environ)
    assert "base_url is missing" in problem
    assert "mesajlarim.turkcell.com.tr" in problem
    environ["SMSCLI_BASE_URL"] = "https://sms.example/omrestapi"
    assert profiles.resolve(Document(), environ=environ).base_url == "https://sms.example/omrestapi/"


ADDRESSES = {
    "https://sms.example": "https://sms.example/external/get/",
    "https://sms.example/": "https://sms.example/external/get/",
    "https://sms.example:8443": "https://sms.example:8443/external/get/",
    "sms.example": "https://sms.example/external/get/",
    "sms.example:8443/": "https://sms.example:8443/external/get/",
    "localhost:8025": "https://localhost:8025/external/get/",
    "http://localhost:8025": "http://localhost:8025/external/get/",
    "https://sms.example/a/b": "https://sms.example/a/b/",
    "http://localhost:8080/x/": "http://localhost:8080/x/",
    "http://127.8.9.1/": "http://127.8.9.1/external/get/",
    "http://[::1]:99/": "http://[::1]:99/external/get/",
    "http://sms.example/": None,
    "http://127.0.0.1.evil.example/": None,
    "http://localhost.example/": None,
    "https://localhost@evil.example/": None,
    "https://sms.example/?a=1": None,
    "https://sms.example/#a": None,
    "https://": None,
    "https:///path": None,
    "https://sms.example:99999/": None,
    "https://[::1/": None,
    "https://sms.example/a b": None,
    "https://sms.example\\@evil.example/": None,
    "ftp://sms.example/": None,
    "https:/sms.example": None,
    "https//sms.example": None,
    "user@sms.example": None,
    "sms.example/a": None,
    "lightsms": None,
}


@pytest.mark.parametrize(("address", "used"), ADDRESSES.items(), ids=ADDRESSES)
def test_an_address_is_https_or_this_machine_and_a_host_alone_gets_the_usual_path(
    address: str, used: str | None
) -> None:
    """A signature that is read on the way can be used by the reader; a white-label host is named as it is known."""
    environ = {**LIGHTSMS, "SMSCLI_BASE_URL": address}
    if used:
        assert profiles.resolve(Document(), environ=environ).base_url == used
    else:
        (problem,) = problems("", environ=environ)
        assert problem.startswith("base_url must be")


@pytest.mark.parametrize(
    ("variable", "value", "setting", "result"),
    [
        ("SMSCLI_TIMEOUT", "2.5", "timeout", 2.5),
        ("SMSCLI_BATCH_SIZE", "1", "batch_size", 1),
        ("SMSCLI_STORE_TEXT", "true", "store_text", True),
        ("SMSCLI_STORE_TEXT", "0", "store_text", False),
        ("SMSCLI_REGION", "lt", "region", "LT"),
        ("SMSCLI_TIME_ZONE", "Europe/Vilnius", "time_zone", "Europe/Vilnius"),
        ("SMSCLI_TIMEOUT", "nan", "timeout", None),
        ("SMSCLI_TIMEOUT", "soon", "timeout", None),
        ("SMSCLI_BATCH_SIZE", "1.5", "batch_size", None),
        ("SMSCLI_STORE_TEXT", "maybe", "store_text", None),
        ("SMSCLI_TIME_ZONE", "Europe", "time_zone", None),
        ("SMSCLI_TIME_ZONE", "../etc/passwd", "time_zone", None),
        ("SMSCLI_SENDER", "a\x1bb", "sender", None),
        ("SMSCLI_LOGIN", "a\udcff", "login", None),
        ("SMSCLI_API_KEY", "key\n", "api_key", None),
        ("SMSCLI_API_KEY_COMMAND", "pass show sms", "api_key_command", None),
    ],
)
def test_variables_are_read_as_the_setting_they_stand_for(
    variable: str, value: str, setting: str, result: object
) -> None:
    """A variable is text; what it means, and whether it can be, is the setting's business."""
    environ = {**LIGHTSMS, variable: value}
    if variable.startswith("SMSCLI_API_KEY"):
        environ = {key: text for key, text in environ.items() if key == variable or key != "SMSCLI_API_KEY"}
    if result is not None:
        profile = profiles.resolve(Document(), environ=environ)
        assert (getattr(profile, setting), profile.sources[setting]) == (result, f"environment {variable}")
    else:
        (problem,) = problems("", environ=environ)
        assert problem.startswith(f"{setting} "), problem
        assert problem.endswith(f"(environment {variable})"), problem


def test_a_text_in_the_file_must_be_a_text() -> None:
    """``login = 7`` would lose the zeros of ``007``."""
    (problem,) = problems('[profiles.w]\nprovider = "lightsms"\nlogin = 7\napi_key = "k"\n', named="w")
    assert problem == "login must be a text in quotes (profile w)"


def test_a_wrong_option_is_a_mistake_of_the_call_not_of_the_profile() -> None:
    """Exit 2, not 3."""
    for options in ({"sender": "\n"}, {"provider": "nobody"}, {"project": "not lightsms's"}):
        with pytest.raises(InputError):
            profiles.resolve(document(), options=options, environ={})


@pytest.mark.parametrize(
    ("text", "wanted", "sentence"),
    [
        (FULL, {"named": "wrok"}, "there is no profile 'wrok'"),
        (FULL, {"environ": {"SMSCLI_PROFILE": "wrok"}}, "there is no profile 'wrok'"),
        ("", {"named": "work"}, "there is no profile 'work'"),
        (f'default = "{SECRET}"', {}, "the file's default profile is not in it"),
        ("", {}, "no provider is named"),
        ("[profiles.w]", {"named": "w"}, "profile w names no provider"),
        (f'[profiles.w]\nprovider = "{SECRET}"', {"named": "w"}, "there is no such provider"),
        (f'[profiles.w]\nprovider = ["{SECRET}"]', {"named": "w"}, "there is no such provider"),
        ("", {"environ": {"SMSCLI_PROVIDER": SECRET}}, "there is no such provider"),
    ],
)
def test_no_profile_or_no_vendor_is_told_with_the_names_there_are(
    text: str, wanted: dict[str, Any], sentence: str
) -> None:
    """The hint lists what could have been meant."""
    with pytest.raises(ConfigError) as caught:
        profiles.resolve(document(text), **{"environ": {}, **wanted})
    assert sentence in caught.value.message
    assert caught.value.hint
    assert SECRET not in everything_said(caught.value)
    if "wrok" in sentence:
        assert "did you mean work?" in caught.value.hint


# --- what is a sandbox ------------------------------------------------------------------------------------------------


EMULATED = {"provider": "lightsms", "login": "x", "api_key": "k", "sandbox": True}
HERE = "http://127.0.0.1:8025/external/get/"


def test_a_sandbox_without_an_address_is_the_built_in_one() -> None:
    """Also for a vendor that names no address of its own."""
    profile = profiles.resolve(Document("", {"w": EMULATED}), named="w", environ={})
    assert (profile.sandbox, profile.base_url, profile.sources["sandbox"]) == (True, "", "profile w")
    assert "base_url" not in profile.sources
    table = {"provider": "mesajlarim", "app_id": "1", "msisdn": "5321000000", "secret": "s", "sandbox": True}
    assert profiles.resolve(Document("", {"w": table}), named="w", environ={}).base_url == ""


@pytest.mark.parametrize(
    ("option", "variable", "table", "used"),
    [
        ({}, {}, {"base_url": HERE, "sandbox": True}, HERE),
        ({}, {"SMSCLI_BASE_URL": HERE}, {"sandbox": True}, HERE),
        ({}, {"SMSCLI_SANDBOX": "true"}, {"base_url": "https://sms.example/x/"}, ""),
        ({"sandbox": True}, {"SMSCLI_BASE_URL": "https://sms.example/x/"}, {}, ""),
        ({"sandbox": True}, {}, {"base_url": "https://www.lightsms.com/external/get/"}, ""),
    ],
)
def test_an_address_is_the_sandboxs_when_no_weaker_layer_named_it(
    option: dict[str, object], variable: dict[str, str], table: dict[str, object], used: str
) -> None:
    """Who says "sandbox" over an account must not text through its white-label host."""
    read = Document("", {"w": {"provider": "lightsms", "login": "x", "api_key": "k", **table}}, "w")
    profile = profiles.resolve(read, options=option, environ=variable)
    assert (profile.sandbox, profile.base_url) == (True, used)


@pytest.mark.parametrize(
    "address", ["https://www.lightsms.com/external/get/", "lightsms.com", "https://payforsms.ru./x", "api.mainsms.ru"]
)
def test_a_vendor_is_no_sandbox(address: str) -> None:
    """What goes there costs money, whatever the profile says."""
    text = f'[profiles.w]\nprovider = "lightsms"\nlogin = "x"\napi_key = "k"\nsandbox = true\nbase_url = "{address}"\n'
    (problem,) = problems(text, named="w")
    assert "a vendor is no sandbox" in problem
    profiles.resolve(document(text.replace("true", "false")), named="w", environ={})


# --- editing ----------------------------------------------------------------------------------------------------------


def comments(text: str) -> list[str]:
    """Return the comments of a text, in order."""
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


def test_add_appends_a_table_and_leaves_every_other_byte_alone() -> None:
    """Comments, order, spaces: the file stays its owner's."""
    edit = profiles.add(
        document(), "new", {"provider": "lightsms", "login": 'a"b\\c', "to": ["+1"]}, make_default=False
    )
    assert edit.note is None
    assert edit.text.startswith(FULL)
    assert tomllib.loads(edit.text)["profiles"]["new"] == {"provider": "lightsms", "login": 'a"b\\c', "to": ["+1"]}


@pytest.mark.parametrize("text", ["", "# only this", FULL, FULL.rstrip("\n"), FULL.replace("\n", "\r\n")])
def test_add_can_make_the_new_profile_the_default(text: str) -> None:
    """In a new file, a file without a last line break, one from another system."""
    edit = profiles.add(document(text), "new", {"provider": "lightsms"}, make_default=True)
    assert (edit.note, tomllib.loads(edit.text)["default"]) == (None, "new")
    assert comments(edit.text) == comments(text)


@pytest.mark.parametrize("name", ["work", "a b", "", "a.b", "č", "x" * 65, "a\n"])
def test_add_refuses_a_name_that_is_taken_or_is_none(name: str) -> None:
    """Letters, digits, - and _; never over an existing account."""
    with pytest.raises(InputError):
        profiles.add(document(), name, {}, make_default=False)


def test_use_changes_one_word() -> None:
    """The comment on that line stays too."""
    edit = profiles.use(document(), "turkey")
    assert edit.text == FULL.replace('default = "work"', 'default = "turkey"')
    assert edit.note is None


def test_use_puts_a_default_below_the_heading_comment() -> None:
    """A file that had none."""
    text = '# My accounts\n\n# the first\n[profiles.a]\nprovider = "lightsms"\n'
    edit = profiles.use(document(text), "a")
    assert edit.text == text.replace("# My accounts\n", '# My accounts\ndefault = "a"\n')


@pytest.mark.parametrize("name", ["work", "russia", "turkey"])
def test_remove_takes_the_table_and_leaves_all_around_it(name: str) -> None:
    """A comment above the next table belongs to that one."""
    edit = profiles.remove(document(), name)
    left = document(edit.text)
    assert list(left.tables) == [other for other in ("work", "russia", "turkey") if other != name]
    assert left.default == (None if name == "work" else "work")
    assert edit.note is None
    for comment in ('# My accounts. Ask Jonas before changing "work".', "# for experiments", "# the end"):
        assert comment in edit.text


@pytest.mark.parametrize(
    "text",
    [
        'default = "a"\nprofiles = { a = { provider = "lightsms" }, b = { provider = "payforsms" } }\n',
        'default = "a"\nprofiles.a.provider = "lightsms"\nprofiles.b.provider = "payforsms"\n',
        "default = '''a'''\n[profiles]\na = { provider = 'lightsms' }\nb = { provider = 'payforsms' }\n",
        '"default" = "a"\n[profiles.a]\nlogin = """\n[profiles.b]\ndefault = "x"\n"""\n[profiles.b]\nlogin = "y"\n',
    ],
    ids=["inline tables", "dotted keys", "mixed", "headers inside a string"],
)
@pytest.mark.parametrize("action", ["add", "use", "remove"])
def test_an_unusual_file_is_edited_right_even_when_it_must_be_written_anew(text: str, action: str) -> None:
    """Whatever the spelling: the result reads as wanted, and lost comments are told."""
    text = "# precious\n" + text
    read = document(text)
    tables = {name: dict(table) for name, table in read.tables.items()}
    if action == "add":
        edit = profiles.add(read, "c", {"provider": "lightsms"}, make_default=True)
        wanted: dict[str, Any] = {"default": "c", "profiles": {**tables, "c": {"provider": "lightsms"}}}
    elif action == "use":
        edit, wanted = profiles.use(read, "b"), {"default": "b", "profiles": tables}
    else:
        edit, wanted = profiles.remove(read, "a"), {"profiles": {"b": tables["b"]}}
    assert tomllib.loads(edit.text) == wanted
    assert (edit.note is None) == ("# precious" in edit.text), "lost comments must be told, kept ones not"


@pytest.mark.parametrize("action", [profiles.use, profiles.remove])
def test_an_unknown_profile_cannot_be_used_or_removed(action: Callable[[Document, str], object]) -> None:
    """The hint knows the nearest name."""
    with pytest.raises(ConfigError) as caught:
        action(document(), "trukey")
    assert "did you mean turkey?" in (caught.value.hint or "")


# --- saving -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process that hides nothing, or everything."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """0600 for a new file, and for one that had other bits."""
    file = tmp_path / "config.toml"
    for _ in range(2):
        save(file, FULL)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, f"umask {umask:03o}"
        file.chmod(0o711)


def test_the_directory_is_made_private(tmp_path: Path) -> None:
    """With all its parents."""
    file = tmp_path / "a" / "b" / "config.toml"
    save(file, FULL)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert profiles.read(file).default == "work"


def test_saving_replaces_the_file_instead_of_writing_into_it(tmp_path: Path) -> None:
    """Whoever has the old file open keeps the old file, whole; nothing is left lying about."""
    file = tmp_path / "config.toml"
    save(file, FULL)
    with file.open() as old:
        save(file, "default = 'x'\n")
        assert old.read() == FULL
        assert os.fstat(old.fileno()).st_ino != file.stat().st_ino
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.toml", "config.toml.lock"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While one thread saves, another reads either the one text or the other."""
    file = tmp_path / "config.toml"
    texts = [FULL, FULL + "# more\n" * 2000]
    save(file, texts[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(12):
            save(file, texts[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        assert profiles.read(file).text in texts
        reads += 1
    writer.join()
    assert reads > 10, "the reader hardly ran"


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """Dotfile managers keep the real file elsewhere."""
    target = tmp_path / "dotfiles" / "sms.toml"
    target.parent.mkdir()
    link = tmp_path / "config.toml"
    link.symlink_to(Path("dotfiles") / "sms.toml")
    save(link, FULL)
    assert link.is_symlink()
    assert target.read_text() == FULL


def test_the_order_of_a_save_survives_a_crash(tmp_path: Path) -> None:
    """Private from the first byte; content on disk before the name changes; the name on disk before it says "done"."""
    trace = tmp_path / "trace"
    script = (
        "from pathlib import Path; from smscli import profiles; "
        f"profiles.change(Path({str(tmp_path / 'c.toml')!r}), lambda _: profiles.Edit('a = 1'))"
    )
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=openat,fchmod,write,fsync,rename,renameat,renameat2"]
    try:
        ran = subprocess.run([*command, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("strace is not on this machine")
    assert ran.returncode == 0, ran.stderr
    lines = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
    begin = next(index for index, line in enumerate(lines) if ".c.toml.smscli-new" in line and "O_EXCL" in line)
    assert "O_EXCL" in lines[begin]
    assert "0600" in lines[begin]
    calls = [line.split("(")[0] for line in lines[begin:] if "ENOENT" not in line and "+++" not in line]
    assert calls == ["openat", "fchmod", "write", "fsync", "rename", "openat", "fsync"], lines[begin:]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where a directory is needed, a directory where a file is; no scratch file stays."""
    (tmp_path / "file").touch(0o600)
    with pytest.raises(ConfigError, match="cannot be opened"):
        save(tmp_path / "file" / "config.toml", FULL)
    (tmp_path / "config.toml.lock").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        save(tmp_path / "config.toml", FULL)
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="is not a regular file"):
        save(tmp_path / "config.toml", FULL)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.toml", "config.toml.lock", "file"]


def test_what_would_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    """The limit of reading is the limit of writing."""
    with pytest.raises(ConfigError, match="grow beyond"):
        save(tmp_path / "config.toml", "#" * 65537)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.toml.lock"]


# --- secrets ----------------------------------------------------------------------------------------------------------


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
    account = profiles.account(profile, profiles.secret(profile, environ={}))
    edit = profiles.use(read, "turkey")
    assert profile.proxy is not None
    assert password in profile.proxy.reveal()
    shown = f"{profile!r} {account!r} {edit!r} {read!r}"
    assert SECRET not in shown
    assert password not in shown
    assert (account.base_url, account.secret.reveal()) == (profile.base_url, SECRET)
