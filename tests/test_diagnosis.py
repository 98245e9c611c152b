"""Why two signatures differ: every mistake gets its name, nothing else is explained, nothing secret comes out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import providers
from smscli.diagnosis import LIMIT, MISTAKES, Diagnosis, diagnose
from smscli.diagnosis._mistake import Case as Known
from smscli.diagnosis._recipe import keyed, true_recipe
from smscli.errors import InputError
from smscli.model import Pairs, Secret
from smscli.signing import Escape, KeyUse, Rule
from tests.vendors import PLATFORMS, needed_oracle
from tests.wrong_programs import KEYS, ORACLES, OTHER_KEY, Case, dice, make
from tests.wrong_programs import MISTAKES as PROGRAMS

OTHERS = (("staging", Secret(OTHER_KEY)),)

# The example of the payforsms page; the page prints two more digests for it, neither of which belongs to it.
PAGE: Pairs = (
    ("project", "mainsms"),
    ("sender", "payforsms.ru"),
    ("message", "test"),
    ("recipients", "89121231234"),
)
LIGHTSMS: Pairs = (("login", "YourLogin"), ("timestamp", "1732809600"))

_LONG_KEY = b"Test Using Larger Than Block-Size Key - Hash Key First"


def ask(vendor: str, params: Pairs, expected: str, *, key: str | None = None, limit: int = LIMIT) -> Diagnosis:
    """Diagnose with the vendor's printed key."""
    secret = Secret(KEYS[vendor] if key is None else key)
    return diagnose(providers.get(vendor), params, secret, expected, others=OTHERS, limit=limit)


def names(diagnosis: Diagnosis) -> list[list[str]]:
    """The names of the findings, explanation by explanation."""
    return [[finding.name for finding in explanation.findings] for explanation in diagnosis.explanations]


def sentences(diagnosis: Diagnosis) -> str:
    """All that a diagnosis says."""
    return "\n".join(
        f"{finding.name} {finding.sentence} {finding.fix} {explanation.text}"
        for explanation in diagnosis.explanations
        for finding in explanation.findings
    )


def md5(text: str) -> str:
    """MD5 of UTF-8."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# --- the vendor page that is wrong about itself ----------------------------------------------------------------------


def test_the_true_signature_matches() -> None:
    """A value that is right is said to match, after one combination."""
    diagnosis = ask("payforsms", PAGE, "02d0eae3ab7d99eecc1324780bf51cd4")
    assert (diagnosis.matches, diagnosis.explanations, diagnosis.tried) == (True, (), 1)


@pytest.mark.parametrize("sent", ["{}\n", " {}", '"{}"'])
def test_what_was_sent_around_a_right_signature_is_the_mistake(sent: str) -> None:
    """The vendor compares it whole."""
    diagnosis = ask("payforsms", PAGE, sent.format("02d0eae3ab7d99eecc1324780bf51cd4"))
    assert not diagnosis.matches
    assert names(diagnosis) == [["surrounded"]]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("{}  -", "file column"), ("{}  -\n", "file column"), ("{}-", "file column"), ("{} *stdin", "file column"),
        ("{}  /tmp/text.txt", "file column"), ("MD5(stdin)= {}", "openssl"),
        ("SHA2-256(stdin)={}", "openssl"), ("(stdin)= {}\n", "openssl"),
    ],
)  # fmt: skip
def test_what_a_tool_prints_beside_a_digest_is_no_dash_in_it(sent: str, words: str) -> None:
    """What md5sum and openssl print is named as theirs, and as one mistake."""
    diagnosis = ask("payforsms", PAGE, sent.format("02d0eae3ab7d99eecc1324780bf51cd4"))
    assert names(diagnosis) == [["file-column"]]
    assert words in diagnosis.explanations[0].findings[0].sentence


def test_the_digest_printed_on_the_payforsms_page_is_that_of_the_other_brand() -> None:
    """The page's "step 3" was made with the sender of the sister host."""
    diagnosis = ask("payforsms", PAGE, "207bbf2b0f6aaaacf259464b48d5c207")
    assert not diagnosis.matches
    assert names(diagnosis) == [["other-value"]]
    assert "sender was mainsms.ru" in diagnosis.explanations[0].findings[0].sentence


def test_the_signature_in_the_curl_line_of_the_payforsms_page_is_unsorted_too() -> None:
    """The page's curl line was made with that sender and without sorting."""
    diagnosis = ask("payforsms", PAGE, "41b379f61da2e1b8a1f74c7d050e1c42")
    assert names(diagnosis) == [["other-value", "unsorted"]]
    sender, order = diagnosis.explanations[0].findings
    assert "sender was mainsms.ru" in sender.sentence
    assert "message, project, sender, recipients" in order.sentence
    assert "sorted by name" in order.fix


@pytest.mark.parametrize("vendor", providers.names())
def test_no_mistake_is_the_vendors_own_signature(vendor: str) -> None:
    """For every vendor there is, the recipe without a mistake is what the vendor's rule signs."""
    params = (("b", "ж"), ("appId", "2"), ("message", "x y"), ("rand", "1"))
    secret = Secret("a key")
    signature = providers.get(vendor).sign(params, secret).signature
    diagnosis = diagnose(providers.get(vendor), params, secret, signature)
    assert (diagnosis.matches, diagnosis.tried, diagnosis.explanations) == (True, 1, ())


# --- every named mistake ---------------------------------------------------------------------------------------------


def _single(vendor: str, label: str) -> Case | None:
    return make(vendor, (label,), dice(f"{vendor} {label}"))


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_each_mistake_of_a_program_is_named(vendor: str) -> None:
    """A program with one fault, written with hashlib alone: the diagnosis gives that fault its name.

    A third of them; tests/laboratory has them all, on more requests.
    """
    needed_oracle(vendor)
    missed = []
    for label in [*PROGRAMS][PLATFORMS.index(vendor) % 3 :: 3]:
        name, case = PROGRAMS[label][0], _single(vendor, label)
        if case is None:
            continue
        named = names(ask(vendor, case.pairs, case.signature))
        if [name] not in named:
            missed.append((label, named, case))
    assert not missed, f"not named in {len(missed)} cases: {missed}"


def test_every_mistake_befalls_some_vendor() -> None:
    """No row of the programs' table is dead: each fault can be made on some vendor."""
    idle = [label for label in PROGRAMS if not any(_single(vendor, label) for vendor in ORACLES)]
    assert not idle, f"these befall nobody: {idle}"


@pytest.mark.parametrize(
    ("vendor", "labels"),
    [
        ("lightsms", ("forgotten", "key with LF")),
        ("lightsms", ("rawurlencode", "sha1 alone")),
        ("mainsms", ("order as written", "md5 alone")),
        ("mainsms", ("trimmed", "separator doubled")),
        ("mesajlarim", ("list with commas", "hmac swapped")),
        ("mesajlarim", ("CRLF", "upper case")),
    ],
)
def test_a_pair_of_mistakes_is_explained(vendor: str, labels: tuple[str, str]) -> None:
    """Two faults in one program are both named."""
    case = make(vendor, labels, dice("pair"))
    assert case is not None
    diagnosis = ask(vendor, case.pairs, case.signature)
    assert any(set(explanation) >= case.names for explanation in names(diagnosis)), sentences(diagnosis)


# --- rarer mistakes, each written out --------------------------------------------------------------------------------

_SEND = (("login", "A"), ("phone", "370 61234567"), ("text", "x"), ("timestamp", "1732809600123"))
_RULED = "".join(value for _, value in sorted(_SEND[:3]))


@pytest.mark.parametrize(
    ("vendor", "params", "wrong", "name"),
    [
        ("lightsms", LIGHTSMS, md5("YourLogin1732809600YourLogin"), "key-from-value"),
        ("lightsms", LIGHTSMS, md5("your_api_key_hereYourLogin1732809600your_api_key_here"), "key-placed"),
        ("lightsms", LIGHTSMS, md5("yourlogin1732809600your_api_key_here"), "letter-case"),
        ("lightsms", LIGHTSMS, md5("YourLogin1732831200your_api_key_here"), "stamp-local-time"),
        ("lightsms", LIGHTSMS, md5("YourLogin1732811400your_api_key_here"), "stamp-differs"),
        ("lightsms", _SEND, md5(f"{_RULED}1732809600your_api_key_here"), "stamp-unit"),
        ("lightsms", _SEND, md5(f"{_RULED}1732809600125your_api_key_here"), "stamp-differs"),
        ("lightsms", (("b", "2031-01-15 10:00"),), md5("2031-01-15T10:00your_api_key_here"), "time-format"),
        ("lightsms", (("b", "15.01.2031 10:00"),), md5("2031-01-15 10:00your_api_key_here"), "time-format"),
        ("lightsms", (("b", "Tom &amp; Tim"),), md5("Tom & Timyour_api_key_here"), "html-unescaped"),
        ("lightsms", (("b", "100%25"),), md5("100%your_api_key_here"), "percent-decoded"),
        ("lightsms", (("b", "Да"),), md5("\\u0414\\u0430your_api_key_here"), "backslashed"),
        ("lightsms", (("b", "x"),), md5('"x"your_api_key_here'), "quoted"),
        ("lightsms", (("b", "ž"),), md5("Å¾your_api_key_here"), "utf-8-twice"),
        ("lightsms", (("b", "one\\ntwo"),), md5("one\ntwoyour_api_key_here"), "line-ends"),
        ("lightsms", (("b", "1"),), md5("1"), "key-missing"),
        ("lightsms", (("text", "šef – “x” … 5 € ß № «ю»"),), "354dab1680d3638277cb87b10fb1a18f",
         "characters-lost"),  # iconv, C.UTF-8
        ("lightsms", (("text", "ğ – 5 €"),), "5f3830c391b2e52ecf2537ff2d6ad1f9", "characters-lost"),  # iconv, LC_ALL=C
        ("lightsms", (("login", "YourLogin"), ("text", "it's \\ a\nb")),
         "d6664e2760f3309219ac72991edfa1cb", "map-printed"),  # Node's util.inspect
        ("lightsms", (("login", "YourLogin"), ("to[]", "1"),
         ("text", 'it\'s a "long" text, long enough for lines of its own, `isn\'t it`?')),
         "35f164260ccb5efd1b69d688a38649fd", "map-printed"),
        ("mainsms", (("project", "mainsms"), ("message", "test")), "80c782e355d0cf7e67dc63515f45db6b",
         "hmac-for-hash"),
        ("lightsms", (), md5("text"), ""),
        ("mesajlarim", (("recipient[]", "2"), ("recipient[]", "1"), ("recipient[]", "1")),
         "2da18cdabc36bc16434a9bde88b73da7a3a3aaaa", ""),
        ("mainsms", (("a", "1"), ("b", "2")), md5("9a900403ac313ba27a1bc81f0932652b8020dac9;07349e954831d"), ""),
    ],
)  # fmt: skip
def test_rarer_mistakes_are_named(vendor: str, params: Pairs, wrong: str, name: str) -> None:
    """Each of these values was made by hand from the text in the table; an empty name: nothing may explain it."""
    named = names(ask(vendor, params, wrong))
    assert ([name] in named) if name else named == [], named


@pytest.mark.parametrize(
    ("sent", "signed", "words"),
    [
        ("Kaina 5 EUR be", "Kaina 5\u00a0EUR be", "(a no-break space behind each number)"),
        ("Kaina yra 5 EUR", "Kaina\u00a0yra 5 EUR", "(a no-break space instead of one of its spaces)"),
        ("Kaina yra 5 EUR", "Kaina yra\u202f5 EUR", "(a narrow no-break space instead of one of its spaces)"),
        ("a b", "a\u00a0b", "(no-break spaces instead of ordinary ones)"),
        ("a\u00a0b", "a b", "(ordinary spaces instead of no-break ones)"),
        ("straße", "Straße", "letters changed to a first capital before"),
    ],
)
def test_a_value_changed_in_one_place_is_told_in_one_way(sent: str, signed: str, words: str) -> None:
    """One space of several; and ways that give the same text are not counted up."""
    diagnosis = ask("lightsms", (("text", sent),), md5(f"{signed}your_api_key_here"))
    assert words in diagnosis.explanations[0].findings[0].sentence


@pytest.mark.parametrize(
    ("sent", "signed", "name", "words"),
    [
        ("Sh\u043ep online", "Shop online", "look-alike", "Latin letters"),
        ("Shop online", "Sh\u043ep online", "look-alike", "a Cyrillic letter"),
        ("Shop online", "Sh\u043ep \u043enline", "look-alike", "a Cyrillic letter"),
        ("Shop online", "Sh\u03bfp online", "look-alike", "a Greek letter"),
        ("Привет AB", "Привeт AB", "look-alike", "a Latin letter"),
        ("a-b", "a–b", "typography", "a dash (U+2013)"),
        ("a–b", "a-b", "typography", "plain"),
        ("a-b c-d", "a-b c—d", "typography", "one of its hyphens"),
        ("a–b – c", "a-b – c", "typography", "a hyphen for one of its dashes"),
        ("a -- b", "a – b", "typography", "every two hyphens"),
        ("a – b", "a -- b", "typography", "two hyphens instead of each dash"),
        ("a--b", "a—b", "typography", "every two hyphens"),
        ("a—b", "a---b", "typography", "three hyphens instead of each dash"),
        ("Yra 5 eur ir", "Yra\u00a05\u00a0eur ir", "invisible", "some of its spaces"),
        ("Yra 5 eur ir", "Yra 5\u00a0eur\u00a0ir", "invisible", "some of its spaces"),
        ("Yra\u00a0penki\u00a0eur ir", "Yra penki\u00a0eur\u00a0ir", "invisible", "some of its spaces"),
        ("One in a row", "One in\u00a0a\u00a0row", "invisible", "behind each short word"),
        ("Hello you", "Hello you\u200e", "invisible", "U+200E in it"),
        ("Hello you", "Hello \u200fyou", "invisible", "U+200F in it"),
        ("\u2067Hello\u2069", "Hello", "invisible", "(without its invisible characters)"),
    ],
)
def test_one_character_that_looks_the_same_is_named(sent: str, signed: str, name: str, words: str) -> None:
    """In the text; the rest of it is as it was sent."""
    diagnosis = ask("lightsms", (*LIGHTSMS, ("text", sent)), md5(f"YourLogin{signed}1732809600your_api_key_here"))
    assert [names(diagnosis)[0], words in sentences(diagnosis)] == [[name], True], sentences(diagnosis)


@pytest.mark.parametrize(
    ("signature", "name"),
    [
        (md5(f"{md5('YourLogin1732809600')}your_api_key_here"), "key-between"),
        (md5(f"your_api_key_here{md5('YourLogin1732809600')}"), "key-between"),
        (md5("YourLogin1732809600.1234your_api_key_here"), "stamp-unit"),
        (md5("YourLogin1732809600.12your_api_key_here"), "stamp-unit"),
        ("a7a6e5fee064734567372cdcf2db9f50", "nibbles-swapped"),  # perl -e 'print unpack "h*", md5(...)'
    ],
)
def test_a_key_put_to_a_digest_a_fraction_and_swapped_digits_are_named(signature: str, name: str) -> None:
    """Each alone, on the request of the LightSMS page."""
    assert names(ask("lightsms", LIGHTSMS, signature)) == [[name]]


@pytest.mark.parametrize(
    ("text", "signed", "key", "said"),
    [
        ("café", "mecafé".encode("latin-1"), "other",
         ["The text was hashed in latin-1 or windows-1252 or one like them, not in UTF-8."]),
        ("café", "mecafé".encode(), "used", ["The key was that of a or of c."]),
        ("café", "mecafé".encode(), "other\u00a0", ["The key was used with its white space cut off."]),
        ("a", b"me a ", "other", ["text: signed with a space on both sides, but sent without."]),
        ("Да", "meДа".encode("windows-1251"), "other", ["The text was hashed in windows-1251, not in UTF-8."]),
    ],
)  # fmt: skip
def test_one_cause_is_one_explanation(text: str, signed: bytes, key: str, said: list[str]) -> None:
    """Charsets that write the text alike, one key in two profiles, what white space is twice, one value's blanks."""
    others = (("a", Secret("twice")), ("b", Secret("once")), ("c", Secret("twice")))
    used = b"twice" if key == "used" else b"other"
    wrong = hashlib.md5(b"0" + signed + b"1" + used, usedforsecurity=False).hexdigest()
    diagnosis = diagnose(
        providers.get("lightsms"), (("a", "0"), ("login", "me"), ("text", text), ("z", "1")), Secret(key), wrong,
        others=others,
    )  # fmt: skip
    assert [one.sentence for each in diagnosis.explanations for one in each.findings] == said


def test_a_fraction_that_was_sent_and_not_signed_is_named() -> None:
    """PHP's microtime(true)."""
    params = (("login", "YourLogin"), ("timestamp", "1732809600.1234"))
    assert names(ask("lightsms", params, md5("YourLogin1732809600your_api_key_here"))) == [["stamp-unit"]]


def _summed(text: str, algorithm: str) -> str:
    """As Go's hex.EncodeToString(h.Sum([]byte(text))): what was there, and the digest of nothing."""
    return text.encode().hex() + hashlib.new(algorithm, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("spell", [str, str.upper, "{}\n".format])
def test_a_text_that_was_handed_to_sum_is_nothing_hashed(spell: Callable[[str], str]) -> None:
    """The value begins with the text; the key in it is shown nowhere."""
    text = "YourLogin1732809600your_api_key_here"
    diagnosis = ask("lightsms", LIGHTSMS, spell(_summed(text, "md5")))
    assert (names(diagnosis), diagnosis.matches) == ([["nothing-hashed"]], False)
    assert "md5 of an empty text" in sentences(diagnosis)
    assert diagnosis.explanations[0].string == "YourLogin1732809600***"
    assert b"your_api_key_here".hex() not in repr(diagnosis)


@pytest.mark.parametrize("text", ["YourLogin1732809600", "YourLogin***1732809600"])
def test_of_a_text_that_was_not_hashed_no_unknown_key_is_shown(text: str) -> None:
    """Another key than ours, or ours cut off, would stand there in the open; asterisks in the text are no mask."""
    diagnosis = ask("lightsms", LIGHTSMS, _summed(f"{text}your_api_key_her", "sha1"))
    assert names(diagnosis) == [["nothing-hashed"]]
    assert "your_api" not in repr(diagnosis)
    assert b"your_api".hex() not in repr(diagnosis)


def test_a_keyed_digest_that_was_given_no_text_is_named() -> None:
    """The text of an HMAC holds no key."""
    key = KEYS["mesajlarim"].encode()
    value = b"12".hex() + hmac.digest(key, b"", "sha1").hex()
    diagnosis = ask("mesajlarim", (("appId", "1"), ("rand", "2")), value)
    assert (names(diagnosis), diagnosis.explanations[0].string) == ([["nothing-hashed"]], "12")


@pytest.mark.parametrize("form", ["[{}]", "{}"])
@pytest.mark.parametrize(("between", "signed"), [(" ", False), (", ", True), (",", False)])
def test_a_digest_printed_as_numbers_is_read(form: str, between: str, signed: bool) -> None:
    """Go's fmt.Sprint, Java's Arrays.toString, JavaScript's join."""
    digest = bytes.fromhex("02d0eae3ab7d99eecc1324780bf51cd4")
    numbers = [str(byte - 256 if signed and byte > 127 else byte) for byte in digest]
    diagnosis = ask("payforsms", PAGE, form.format(between.join(numbers)))
    assert names(diagnosis) == [["bytes-printed"]]
    with pytest.raises(InputError, match="neither hex"):
        ask("payforsms", PAGE, form.format(between.join([*numbers, "1"])))


_KEY = "ab-12-cd'9"


@pytest.mark.parametrize(
    ("own", "used", "words"),
    [
        (_KEY, f"„{_KEY}“", "typographic quotes around it"),
        (_KEY, f"“{_KEY}”", "typographic quotes around it"),
        (_KEY, f"‘{_KEY}’", "typographic quotes around it"),
        (_KEY, "ab–12–cd'9", "a dash (U+2013)"),
        (_KEY, "ab-12\u2011cd'9", "a dash (U+2011)"),
        (_KEY, "ab-12-cd’9", "typographic apostrophes"),
        (_KEY, "ab-1\u200b2-cd'9", "a zero-width space inside"),
        (_KEY, "ab-12-cd\u00ad'9", "a soft hyphen inside"),
        (_KEY, "ab-12-\u200dcd'9", "an invisible character (U+200D) inside"),
        (_KEY, "ab-12-\u200fcd'9", "a right-to-left mark inside"),
        (_KEY, f"{_KEY}\u200f", "a right-to-left mark behind it"),
        (_KEY, f"\u2066{_KEY}", "an invisible character (U+2066) before it"),
        (f"{_KEY}\u200f", _KEY, "invisible characters cut out"),
        ("„ab“", "ab", "its quotes cut off"),
        ("‘ab’", "ab", "its quotes cut off"),
        ("a–b", "a-b", "plain quotes and hyphens instead of its typographic ones"),
    ],
)
def test_a_key_that_a_word_processor_touched_is_one_finding(own: str, used: str, words: str) -> None:
    """Around it or inside, on the other side or on ours."""
    diagnosis = ask("lightsms", LIGHTSMS, md5(f"YourLogin1732809600{used}"), key=own)
    assert [names(diagnosis), words in sentences(diagnosis)] == [[["key-misspelled"]], True], sentences(diagnosis)
    assert used not in sentences(diagnosis)


def test_dates_beyond_the_calendar_are_no_dates() -> None:
    """What looks like a date and is none, or lies at the edge of time, is an ordinary text."""
    for text in ("2031-02-31 10:00", "99.99.9999 10:00", "0001-01-01 00:00", "9999-12-31 23:59"):
        assert not ask("lightsms", (("b", text),), "0" * 32, limit=20_000).explanations


def test_a_date_sent_where_seconds_were_signed_is_named() -> None:
    """The stamp was sent as a date, and signed as Unix seconds, by a clock of another zone."""
    for sent, signed in (("2024-11-28T16:00:00Z", "1732809600"), ("2024-11-28 16:00:00", "1732820400000")):
        wrong = md5(f"{signed if len(signed) == 10 else '1732809600000'}your_api_key_here")
        assert ["stamp-format"] in names(ask("lightsms", (("timestamp", sent),), wrong))
    assert names(ask("lightsms", (("timestamp", "soon"),), "0" * 32, limit=20_000)) == []


def test_bytes_written_as_signed_numbers_are_named() -> None:
    """Java's Integer.toHexString of a byte: ffffff8a; another one is no signature of this request."""
    right = providers.get("lightsms").sign(LIGHTSMS, Secret("your_api_key_here")).signature
    told = "".join(f"ffffff{byte:x}" if byte > 127 else f"{byte:x}" for byte in bytes.fromhex(right))
    assert names(ask("lightsms", LIGHTSMS, told)) == [["bytes-signed"]]
    assert names(ask("lightsms", LIGHTSMS, f"ffffff{told}")) == []


def test_a_string_that_leaves_no_choice_makes_the_key_suspect() -> None:
    """Nothing to spell otherwise and nothing found: the key. A text with blanks leaves it open, and so does a cut."""
    assert ask("lightsms", LIGHTSMS, "0" * 32).suspect == "key"
    assert ask("lightsms", (*LIGHTSMS, ("text", "a b")), "0" * 32).suspect is None
    assert ask("lightsms", LIGHTSMS, "0" * 32, limit=100).suspect is None


def test_the_key_between_the_stages_is_named() -> None:
    """The values hashed alone, the key appended to their digest."""
    values = hashlib.sha1(b"1;2", usedforsecurity=False).hexdigest()
    diagnosis = ask("mainsms", (("a", "1"), ("b", "2")), md5(f"{values};07349e954831d"))
    assert names(diagnosis) == [["key-between"]]


def test_a_key_that_was_decoded_from_hex_is_named() -> None:
    """A secret that looks like hex was turned into bytes before the HMAC."""
    import hmac

    wrong = hmac.new(bytes.fromhex("c0ffee"), b"1", "sha1").hexdigest()
    assert ["key-decoded"] in names(ask("mesajlarim", (("appId", "1"),), wrong, key="c0ffee"))


@pytest.mark.parametrize(
    ("algorithm", "key", "text", "printed"),
    [
        ("md5", b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
        ("sha1", b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("md5", b"\xaa" * 80, _LONG_KEY, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
        ("sha1", b"\xaa" * 80, _LONG_KEY, "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        ("sha256", b"\xaa" * 131, _LONG_KEY, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ],
)
def test_an_hmac_is_the_one_that_the_rfcs_print(algorithm: str, key: bytes, text: bytes, printed: str) -> None:
    """RFC 2202 and RFC 4231, keys longer than a block too; a second text under the same key begins anew."""
    run = keyed(algorithm)
    assert [run(text, key), run(text, key)] == [printed, printed]


def test_recipients_in_another_order_are_named() -> None:
    """A repeated parameter that was sorted before signing."""
    import hmac

    wrong = hmac.new(b"mySecret", b"1" + b"5322000000" + b"5323000000", "sha1").hexdigest()
    params = (("appId", "1"), ("recipient[]", "5323000000"), ("recipient[]", "5322000000"))
    named = names(ask("mesajlarim", params, wrong))
    assert ["list-joined"] in named


@pytest.mark.parametrize(("signed", "words"), [("one\ntwo", "LF"), ("one\\ntwo", "backslash and n")])
def test_line_ends_are_named_as_they_were_signed(signed: str, words: str) -> None:
    """A line feed and the two characters that stand for one in source code are not taken for each other."""
    diagnosis = ask("lightsms", (("b", "one\r\ntwo"),), md5(f"{signed}your_api_key_here"))
    assert f"b: other line ends than those sent ({words})." in sentences(diagnosis)


# --- a rule of another kind ------------------------------------------------------------------------------------------

NAMED = Rule(
    "sig", {"sig": "it is the result"}, ("md5",), separator="&", leading=True, glue="=", escape=Escape.PERCENT,
    key_separator="",
)  # fmt: skip
ENCODED = "Sign each value percent-encoded (RFC 3986), once"


@pytest.mark.parametrize(
    ("rule", "text", "name", "fix"),
    [
        (NAMED, "a=1%202&b=3k", "separator-missing", "Put & in front of the parameters, and nowhere else."),
        (NAMED, "a=1%202b=3k", "separator-missing", "Put & in front of the parameters, and nowhere else."),
        (NAMED, "&a=1%202&b=3&k", "separator-other", "Put & in front of the parameters, and nowhere else."),
        (NAMED, "&a=1 2&b=3k", "escaped-otherwise", f"{ENCODED}."),
        (NAMED, "&a=1+2&b=3k", "escaped-otherwise", f"{ENCODED}."),
        (NAMED, "&a=1%25202&b=3k", "percent-encoded", f"{ENCODED}; the request is encoded on top of that, on its own."),
        (NAMED, "&1%202&3k", "names-left-out", "Join name=value of each parameter."),
        (NAMED, "&a:1%202&b:3k", "names-included", "Join name=value of each parameter."),
        (NAMED, "k&a=1%202&b=3", "key-placed", "Put the key where the vendor's rule puts it."),
        (NAMED._replace(key=KeyUse.PREFIX), "&a=1%202&b=3k", "key-placed",
         "Put the key where the vendor's rule puts it."),
        (NAMED._replace(glue=None, leading=False, escape=Escape.NONE), "k1 2&3", "key-placed",
         "Put the key where the vendor's rule puts it."),
    ],
)  # fmt: skip
def test_a_fix_is_in_the_words_of_the_rule(rule: Rule, text: str, name: str, fix: str) -> None:
    """Whatever the rule joins, escapes or puts first: the mistake is found, and the fix says what this rule wants."""
    provider = providers.get("mainsms")._replace(rule=rule)
    diagnosis = diagnose(provider, (("a", "1 2"), ("b", "3")), Secret("k"), md5(text))
    assert [(finding.name, finding.fix) for finding in diagnosis.explanations[0].findings] == [(name, fix)]


@pytest.mark.parametrize("key", KeyUse)
def test_no_mistake_is_the_signature_of_any_rule(key: KeyUse) -> None:
    """The recipe follows the rule wherever the key goes, with parameters and without."""
    provider = providers.get("mainsms")._replace(rule=NAMED._replace(key=key, key_separator=":"))
    for params in ((), (("a", "1 2"), ("b", "3"))):
        signature = provider.sign(params, Secret("k")).signature
        assert diagnose(provider, params, Secret("k"), signature).matches


def test_further_secrets_are_masked_in_every_spelling() -> None:
    """A password among the values, as it is and escaped."""
    provider = providers.get("mainsms")._replace(rule=NAMED)
    params = (("password", "my pass&word"), ("x", "1"))
    diagnosis = diagnose(
        provider, params, Secret("k"), md5("&password=my%20pass%26wordk"), hidden=(Secret("my pass&word"),)
    )
    assert ["forgotten"] in names(diagnosis)
    assert "pass" not in diagnosis.explanations[0].text.replace("password=", "")


# --- what is not explained, and what cannot be -----------------------------------------------------------------------


def test_random_wrong_values_are_not_explained() -> None:
    """Nobody's signature is nobody's mistake, and the search says how far it went."""
    random = dice(1)
    for _ in range(3):
        diagnosis = ask("lightsms", LIGHTSMS, f"{random.getrandbits(128):032x}")
        assert not diagnosis.matches
        assert not diagnosis.explanations
        assert not diagnosis.cut
        assert diagnosis.tried > 10_000
        assert {"stamp-differs", "wrong-digest"} <= set(diagnosis.searched)
        assert "unsorted" not in diagnosis.searched


def test_a_search_that_was_cut_says_so() -> None:
    """The count of combinations is the bound, and reaching it is said."""
    diagnosis = ask("lightsms", LIGHTSMS, "0" * 32, limit=500)
    assert diagnosis.cut
    assert diagnosis.tried == 500


def test_a_long_request_gets_fewer_combinations() -> None:
    """The bound is on work: what takes longer to hash is tried less often."""
    diagnosis = ask("lightsms", (*LIGHTSMS, ("text", "ы" * 8000)), "0" * 32, limit=5000)
    assert diagnosis.cut
    assert diagnosis.tried < 500


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ("", "neither hex nor the base64"),
        ("generated_signature", "neither hex nor the base64"),
        ("подпись", "neither hex nor the base64"),
        ("aGVsbG8=", "neither hex nor the base64"),
        ("abc", "3 characters (too short to be told from chance)"),
        ("a" * 36, "36 characters"),
        ("a" * 65, "65 characters"),
    ],
)
def test_what_cannot_be_a_signature_is_refused_with_the_reason(expected: str, reason: str) -> None:
    """The refusal says what it has and what the vendor's signature has, without quoting the value."""
    with pytest.raises(InputError) as caught:
        ask("lightsms", LIGHTSMS, expected)
    assert reason in caught.value.message
    assert "32 characters" in (caught.value.hint or "")


def test_an_ambiguity_is_reported() -> None:
    """Two mistakes that give one string are both reported: no value could tell them apart."""
    diagnosis = ask("lightsms", (("a", "1"), ("b", "1"), ("c", "2")), md5("12your_api_key_here"))
    assert names(diagnosis) == [["forgotten"], ["forgotten"]]
    forgotten = [explanation.findings[0].sentence for explanation in diagnosis.explanations]
    assert [sentence[:9] for sentence in forgotten] == ["a is sent", "b is sent"]


def test_spellings_that_end_in_one_string_are_one_explanation() -> None:
    """Libraries that encode a text alike are named in one sentence."""
    diagnosis = ask("lightsms", (("text", "a&b"),), md5("a%26byour_api_key_here"))
    assert ["percent-encoded"] in names(diagnosis)
    assert "PHP's rawurlencode or PHP's urlencode or" in diagnosis.explanations[0].findings[0].sentence


# --- nothing secret comes out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_no_key_is_in_any_sentence(vendor: str) -> None:
    """Neither the account's key nor another profile's appears, not even where a mistake put it among the values."""
    needed_oracle(vendor)
    labels = ("apikey counted", "key in front", "key of another profile", "key in double quotes", "names as a query")
    for label in labels:
        case = make(vendor, (label,), dice(label))
        if case is None:
            continue
        diagnosis = ask(vendor, (*case.pairs, (providers.get(vendor).rule.signature, KEYS[vendor])), case.signature)
        assert diagnosis.explanations
        assert KEYS[vendor] not in sentences(diagnosis) + repr(diagnosis)
        assert OTHER_KEY not in sentences(diagnosis) + repr(diagnosis)


@pytest.mark.parametrize(
    "spell",
    [
        str.upper, lambda key: key.encode().hex(), lambda key: key.replace("a", "\u0430"),
        lambda key: "a\u0430".join(key.split("aa")), lambda key: f"{key[:9]}\u200e{key[9:]}",
        lambda key: "b\u00a0b b\u00a0b".join(key.split("b b b b")),
    ],
)  # fmt: skip
def test_a_key_among_the_values_is_masked_however_it_was_spelled(spell: Callable[[str], str]) -> None:
    """In capitals, as hex, with look-alike letters: the explanation says what was done, and shows none of it."""
    key = "a3f9207b61d24568f037aa23d1b b b b9246"
    diagnosis = ask("lightsms", (("login", key), ("timestamp", "1")), md5(f"{spell(key)}1{key}"), key=key)
    assert diagnosis.explanations
    assert spell(key).casefold() not in (sentences(diagnosis) + repr(diagnosis)).casefold()


def test_a_key_among_the_values_in_another_case_is_masked_with_one_letter_changed() -> None:
    """Capitals have look-alikes that small letters have not."""
    key, changed = "ab12h34k", "A\u041212H34K"
    diagnosis = ask("lightsms", (("login", key.upper()), ("timestamp", "1")), md5(f"{changed}1{key}"), key=key)
    assert (names(diagnosis), diagnosis.explanations[0].text) == ([["look-alike"]], "***1***")


@pytest.mark.parametrize("key", ["\u200b", "\u200b" * 60, "\u200ba\u0430" * 20])
def test_a_key_of_what_nobody_sees_masks_no_other_text(key: str) -> None:
    """Nor does a text that is nearly such a key take time."""
    text = f"{key[1:]} - {'b' * 50}"
    diagnosis = ask("lightsms", (("a", text), ("b", "2")), md5(f"{text.replace('-', '–')}2{key}"), key=key)
    assert names(diagnosis) == [["typography"]]
    assert "b" * 50 in diagnosis.explanations[0].text


def test_blanks_between_numbers_do_not_multiply_the_work() -> None:
    """A text that only begins as a list of numbers is no list, and that is told at once."""
    text = "  ".join(map(str, range(2000)))
    mistake = next(each for each in MISTAKES if each.name == "list-joined")
    recipe = true_recipe(providers.get("lightsms").rule, (("text", f"{text}  total"),), "k")
    case = Known(providers.get("lightsms"), (), (), (), "k", frozenset((32,)))
    assert list(mistake.apply(recipe, case)) == []
    joined = mistake.apply(recipe.with_pairs((("text", text),)), case)
    assert text.replace("  ", ",") in {recipe.pairs[0][1] for recipe, _ in joined}


def test_hostile_values_are_shown_as_escapes() -> None:
    """A control sequence in a value cannot reach a terminal through an explanation."""
    diagnosis = ask("lightsms", (("a", "\x1b[31mred "), ("b", "2")), md5("\x1b[31mred2your_api_key_here"))
    assert "trimmed" in sentences(diagnosis)
    assert "\x1b" not in sentences(diagnosis)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=6),
    st.text(max_size=12),
    st.text(max_size=44) | st.binary(min_size=16, max_size=32).map(bytes.hex),
    st.sampled_from(PLATFORMS),
)
def test_any_request_gets_an_answer(params: list[tuple[str, str]], key: str, expected: str, vendor: str) -> None:
    """Whatever the parameters, the key and the value: an answer within the limit, or a refusal; never anything else."""
    secret = Secret(key)
    try:
        diagnosis = diagnose(providers.get(vendor), tuple(params), secret, expected, limit=2000)
    except InputError:
        return
    assert diagnosis.tried <= 2000


def test_every_name_is_stable_and_every_row_speaks() -> None:
    """Names are kebab-case words for scripts; sentences and fixes end like sentences."""
    for mistake in MISTAKES:
        assert mistake.name == mistake.name.lower().replace(" ", "-")
        assert mistake.sentence.endswith(".")
        assert mistake.fix.endswith(".")
