"""Vendors that other packages bring, and packages that bring nothing of use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from smscli import capture, plugins, profiles, providers, sandbox
from smscli.cli.adding import add
from smscli.errors import ConfigError, InputError, UnsupportedError
from smscli.providers._guest import RESERVED
from tests.bench import ask
from tests.conftest import Ran
from tests.documents import document
from tests.packages import EMULATORS, PROVIDERS, lay, on_path

Run = Callable[..., Ran]
BINARY = Path(sys.executable).with_name("smscli")

VENDOR = """
from smscli.providers.mainsms import PROVIDER as BASE

PROVIDER = BASE._replace(name="acme", title="Acme Texts", base_url="https://acme.invalid/texts/", usual_path="/texts/")
"""
EMULATOR = """
import json
from decimal import Decimal

from smscli.model import Account, Secret
from smscli.sandbox import Answer, Demo, Emulator, verify


def send(call, desk):
    vendor, account = call.account("project", call.get("project"))
    check = verify(vendor, call.get("sign"), call, account)
    numbers = call.get("recipients").split(",")
    body = {"status": "success", "recipients": numbers, "messages_id": [desk.serial() for _ in numbers]}
    return Answer(json.dumps(body), "application/json", check)


def demo(name):
    account = Account("http://sandbox.invalid/texts/", Secret("demo-key"), {"project": name, "auth": "sign"})
    return Demo(account, ("+79121231234", "+79121231235", "+79121231236"), sender="Demo", region="RU")


EMULATOR = Emulator({"acme": demo("acme")}, {"/texts/message/send": send}, Decimal(5))
"""
ACME = {PROVIDERS: {"acme": "acme_vendor:PROVIDER"}, EMULATORS: {"acme": "acme_desk:EMULATOR"}}
SEND = ("send", "hi", "--to", "+79121231234", "--sandbox")
BUILT_IN = tuple(sorted(path.stem for path in Path(providers.__path__[0]).glob("[a-z]*.py")))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of packages that this process looks into."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_path(folder):
        yield folder


@pytest.fixture
def acme(site: Path) -> Path:
    """The folder, with a package in it that brings a vendor and its emulator."""
    lay(site, "acme-texts", ACME, {"acme_vendor": VENDOR, "acme_desk": EMULATOR})
    return site


def broken(site: Path, module: str, entry: str = "acme_vendor:PROVIDER", name: str = "acme") -> None:
    """Put a package with this module, which should be a vendor's, into the folder."""
    lay(site, "acme-texts", {PROVIDERS: {name: entry}}, {"acme_vendor": module})


def changed(change: str) -> str:
    """Return the vendor's module with one thing of it changed."""
    return f"{VENDOR}\nPROVIDER = PROVIDER._replace({change})\n"


def complaint(name: str = "acme") -> str:
    """Return what the error says about the vendor when it is asked for by name."""
    with pytest.raises(ConfigError) as caught:
        providers.get(name)
    return caught.value.message


# --- a package that works ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("acme")
def test_a_vendor_of_another_package_is_found_by_name_and_title_in_any_case() -> None:
    """Like one of ours."""
    acme = providers.get("acme")
    assert acme.name == "acme"
    assert all(providers.find(written) is acme for written in ("ACME", "Acme Texts", "acme texts"))
    assert providers.names() == ("acme", *BUILT_IN)
    assert providers.find("nobody") is None


@pytest.mark.usefixtures("acme")
def test_its_name_comes_in_lists_and_help(smscli: Run) -> None:
    """And its profile can be made and looked at."""
    with pytest.raises(InputError) as caught:
        providers.get("nobody")
    assert caught.value.hint == "providers: " + ", ".join(("acme", *BUILT_IN))
    assert f"acme, {BUILT_IN[0]}" in smscli("send", "--help").out
    assert smscli("profile", "add", "a", "--provider", "acme", "--project", "x", stdin=b"key").code == 0
    assert smscli("profile", "list").lines == [["a", "acme", "default"]]


@pytest.mark.usefixtures("acme")
def test_the_sandbox_takes_its_messages(smscli: Run) -> None:
    """The emulator of the package answers, signature checked."""
    ran = smscli(*SEND, "--provider", "acme", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json["data"]["recipients"][0]["outcome"] == "SENT"


@pytest.mark.usefixtures("acme")
def test_the_sandbox_serves_it_beside_ours() -> None:
    """The one list: demo accounts, addresses, and the desk behind them."""
    assert sandbox.demo_accounts().keys() == {"acme", *BUILT_IN}
    assert sandbox.base_urls("http://localhost/")["acme"] == "http://localhost/texts/"
    answer = ask(sandbox.create_app(), "/texts/message/send?project=acme&recipients=79121231234&sign=0")
    assert b"success" in answer.data
    assert answer.headers["x-smscli-expected"]


def test_the_program_finds_a_package_on_its_path(tmp_path: Path) -> None:
    """The real one: completion, and a text."""
    lay(tmp_path, "acme-texts", ACME, {"acme_vendor": VENDOR, "acme_desk": EMULATOR})
    completing = {"_SMSCLI_COMPLETE": "complete_bash", "COMP_WORDS": "smscli send --provider a", "COMP_CWORD": "3"}
    assert program(tmp_path, environ=completing) == (0, "acme\n", "")
    code, out, _ = program(tmp_path, *SEND, "--provider", "acme", "-o", "json")
    assert (code, document(out)["status"]) == (0, "ok")


def program(site: Path, *argv: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the real binary where a folder of packages is on the path."""
    world = {**os.environ, "PYTHONPATH": str(site), "SMSCLI_STATE_DIR": str(site), "SMSCLI_CONFIG": str(site / "none")}
    done = subprocess.run(
        [BINARY, *argv], env={**world, **(environ or {})}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_name_of_ours_is_found_without_a_look_at_packages(tmp_path: Path) -> None:
    """Signing and sending start as fast as without; so do the commands that only read profiles."""
    script = f"""
import sys
from smscli import plugins
from smscli.cli import run
from smscli.runtime import Runtime
world = {{"SMSCLI_API_KEY": "key", "SMSCLI_CONFIG": "/nonexistent", "SMSCLI_STATE_DIR": {str(tmp_path)!r}}}
for argv in (
    ["sign", "--provider", "LightSMS", "login=a", "timestamp=1"], ["profile", "list"], {[*SEND]!r},
):
    assert run(argv, Runtime(world, None, None, None)) == 0, argv
sys.exit(plugins._entry_points.cache_info().misses)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_package_in_an_egg_is_asked_for(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An egg, setuptools' older form, stands on the path itself, with its description inside."""
    egg = site / "sms_postcard-1.0-py3.11.egg"
    description = egg / "EGG-INFO"
    description.mkdir(parents=True)
    (description / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: sms-postcard\nVersion: 1.0\n")
    (description / "entry_points.txt").write_text("[smscli.providers]\nstranger = nowhere:PROVIDER\n")
    monkeypatch.syspath_prepend(str(egg))
    assert "stranger" in plugins._entry_points().get("smscli.providers", {})


# --- who wins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_names_win(site: Path, name: str) -> None:
    """A package cannot stand in for a vendor of ours, and hears why."""
    broken(site, changed(f"name={name!r}"), name=name)
    assert providers.get(name).title != "Acme Texts"
    assert providers.names() == BUILT_IN
    assert plugins.warnings() == (
        f"the vendor {name} of the package acme-texts 1.0 cannot be used: smscli has a vendor of that name",
    )


def test_a_title_of_ours_wins(site: Path) -> None:
    """A vendor of that name could never be asked for."""
    titled = next(one for one in map(providers.get, BUILT_IN) if re.fullmatch("[a-z0-9]+", one.title.lower()))
    broken(site, changed(f"title={titled.title!r}"))
    assert providers.find(titled.title) is titled


def test_two_packages_with_one_name_are_both_named(acme: Path) -> None:
    """Nobody knows which one is meant."""
    lay(acme, "Zebra.acme", {PROVIDERS: {"acme": "zebra:PROVIDER"}})
    with pytest.raises(ConfigError) as caught:
        providers.get("acme")
    assert "acme-texts 1.0" in caught.value.message
    assert "Zebra.acme 1.0" in caught.value.message
    assert (caught.value.hint or "").startswith("keep one of them: pip uninstall ")
    assert providers.names() == BUILT_IN


def test_a_package_that_lies_twice_on_the_path_is_one(acme: Path, tmp_path: Path) -> None:
    """The first one is imported, as Python does it."""
    other = tmp_path / "other"
    other.mkdir()
    lay(other, "acme.texts", {PROVIDERS: {"acme": "somewhere_else:PROVIDER"}})
    with on_path(acme, other):
        assert providers.get("acme").title == "Acme Texts"


def test_a_name_that_two_vendors_share_tells_nothing_of_a_capture(site: Path) -> None:
    """It only adds to what does: another name, the host, the path. And a path of / is none."""
    shared = VENDOR.replace("mainsms", "lightsms") + (
        "PROVIDER = PROVIDER._replace(rule=BASE.rule._replace(signature='sign'), base_url='https://acme.invalid/')\n"
    )
    lay(site, "acme-texts", {PROVIDERS: {"acme": "acme_vendor:PROVIDER"}}, {"acme_vendor": shared})
    with on_path(site):
        assert capture.read("sign=0123&text=x").providers == ()
        assert capture.read("timestamp=1732809600&text=x").providers == ()
        assert capture.read("https://host.invalid/?sign=0123").providers == ()
        assert capture.read("timestamp=1732809600&sign=0123").providers == ("acme",)
        assert capture.read("https://acme.invalid/?sign=0123").providers == ("acme",)
        assert capture.read("project=mainsms&sign=0123").providers == ("mainsms", "payforsms")
        assert capture.read("timestamp=1732809600&signature=0123").providers == ("lightsms",)


# --- a package that does not ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("import a_library_that_is_not_there", "ModuleNotFoundError: No module named 'a_library_that_is_not_there'"),
        ("x = 1\nPROVIDER =", "invalid syntax (acme_vendor.py, line 2)"),
        ("PROVIDERS = 1", "acme_vendor:PROVIDER is no Provider"),
        ("PROVIDER = 'acme'", "acme_vendor:PROVIDER is no Provider"),
        (
            "from smscli.providers import Provider\nPROVIDER = Provider(name='acme')",
            "TypeError: Provider lacks title, ",
        ),
        ("int('my secret')", "ValueError (acme_vendor.py, line 1)"),
        ("raise SystemExit(3)", "SystemExit (acme_vendor.py, line 1)"),
        ("from smscli.errors import InputError\nraise InputError('no clock')", "no clock"),
        (changed("name='acmee'"), "its provider is named acmee"),
        (changed("title=7"), "its title is of another type"),
        (changed("rule=None"), "its rule is of another type"),
        (changed("price=7"), "its price is of another type"),
        (changed("fields=('login',)"), "each of its fields must be a Field with a help text"),
        (changed("fields=BASE.fields[:1]"), "exactly one of its fields must be secret and not sent"),
        (changed("fields=(*BASE.fields, BASE.fields[1]._replace(name='pin'))"), "exactly one of its fields must be"),
        (
            changed("fields=(BASE.fields[0]._replace(secret=True),)"),
            "its field project is secret, and other vendors' is not",
        ),
        (
            changed("fields=(BASE.fields[1]._replace(secret=False),)"),
            "its field api_key is public, and other vendors' is not",
        ),
        (
            "from smscli.providers import Stamp\n" + changed("stamp=Stamp.VENDOR_CLOCK"),
            "TypeError: Acme Texts: the vendor's clock stamps its requests",
        ),
        (changed("fields=(BASE.fields[1]._replace(name='API key'),)"), "no field may be called API key"),
        (changed("fields=(BASE.fields[0]._replace(name='from'),)"), "no field may be called from"),
        (changed("fields=(BASE.fields[0]._replace(name='sender'),)"), "no field may be called sender"),
        (changed("fields=(BASE.fields[1]._replace(name='ca'),)"), "no field may be called ca"),
    ],
)
def test_a_broken_package_is_named_when_its_vendor_is_asked_for(site: Path, module: str, why: str) -> None:
    """What is broken, in which package, and why; no message that could hold a value."""
    broken(site, module)
    assert complaint("Acme").startswith(f"the vendor acme of the package acme-texts 1.0 cannot be used: {why}")
    assert "my secret" not in complaint()
    assert providers.find("acme") is None


@pytest.mark.parametrize("value", ["acme_vendor", ":PROVIDER", ".acme_vendor:PROVIDER", "acme vendor:PROVIDER"])
def test_an_entry_point_that_leads_nowhere_is_named(site: Path, value: str) -> None:
    """However it is misspelt."""
    broken(site, VENDOR, value)
    assert complaint().startswith("the vendor acme of the package acme-texts 1.0 cannot be used: ")


def test_a_name_that_is_none_is_refused(site: Path) -> None:
    """It could not be typed, or would look like another."""
    broken(site, VENDOR, name="Acme!")
    assert complaint("acme!").endswith("its name must be small letters, digits, - and _")


@pytest.mark.parametrize("folder", ["broken-1.0.dist-info", "broken-1.0.egg-info"])
def test_a_package_that_cannot_be_read_hides_no_other(acme: Path, folder: str) -> None:
    """Whose it is cannot be told."""
    (acme / folder).mkdir()
    (acme / folder / "entry_points.txt").write_bytes(b"[smscli.providers]\nx = \xff:PROVIDER\n")
    lay(acme, "other", {"console_scripts": {"other": "other:main"}})
    (acme / "nameless-1.0.dist-info").mkdir()
    (acme / "nameless-1.0.dist-info" / "entry_points.txt").write_text("[smscli.providers]\nnameless = x:PROVIDER\n")
    assert "acme" in providers.names()


def test_a_broken_package_hurts_no_list(site: Path, smscli: Run) -> None:
    """What is left out is said once, on stderr, and not to a reader who wants no notes."""
    broken(site, "import a_library_that_is_not_there")
    for argv in (["help", "send"], ["send", "--provider", "nobody", "--to", "+79121231234", "hi"]):
        with on_path(site):
            ran = smscli(*argv)
        assert ", ".join(BUILT_IN) in " ".join((ran.out + ran.err).split())
        assert ran.err.count("smscli: warning: the vendor acme of the package acme-texts 1.0 cannot be used: ") == 1
    with on_path(site):
        assert "warning" not in smscli("send", "-q", "--provider", "nobody", "--to", "+79121231234", "hi").err


@pytest.mark.usefixtures("site")
def test_an_error_is_not_a_warning_as_well(site: Path, smscli: Run) -> None:
    """By name: exit 3, the package and what to do; on stdout one document."""
    broken(site, "print('hello')\nimport a_library_that_is_not_there")
    ran = smscli(
        "send", "hi", "--to", "+79121231234", "--provider", "acme", "-o", "json", environ={"SMSCLI_TIMOUT": "1"}
    )
    assert (ran.code, ran.json["error"]["hint"]) == (3, "update that package, or remove it: pip uninstall acme-texts")
    assert ran.err.count("acme-texts 1.0") == 1


def test_a_profile_of_a_broken_vendor_stops_no_other(site: Path, smscli: Run, tmp_path: Path) -> None:
    """It is listed, another one sends, and it alone is an error."""
    broken(site, "import a_library_that_is_not_there")
    (tmp_path / "config.toml").touch(0o600)
    (tmp_path / "config.toml").write_text(
        'default = "a"\n[profiles.a]\nprovider = "acme"\n[profiles.b]\nprovider = "lightsms"\nsandbox = true\n'
        'login = "demo"\napi_key = "demo-key-lightsms"\nsender = "Demo"\n'
    )
    assert smscli("profile", "list").lines == [["a", "?", "default"], ["b", "lightsms", ""]]
    assert smscli("send", "hi", "--to", "+37061234567", "-p", "b").code == 0
    failed = smscli("send", "hi", "--to", "+37061234567")
    assert failed.code == 3
    assert "the vendor acme of the package acme-texts 1.0 cannot be used" in failed.err


def test_the_program_goes_on_without_a_broken_package(tmp_path: Path) -> None:
    """Completion says nothing of it, and a module that prints spoils no output."""
    lay(tmp_path, "acme-texts", ACME, {"acme_vendor": "print('hello')\n1 / 0"})
    completing = {"_SMSCLI_COMPLETE": "complete_bash", "COMP_WORDS": "smscli send --provider ", "COMP_CWORD": "3"}
    assert program(tmp_path, environ=completing) == (0, "\n".join(BUILT_IN) + "\n", "")
    code, out, err = program(tmp_path, "sign", "--provider", "acme", "login=a")
    assert (code, out) == (3, "")
    assert "ZeroDivisionError (acme_vendor.py, line 2)" in err
    assert "Traceback" not in err
    code, out, err = program(tmp_path, *SEND, "-o", "json")
    assert (code, document(out)["status"], "acme" in err) == (0, "ok", False)


def test_no_field_may_be_called_like_a_setting() -> None:
    """The list of those names is complete: settings, and what ``profile add`` has of its own."""
    own = {name for name, one in add.__annotations__.items() if name not in ("given", "return") and one}
    assert own | {one.name for one in profiles.SETTINGS} <= RESERVED


# --- emulators --------------------------------------------------------------------------------------------------------


def test_a_vendor_without_an_emulator_says_so(site: Path, smscli: Run) -> None:
    """For ``--sandbox``, for a profile that wants one, and for the server."""
    broken(site, VENDOR)
    with pytest.raises(UnsupportedError, match="Acme Texts has no emulator"):
        sandbox.demo_profile("acme")
    ran = smscli(*SEND, "--provider", "acme")
    assert (ran.code, ran.err) == (9, "smscli: Acme Texts has no emulator\n")
    account = {"SMSCLI_PROVIDER": "acme", "SMSCLI_SANDBOX": "true", "SMSCLI_PROJECT": "x", "SMSCLI_API_KEY": "x"}
    assert smscli("send", "hi", "--to", "+79121231234", environ=account).code == 9
    assert smscli("profile", "add", "a", "--provider", "acme", "--project", "x", stdin=b"key").code == 0
    assert smscli("sandbox", "--port", "0", "-p", "a").code == 9
    assert sandbox.demo_accounts().keys() == set(BUILT_IN)


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("1 / 0", "ZeroDivisionError (acme_desk.py, line 1)"),
        ("EMULATOR = 1", "acme_desk:EMULATOR is no Emulator"),
        (EMULATOR.replace('{"acme"', '{"other"'), "it has no demo account of that vendor"),
        (EMULATOR.replace('{"acme"', '{"acme": None, "lightsms"'), "smscli has an emulator of lightsms"),
        (EMULATOR.replace('{"acme"', '{"acme": None, "other"'), "there is no provider 'other'"),
        (EMULATOR.replace("/texts/message/send", "texts"), "it cannot answer at texts"),
        (EMULATOR.replace("/texts/message/send", "/<x:y>"), "it cannot answer at /<x:y>"),
        (EMULATOR.replace("/texts/message/send", "/api/messages"), "it cannot answer at /api/messages"),
        (EMULATOR.replace("/texts/message", "/api/mainsms/message"), "another emulator answers at /api/mainsms"),
        *(
            (
                f"{EMULATOR}\nimport dataclasses\nEMULATOR = dataclasses.replace(EMULATOR, roots={{{root!r}: print}})",
                why,
            )
            for root, why in (
                ("/", "it cannot answer at /"),
                ("/api/", "it cannot answer at /api/"),
                ("/texts", "it cannot answer at /texts"),
                ("texts/", "it cannot answer at texts/"),
            )
        ),
    ],
)
def test_a_broken_emulator_is_left_out(site: Path, module: str, why: str) -> None:
    """The sandbox serves all others."""
    lay(site, "acme-texts", ACME, {"acme_vendor": VENDOR, "acme_desk": module})
    assert sandbox.demo_accounts().keys() == set(BUILT_IN)
    (warning,) = plugins.warnings()
    assert warning.startswith(f"the emulator acme of the package acme-texts 1.0 cannot be used: {why}")
    if "another" not in why:
        with pytest.raises(ConfigError):
            sandbox.demo("acme")


def test_a_platform_of_two_vendors_may_be_declared_once(site: Path) -> None:
    """Or twice: it is served once."""
    two = f"{VENDOR}\nOTHER = PROVIDER._replace(name='zebra', title='Zebra')\n"
    desk = EMULATOR.replace('{"acme"', '{"zebra": demo("zebra"), "acme"')
    vendors = {"acme": "acme_vendor:PROVIDER", "zebra": "acme_vendor:OTHER"}
    lay(site, "acme-texts", {**ACME, PROVIDERS: vendors}, {"acme_vendor": two, "acme_desk": desk})
    assert sandbox.demo_accounts().keys() - {*BUILT_IN} == {"acme", "zebra"}
    assert sandbox.demo_profile("zebra").fields["project"] == "zebra"
    lay(site, "zebra", {EMULATORS: {"zebra": "acme_desk:EMULATOR"}})
    with on_path(site):
        assert len(sandbox.emulators()) == len(BUILT_IN)
    assert plugins.warnings() == ()
