"""The signature rule as data: what takes part, in which order, and what may be shown of it."""

from __future__ import annotations

import hashlib
import hmac
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli import providers
from smscli.errors import InputError
from smscli.model import Pairs, Secret
from smscli.signing import Escape, KeyUse, Rule, arrange, sign

SORTED = Rule("sig", {"sig": "it is the result"}, ("md5",))
FIXED = Rule("token", {"token": "it is the result"}, ("sha1",), order=(("a", "b"), ("c",)), key=KeyUse.HMAC)

names = st.text("abAB_[]z", min_size=1, max_size=4)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
pairs = st.lists(st.tuples(names, texts), max_size=6).map(tuple)
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(pairs, secrets)
def test_a_sorted_rule_hashes_the_values_in_byte_order_of_their_names(params: Pairs, secret: str) -> None:
    """The MD5 is that of the values, sorted by name, with the key behind."""
    glued = "".join(value for _, value in sorted(params, key=lambda pair: pair[0].encode())) + secret
    assert (
        sign(SORTED, params, Secret(secret)).signature == hashlib.md5(glued.encode(), usedforsecurity=False).hexdigest()
    )


@given(pairs, secrets, st.randoms(use_true_random=False))
def test_the_order_of_distinct_parameters_does_not_matter(params: Pairs, secret: str, random: Random) -> None:
    """A rule that sorts gives one signature for every order of sending."""
    distinct = list(dict(params).items())
    shuffled = distinct.copy()
    random.shuffle(shuffled)
    assert sign(SORTED, tuple(distinct), Secret(secret)).signature == (
        sign(SORTED, tuple(shuffled), Secret(secret)).signature
    )


def test_a_fixed_order_holds_alternative_names_in_one_place() -> None:
    """Names of one group stand together in sending order, a name of no group does not take part."""
    params = (("c", "3"), ("x", "9"), ("b", "1"), ("a", "2"), ("token", "t"))
    signed, left_out = arrange(FIXED, params)
    assert signed == (("b", "1"), ("a", "2"), ("c", "3"))
    assert [(gone.name, gone.why) for gone in left_out] == [
        ("x", "not in the vendor's fixed order"),
        ("token", "it is the result"),
    ]
    expected = hmac.new(b"key", b"123", "sha1").hexdigest()
    assert sign(FIXED, params, Secret("key")).signature == expected


def test_repeated_names_keep_their_order() -> None:
    """Two values of one name are signed as they are sent."""
    assert arrange(SORTED, (("b", "2"), ("a", "x"), ("b", "1")))[0] == (("a", "x"), ("b", "2"), ("b", "1"))


def test_an_empty_value_still_takes_its_place() -> None:
    """With a separator an empty value leaves two separators side by side."""
    rule = Rule("sig", {}, ("md5",), separator=";")
    assert sign(rule, (("a", "1"), ("b", ""), ("c", "3")), Secret("k")).steps[1].value == "1;;3;k"


def test_a_request_without_parameters_is_signed_by_the_key_alone() -> None:
    """Nothing stands before the key, not even a separator."""
    rule = Rule("sig", {}, ("md5",), separator=";")
    assert sign(rule, (), Secret("k")).signature == hashlib.md5(b"k", usedforsecurity=False).hexdigest()


@given(pairs, st.text("XYZ", min_size=3, max_size=9))
def test_no_shown_stage_holds_the_secret(params: Pairs, secret: str) -> None:
    """The secret is masked wherever it stands, also when it was signed as a value by mistake."""
    trace = sign(SORTED, (*params, ("apikey", secret)), Secret(secret))
    assert not any(secret in step.masked for step in trace.steps)
    assert secret not in repr(trace.steps)


@pytest.mark.parametrize(
    ("params", "secret"), [((("a", "x\udcff"),), "k"), ((("a\udcff", "x"),), "k"), ((), "k\udcff")]
)
def test_what_is_not_utf8_is_bad_input(params: Pairs, secret: str) -> None:
    """Bytes of another encoding in a value, a name or the key; the error does not carry them along."""
    with pytest.raises(InputError, match="not valid UTF-8") as caught:
        sign(SORTED, params, Secret(secret))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_mask_does_not_tell_how_long_the_secret_is() -> None:
    """Two secrets of different length look the same."""
    short, long = (sign(SORTED, (("a", "1"),), Secret(secret)).steps[1].masked for secret in ("k", "k" * 40))
    assert short == long == "1***"


NAMED = Rule(
    "sig", {"sig": "it is the result"}, ("md5",), separator="&", leading=True, glue="=", escape=Escape.PERCENT,
    key_separator="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (NAMED, "&a=1%202%26%2F&b=~key"),
        (NAMED._replace(escape=Escape.FORM), "&a=1+2%26%2F&b=~key"),
        (NAMED._replace(escape=Escape.NONE, leading=False), "a=1 2&/&b=~key"),
        (NAMED._replace(key_separator=None), "&a=1%202%26%2F&b=~&key"),
        (NAMED._replace(key=KeyUse.PREFIX), "key&a=1%202%26%2F&b=~"),
        (NAMED._replace(key=KeyUse.PREFIX, key_separator=":", glue=None), "key:&1%202%26%2F&~"),
    ],
)
def test_the_rule_describes_the_whole_string(rule: Rule, text: str) -> None:
    """Names, escapes, what stands in front, and where the key goes; each text was written by hand."""
    trace = sign(rule, (("b", "~"), ("a", "1 2&/")), Secret("key"))
    assert trace.steps[1].value == text
    assert trace.signature == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert "key" not in trace.steps[1].masked


@pytest.mark.parametrize("key", [KeyUse.SUFFIX, KeyUse.PREFIX])
def test_without_a_parameter_nothing_stands_beside_the_key(key: KeyUse) -> None:
    """Neither what leads nor a separator."""
    trace = sign(NAMED._replace(key=key, key_separator=":"), (), Secret("key"))
    assert [step.value for step in trace.steps[:2]] == ["", "key"]


def test_a_secret_among_the_values_is_masked_as_it_is_written() -> None:
    """A password that travels is signed like the rest: escaped, and escaped it is masked."""
    trace = sign(NAMED, (("password", "p ss&"),), Secret("key"), others=(Secret("p ss&"),))
    assert trace.steps[0].value == "&password=p%20ss%26"
    assert [step.masked for step in trace.steps[:2]] == ["&password=***", "&password=******"]
    assert [step.label for step in trace.steps] == ["joined names and escaped values", "with the key", "MD5 hex"]
    trace = providers.get("lightsms").sign((("password", "hunter2"),), Secret("key"), others=(Secret("hunter2"),))
    assert "hunter2" not in str([step.masked for step in trace.steps])


@given(secrets, st.text("ab", min_size=1, max_size=6), st.integers(0, 6))
def test_lightsms_cannot_tell_how_glued_values_were_split(secret: str, text: str, cut: int) -> None:
    """The trap that the rule warns of is real: moving characters between neighbours keeps the signature."""
    lightsms = providers.get("lightsms")
    whole = (("sender", text), ("text", ""))
    split = (("sender", text[:cut]), ("text", text[cut:]))
    assert lightsms.sign(whole, Secret(secret)).signature == lightsms.sign(split, Secret(secret)).signature
    assert any("glued" in trap for trap in lightsms.rule.traps)


def test_a_digest_without_a_module_of_its_own_is_hashlibs() -> None:
    """Seen with: printf a1bKEY | openssl dgst -sha384 -r."""
    rule = Rule("sig", {}, ("sha384",))
    digest = "bf4f5a5d4dbd21397614152fec281d0bec2895017cf4c412cd65afc074b18ea5ac9b3bf8245328f8574708de7c14a7e7"
    assert sign(rule, (("x", "a1"), ("y", "b")), Secret("KEY")).signature == digest
