"""``smscli profile``: what the commands print, what they refuse, and that no secret is shown or asked for aloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from smscli import private
from tests.conftest import on_a_terminal
from tests.vendors import NAMES

BINARY = str(Path(sys.executable).parent / "smscli")
SECRET = "zQ7/xJ+k9vW3=b8"
FILE = f"""\
# the family's accounts
default = "work"

[profiles.work]
provider = "lightsms"
login = "jonas"
api_key = "{SECRET}"
to = ["+37061234567"]

[profiles.russia]
provider = "payforsms"
project = "mainsms"
api_key_command = ["printf", "%s", "{SECRET}"]
proxy = "http://user:{SECRET.replace("/", "")}@proxy.example:8080"
timeout = 12.5
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file that the runner's SMSCLI_CONFIG names, with two profiles."""
    file = tmp_path / "config.toml"
    file.touch(0o600)
    file.write_text(FILE)
    return file


def tables(config: Path) -> Any:
    """Return the profiles that the file holds now."""
    return tomllib.loads(config.read_text())["profiles"]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_list_has_one_line_for_each_profile(smscli: Callable[..., Any], config: Path) -> None:
    """Name, vendor, and which one is used without -p."""
    assert config.exists()
    assert smscli("profile", "list").lines == [["work", "lightsms", "default"], ["russia", "payforsms", ""]]
    assert smscli("profile", "list", "-o", "json").json["data"][0] == {
        "name": "work", "provider": "lightsms", "default": True,
    }  # fmt: skip


def test_list_without_a_file_says_how_to_begin(smscli: Callable[..., Any]) -> None:
    """No file is no error."""
    ran = smscli("profile", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "smscli profile add NAME" in ran.err


def test_list_shows_no_value_that_could_be_a_secret(smscli: Callable[..., Any], config: Path) -> None:
    """A key that was pasted into the wrong line."""
    providers = (f'"{SECRET}"', '"LightSMS"', f'["{SECRET}"]')
    config.write_text(
        "".join(f"[profiles.{name}]\nprovider = {one}\n" for name, one in zip("acb", providers, strict=True))
    )
    assert smscli("profile", "list").lines == [["a", "?", ""], ["c", "lightsms", ""], ["b", "?", ""]]


def test_show_says_which_layer_won_for_each_value(smscli: Callable[..., Any], config: Path) -> None:
    """Option, variable, profile or built in, in words."""
    assert config.exists()
    shown = smscli("profile", "show", environ={"SMSCLI_LOGIN": "ona"})
    assert {name: (value, source) for name, value, source in shown.lines} == {
        "provider": ("lightsms", "profile work"),
        "login": ("ona", "environment SMSCLI_LOGIN"),
        "api_key": ("***", "profile work"),
        "to": ("+37061234567", "profile work"),
        "clock": ("vendor", "built-in"),
        "base_url": ("https://www.lightsms.com/external/get/", "built-in"),
    }


def test_a_host_alone_is_shown_and_added_with_the_usual_path(smscli: Callable[..., Any], config: Path) -> None:
    """So that a white-label host can be named as it is known."""
    config.write_text(FILE.replace('login = "jonas"', 'login = "jonas"\nbase_url = "sms.example.com"'))
    completed = "https://sms.example.com/external/get/"
    assert ["base_url", completed, "profile work"] in smscli("profile", "show", "work").lines
    words = ["--provider", "LIGHTSMS", "--login", "x", "--base-url", "https://sms.example.com"]
    assert f"base_url is {completed}" in smscli("profile", "add", "new", *words, stdin=b"k").err
    assert (tables(config)["new"]["provider"], tables(config)["new"]["base_url"]) == ("lightsms", completed)


def test_a_sandbox_is_added_and_shown_as_one(smscli: Callable[..., Any], config: Path) -> None:
    """Without an address it needs none, also where the vendor names none; a vendor's own is refused."""
    words = ["--provider", "mesajlarim", "--app-id", "1", "--msisdn", "5321000000", "--sandbox"]
    assert smscli("profile", "add", "try", *words, stdin=b"k").code == 0
    assert tables(config)["try"]["sandbox"] is True
    assert ["sandbox", "true", "profile try"] in smscli("profile", "show", "try").lines
    words = ["--provider", "lightsms", "--login", "x", "--sandbox", "--base-url", "www.lightsms.com"]
    ran = smscli("profile", "add", "wrong", *words, stdin=b"k")
    assert (ran.code, "a vendor is no sandbox" in ran.err) == (2, True)


def test_show_of_a_named_profile_is_not_mixed_with_variables(smscli: Callable[..., Any], config: Path) -> None:
    """As with -p."""
    assert config.exists()
    data = smscli("profile", "show", "work", "-o", "json", environ={"SMSCLI_LOGIN": "ona"}).json["data"]
    assert data["profile"] == "work"
    assert {"name": "login", "value": "jonas", "source": "profile work"} in data["settings"]


@pytest.mark.parametrize("output", ["table", "plain", "json", "xml"])
@pytest.mark.parametrize("name", ["work", "russia"])
def test_show_masks_keys_proxies_and_arguments_of_commands(
    smscli: Callable[..., Any], config: Path, output: str, name: str
) -> None:
    """In every format."""
    assert config.exists()
    ran = smscli("profile", "show", name, "-o", output)
    assert ran.code == 0
    assert "***" in ran.out
    for secret in (SECRET, SECRET.replace("/", ""), "user:"):
        assert secret not in ran.out + ran.err
    if name == "russia" and output == "plain":
        rows = {line[0]: line[1] for line in ran.lines}
        assert (rows["api_key_command"], rows["proxy"], rows["timeout"]) == ("printf ***", "***", "12.5")


def test_path_prints_where_the_file_is(smscli: Callable[..., Any], tmp_path: Path) -> None:
    """Also when there is none yet."""
    assert smscli("profile", "path").out == f"{tmp_path}/config.toml\n"
    assert smscli("profile", "path", "-o", "json").json["data"]["exists"] is False


def test_check_fetches_the_secret(smscli: Callable[..., Any], config: Path) -> None:
    """From the file, and from a command that is really run."""
    assert config.exists()
    for name in ("work", "russia"):
        ran = smscli("profile", "check", name)
        assert (ran.code, ran.out) == (0, f"{name}\tok\n"), ran.err
    assert smscli("profile", "check").out == "work\tok\n"


def test_check_tells_all_that_resolve_cannot_see(smscli: Callable[..., Any], config: Path) -> None:
    """A number nobody can have, a missing certificate file, a command that fails: together, exit 3."""
    config.write_text(
        '[profiles.w]\nprovider = "lightsms"\nlogin = "x"\napi_key_command = ["false"]\n'
        'to = ["+370612", "+37061234567"]\nca_file = "/nonexistent/ca.pem"\n'
    )
    ran = smscli("profile", "check", "w", "-o", "json")
    assert ran.code == 3
    found = ran.json["error"]["problems"]
    assert [problem.split()[0] for problem in found] == ["to:", "ca_file:", "the"], found


@pytest.mark.parametrize(
    ("account", "sender", "allowed"),
    [
        ({"provider": "lightsms", "login": "x", "api_key": SECRET}, "ab", "3 to 11 Latin letters"),
        (
            {"provider": "mesajlarim", "app_id": "1", "msisdn": "5321000000", "secret": SECRET}
            | {"base_url": "https://sms.example/x/"},
            "Shop",
            "messages come from the msisdn",
        ),
    ],
)
def test_check_add_and_doctor_refuse_a_sender_that_the_vendor_never_takes(
    smscli: Callable[..., Any], config: Path, account: dict[str, str], sender: str, allowed: str
) -> None:
    """Before the night in which the first text is wanted; `add` leaves the file as it was."""
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in (account | {"sender": sender}).items())
    config.write_text(f"[profiles.w]\n{''.join(lines)}")
    options = [f"--{name.replace('_', '-')}={value}" for name, value in account.items() if value != SECRET]
    add = ("profile", "add", "new", *options, f"--sender={sender}")
    for command, code in ((("profile", "check", "w"), 3), (("doctor", "w", "--sandbox"), 3), (add, 2)):
        ran = smscli(*command, stdin=f"{SECRET}\n".encode())
        assert (ran.code, f"'{sender}' ({allowed}" in ran.out + ran.err) == (code, True), ran.err
    assert list(tables(config)) == ["w"]


def test_check_and_show_name_a_variable_that_is_nearly_right(smscli: Callable[..., Any], config: Path) -> None:
    """Nothing else is wrong, and it is not read; beside a profile that is named no variable is."""
    config.write_text("")
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "x", "SMSCLI_API_KEY": SECRET, "SMSCLI_SENDR": "Shop"}
    for action in ("check", "show"):
        ran = smscli("profile", action, environ=environ)
        assert ran.code == 0
        assert ran.err == "smscli: SMSCLI_SENDR is set but not read: did you mean SMSCLI_SENDER?\n"
    config.write_text(FILE)
    assert smscli("profile", "check", "work", environ=environ).err == ""


def test_add_refuses_recipients_that_are_no_numbers(smscli: Callable[..., Any], config: Path) -> None:
    """As check does; the file stays as it was."""
    config.write_text(FILE)
    options = ("--provider=lightsms", "--login=x", "--to=+37061234567,my mother")
    ran = smscli("profile", "add", "new", *options, stdin=f"{SECRET}\n".encode())
    assert (ran.code, config.read_text()) == (2, FILE)
    assert "to: 'my mother' is not a phone number" in ran.err


def test_check_takes_a_number_of_the_account_as_its_sender(smscli: Callable[..., Any], config: Path) -> None:
    """Mesajlarim's texts come from the profile's own number, and it may be named."""
    config.write_text(
        '[profiles.w]\nprovider = "mesajlarim"\napp_id = "1"\nmsisdn = "5321000000"\n'
        f'base_url = "https://sms.example/x/"\nsecret = "{SECRET}"\nsender = "905321000000"\n'
    )
    assert smscli("profile", "check", "w").out == "w\tok\n"


def test_check_and_show_tell_all_problems_at_once(smscli: Callable[..., Any], config: Path) -> None:
    """On stderr, one line each."""
    config.write_text('[profiles.w]\nprovider = "mesajlarim"\nmsisdn = "0532"\n')
    for action in ("check", "show"):
        ran = smscli("profile", action, "w")
        assert ran.code == 3
        assert ran.err.count("\n  - ") == 4, ran.err


# --- adding -----------------------------------------------------------------------------------------------------------


def test_add_takes_options_and_the_secret_from_a_pipe(smscli: Callable[..., Any], tmp_path: Path) -> None:
    """The first profile becomes the default; the file is private."""
    ran = smscli(
        "profile", "add", "work", "--provider", "lightsms", "--login", "jonas", "--to", "+37061234567",
        "--to", "+37061234568", "--timeout", "12.5", "--store-text", "--clock", "local",
        stdin=f"{SECRET}\n".encode(),
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, ""), ran.err
    config = tmp_path / "config.toml"
    assert tomllib.loads(config.read_text()) == {
        "default": "work",
        "profiles": {
            "work": {
                "provider": "lightsms",
                "login": "jonas",
                "clock": "local",
                "api_key": SECRET,
                "to": ["+37061234567", "+37061234568"],
                "timeout": 12.5,
                "store_text": True,
            }
        },
    }
    assert config.stat().st_mode & 0o777 == 0o600
    assert smscli("profile", "check").code == 0


def test_add_keeps_the_file_and_its_comments(smscli: Callable[..., Any], config: Path) -> None:
    """And the default, unless another is asked for."""
    for name, more in (("one", []), ("two", ["--default"])):
        words = ["--provider", "payforsms", "--project", "p", *more]
        assert smscli("profile", "add", name, *words, stdin=b"key").code == 0
    text = config.read_text()
    assert FILE.replace('"work"', '"two"', 1) in text
    assert list(tables(config)) == ["work", "russia", "one", "two"]


def test_add_takes_a_file_or_a_command_instead_of_the_secret(smscli: Callable[..., Any], config: Path) -> None:
    """A path becomes a whole one, a command a list; stdin is left alone."""
    words = ["--provider", "lightsms", "--login", "x"]
    assert smscli("profile", "add", "a", *words, "--api-key-file", "keys/sms").code == 0
    assert smscli("profile", "add", "b", *words, "--api-key-file", "~/sms.key").code == 0
    assert smscli("profile", "add", "c", *words, "--api-key-command", "pass show 'sms key'").code == 0
    assert tables(config)["a"]["api_key_file"] == str(Path.cwd() / "keys" / "sms")
    assert tables(config)["b"]["api_key_file"] == "~/sms.key"
    assert tables(config)["c"]["api_key_command"] == ["pass", "show", "sms key"]


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (["work", "--provider", "lightsms", "--login", "x"], b"k", 2, "there is a profile work already"),
        (["a b", "--provider", "lightsms", "--login", "x"], b"k", 2, "letters, digits, - and _"),
        (["new", "--login", "x"], b"k", 2, f"give --provider: {', '.join(NAMES)}"),
        (["new", "--provider", "nobody"], b"k", 2, "there is no provider 'nobody'"),
        (["new", "--provider", "lightsms"], b"k", 2, "give --login"),
        (
            ["new", "--provider", "lightsms", "--login", "x", "--project", "p"],
            b"k",
            2,
            "LightSMS has no option --project",
        ),
        (["new", "--provider", "lightsms", "--login", "x", "--clock", "sun"], b"k", 2, "option --clock must be one of"),
        (["new", "--provider", "lightsms", "--login", "x", "--timeout", "soon"], b"k", 2, "option --timeout must be"),
        (["new", "--provider", "lightsms", "--login", "x"], b"", 2, "stdin holds nothing"),
        (
            ["new", "--provider", "lightsms", "--login", "x"],
            b"k" * 5000,
            2,
            "the api_key on stdin is longer than 4096 bytes",
        ),
        (["new", "--provider", "lightsms", "--login", "x"], b"\xff", 2, "not UTF-8"),
        (["new", "--provider", "lightsms", "--login", "x"], b"one\ntwo\n", 3, "api_key holds a line break"),
        (["new", "--provider", "lightsms", "--login", "x", "--api-key-command", "a 'b"], b"", 2, "quotes"),
        (
            ["new", "--provider", "mesajlarim", "--app-id", "1", "--msisdn", "5321000000"],
            b"k",
            2,
            "mesajlarim.turkcell",
        ),
        (["new", "--provider", "lightsms", "--login", "x", "--api-key", "k"], b"k", 2, "--api-key"),
    ],
)
def test_add_refuses_what_it_cannot_use_and_leaves_the_file_alone(
    smscli: Callable[..., Any], config: Path, words: list[str], stdin: bytes, code: int, said: str
) -> None:
    """With what to do instead; there is no option for the secret itself."""
    ran = smscli("profile", "add", *words, stdin=stdin)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert config.read_text() == FILE


def test_add_asks_a_terminal_and_does_not_show_the_secret(tmp_path: Path) -> None:
    """The real program on a real terminal: vendor, login, sender, hidden key."""
    config = tmp_path / "config.toml"
    code, screen = on_a_terminal(
        ["profile", "add", "work"],
        {"SMSCLI_CONFIG": str(config)},
        [("provider (", "lightsms"), ("login (", "jonas"), ("sender (", "Brand"), ("(not shown)", SECRET)],
    )
    assert code == 0, screen
    expected = {"provider": "lightsms", "login": "jonas", "sender": "Brand", "api_key": SECRET}
    assert tables(config)["work"] == expected
    assert "jonas" in screen, "what is no secret is echoed"
    assert SECRET not in screen
    assert "profile work is added" in screen


@pytest.mark.usefixtures("heeded_signals")
def test_ctrl_c_at_the_hidden_question_changes_nothing(tmp_path: Path) -> None:
    """Exit 130, no file."""
    config = tmp_path / "config.toml"
    words = ["profile", "add", "work", "--provider", "lightsms", "--login", "x"]
    code, _ = on_a_terminal(words, {"SMSCLI_CONFIG": str(config)}, [("(not shown)", "\x03")])
    assert code == 130
    assert not config.exists()


def test_a_typo_is_explained_and_asked_again(tmp_path: Path) -> None:
    """The vendor, an address, a field; what is kept is complete and canonical. A space stands before each answer."""
    config = tmp_path / "config.toml"
    code, screen = on_a_terminal(
        ["profile", "add", "work"],
        {"SMSCLI_CONFIG": str(config)},
        [
            ("provider (", "mesajlarm"), ("provider (", "Mesajlarim"),
            ("base_url (", "http://sms.example.com"), ("base_url (", "sms.example.com"),
            ("app_id (", ""), ("app_id (", " 1 "), ("msisdn (", "0532"), ("msisdn (", "5321000000"),
            ("(not shown)", "\u00a0"), ("(not shown)", SECRET),
        ],
    )  # fmt: skip
    assert code == 0, screen
    for said in (
        "): mesajlarm", "there is no provider 'mesajlarm'", "base_url must begin with https://", "app_id is empty",
        "): 5321000000", "msisdn must look like", "secret is empty", "base_url is https://sms.example.com/omrestapi/",
    ):  # fmt: skip
        assert said in screen
    assert tables(config)["work"] == {
        "provider": "mesajlarim", "base_url": "https://sms.example.com/omrestapi/", "app_id": "1",
        "msisdn": "5321000000", "secret": SECRET,
    }  # fmt: skip


def test_a_sender_that_cannot_be_one_is_asked_again_and_may_be_none(tmp_path: Path) -> None:
    """Enter alone means none."""
    config = tmp_path / "config.toml"
    words = ["profile", "add", "work", "--provider", "LightSMS"]
    dialogue = [("login (", "jonas"), ("sender (", "x" * 100), ("sender (", ""), ("(not shown)", SECRET)]
    code, screen = on_a_terminal(words, {"SMSCLI_CONFIG": str(config)}, dialogue)
    assert code == 0, screen
    assert "sender must be a sender ID" in screen
    assert tables(config)["work"] == {"provider": "lightsms", "login": "jonas", "api_key": SECRET}


def test_whoever_errs_three_times_is_not_asked_again(tmp_path: Path) -> None:
    """Exit 2, with the names there are."""
    config = tmp_path / "config.toml"
    dialogue = [("provider (", "nobody")] * 3
    code, screen = on_a_terminal(["profile", "add", "work"], {"SMSCLI_CONFIG": str(config)}, dialogue)
    assert (code, config.exists()) == (2, False)
    assert "hint: providers: lightsms" in screen


def test_what_was_typed_before_the_hidden_question_is_not_taken_as_the_key(tmp_path: Path) -> None:
    """Typed ahead, it was seen by whoever looks at the screen."""
    config = tmp_path / "config.toml"
    ahead = "lightsms\njonas\nBrand\ntyped ahead"
    dialogue = [("provider (", ahead), ("(not shown)", SECRET)]
    code, screen = on_a_terminal(["profile", "add", "work"], {"SMSCLI_CONFIG": str(config)}, dialogue)
    assert code == 0, screen
    assert tables(config)["work"]["api_key"] == SECRET
    assert SECRET not in screen


# --- many at once -----------------------------------------------------------------------------------------------------


def start(config: Path, *words: str, program: Sequence[str] = (BINARY,)) -> subprocess.Popen[str]:
    """Start ``smscli profile`` with a key on stdin."""
    return subprocess.Popen(
        [*program, "profile", *words], env={**os.environ, "SMSCLI_CONFIG": str(config)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_twenty_profiles_added_at_once_are_all_in_the_file(tmp_path: Path) -> None:
    """By real processes, half of them through a link; one of them, and only one, becomes the default."""
    config, link = tmp_path / "real" / "config.toml", tmp_path / "config.toml"
    config.parent.mkdir(0o700)
    link.symlink_to(config)
    names = [f"p{number}" for number in range(20)]
    words = ("--provider", "lightsms", "--login", "x")
    running = [start((config, link)[number % 2], "add", name, *words) for number, name in enumerate(names)]
    said = [process.communicate(SECRET)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 20, said
    assert set(tables(config)) == set(names)
    assert link.is_symlink()
    assert sum(line[2] == "default" for line in _list(config)) == 1


def test_changes_of_every_kind_at_once_are_all_kept(config: Path) -> None:
    """Adding, removing and choosing the default do not undo one another."""
    for number in range(6):
        start(config, "add", f"old{number}", "--provider", "lightsms", "--login", "x").communicate("k")
    running = [start(config, "remove", f"old{number}") for number in range(6)]
    running += [start(config, "add", f"new{number}", "--provider", "lightsms", "--login", "x") for number in range(6)]
    running.append(start(config, "use", "russia"))
    said = [process.communicate("k")[1] for process in running]
    assert [process.returncode for process in running] == [0] * 13, said
    assert set(tables(config)) == {"work", "russia", *(f"new{number}" for number in range(6))}
    assert [line[0] for line in _list(config) if line[2] == "default"] == ["russia"]


def test_one_name_is_added_once(config: Path) -> None:
    """Whoever comes second is told so, though the name was free when he began."""
    words = ("add", "new", "--provider", "lightsms", "--login")
    running = [start(config, *words, f"login{number}") for number in range(6)]
    said = [process.communicate("k")[1] for process in running]
    assert sorted(process.returncode for process in running) == [0, 2, 2, 2, 2, 2]
    assert sum("there is a profile new already" in words for words in said) == 5


KILLED = """
import os, signal, sys
def audit(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("config.toml"): os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
from smscli.cli import main
main()
"""


@pytest.mark.parametrize("then", [("list",), ("add", "two", "--provider", "lightsms", "--login", "x")])
def test_a_process_killed_before_the_rename_leaves_no_key_behind(config: Path, then: tuple[str, ...]) -> None:
    """The file is as it was; the next run removes what was begun, and is not locked out."""
    words = ("add", "one", "--provider", "lightsms", "--login", "x")
    killed = start(config, *words, program=(sys.executable, "-c", KILLED))
    killed.communicate("the unfinished key")
    assert killed.returncode == -signal.SIGKILL
    assert config.read_text() == FILE
    assert _files_holding("the unfinished key", config.parent)
    following = start(config, *then)
    assert (following.communicate("k")[1], following.returncode)[1] == 0
    assert not _files_holding("the unfinished key", config.parent)


def _files_holding(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if text in path.read_text()]


def _list(config: Path) -> list[list[str]]:
    out, _ = start(config, "list").communicate()
    return [line.split("\t") for line in out.splitlines()]


# --- changing ---------------------------------------------------------------------------------------------------------


def test_use_changes_the_default(smscli: Callable[..., Any], config: Path) -> None:
    """One word of the file."""
    ran = smscli("profile", "use", "russia")
    assert (ran.code, ran.out) == (0, ""), ran.err
    assert config.read_text() == FILE.replace('"work"', '"russia"', 1)


def test_an_unknown_profile_is_exit_3_with_the_nearest_name(smscli: Callable[..., Any], config: Path) -> None:
    """For every command that takes a name."""
    for action in ("use", "remove", "show", "check"):
        ran = smscli("profile", action, "wrok")
        assert ran.code == 3
        assert "did you mean work?" in ran.err
    assert config.read_text() == FILE


def test_what_is_refused_leaves_no_trace(smscli: Callable[..., Any], tmp_path: Path) -> None:
    """Neither a directory nor a lock where there was no file."""
    environ = {"SMSCLI_CONFIG": str(tmp_path / "new" / "config.toml")}
    for words in (["use", "work"], ["remove", "work"], ["add", "a b"]):
        assert smscli("profile", *words, environ=environ, stdin=b"k").code in (2, 3)
    assert not (tmp_path / "new").exists()


def test_remove_takes_a_profile_out(smscli: Callable[..., Any], config: Path) -> None:
    """Any but the default, without a question."""
    assert smscli("profile", "remove", "russia", stdin=b"").code == 0
    assert list(tables(config)) == ["work"]


def test_removing_the_default_profile_needs_a_yes(smscli: Callable[..., Any], config: Path) -> None:
    """Without a terminal only --yes says it."""
    ran = smscli("profile", "remove", "work", stdin=b"")
    assert ran.code == 9
    assert "--yes" in ran.err
    assert config.read_text() == FILE
    assert smscli("profile", "remove", "work", "--yes", stdin=b"").code == 0
    assert "default" not in config.read_text()


def test_a_profile_that_became_the_default_meanwhile_is_not_removed(config: Path) -> None:
    """What was not asked for may not happen: the file is looked at again when nobody else can change it."""
    with private.replacing(config, "the file") as replace:
        removing = start(config, "remove", "russia")
        deadline = time.monotonic() + 20
        while not _waits_for_the_lock(removing.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        replace(FILE.replace('"work"', '"russia"', 1).encode())
    _, said = removing.communicate()
    assert (removing.returncode, list(tables(config))) == (9, ["work", "russia"]), said
    assert "russia is the default profile" in said


def _waits_for_the_lock(process: int) -> bool:
    held = Path(f"/proc/{process}/fd")
    with suppress(OSError):  # a descriptor that was closed meanwhile
        return any(str(descriptor.readlink()).endswith("config.toml.lock") for descriptor in held.iterdir())
    return False


def test_removing_the_default_profile_asks_a_terminal(tmp_path: Path, config: Path) -> None:
    """No is the default answer."""
    environ = {"SMSCLI_CONFIG": str(tmp_path / "config.toml")}
    code, _ = on_a_terminal(["profile", "remove", "work"], environ, [("Remove it?", "n")])
    assert (code, config.read_text()) == (9, FILE)
    code, screen = on_a_terminal(["profile", "remove", "work"], environ, [("Remove it?", "huh"), ("Remove it?", "y")])
    assert (code, list(tables(config))) == (0, ["russia"]), screen


def test_add_keeps_the_comments_of_a_file_in_inline_tables(smscli: Callable[..., Any], config: Path) -> None:
    """No header can add to one; the file stays its owner's all the same."""
    config.write_text('# stays\nprofiles = { a = { provider = "lightsms" } } # this too\n')
    assert smscli("profile", "add", "b", "--provider", "lightsms", "--login", "x", stdin=b"k").code == 0
    assert list(tables(config)) == ["a", "b"]
    assert config.read_text().startswith("# stays\nprofiles = { a =")
    assert config.read_text().endswith(" # this too\n")


def test_every_action_refuses_a_file_that_others_can_read(smscli: Callable[..., Any], config: Path) -> None:
    """Exit 3 with the command that mends it, in every format."""
    config.chmod(0o644)
    for words in (["list"], ["show"], ["check"], ["use", "work"], ["remove", "russia"], ["add", "new"]):
        ran = smscli("profile", *words, "-o", "json", stdin=b"k")
        assert ran.code == 3
        assert ran.json["error"]["hint"] == f"run: chmod 600 {config}"
    assert json.dumps(FILE)[1:40] not in ran.out
