"""Which value of a profile wins, where it comes from, and what is a sandbox."""

from __future__ import annotations

from itertools import product

import pytest

from smscli import profiles
from smscli.errors import ConfigError
from smscli.model import Secret, SecretValue
from smscli.profiles import Document, Need
from tests.accounts import LIGHTSMS, document, problems

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
    assert (profile.secret, profile.sources["api_key"]) == (
        SecretValue(Secret("env-key")),
        "environment SMSCLI_API_KEY",
    )


def test_a_secret_given_on_the_command_line_wins() -> None:
    """``sign --key-file``: whatever profile and environment say."""
    key = SecretValue(Secret("given"))
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
