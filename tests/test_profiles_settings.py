"""What a profile may hold, and every sentence about what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from smscli import profiles
from smscli.errors import ConfigError, InputError
from smscli.profiles import Document
from tests.accounts import FULL, LIGHTSMS, SECRET, document, everything_said, problems


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
