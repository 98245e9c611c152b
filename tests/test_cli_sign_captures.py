"""``smscli sign --capture``: where a capture comes from, what -v tells of it, and many requests, each checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from smscli import providers
from smscli.capture._request import FORM
from smscli.cli import captures
from smscli.cli.signature import nothing_signed
from smscli.sandbox._params import gather
from smscli.sandbox._raw import RawRequest
from smscli.wire import encode
from tests.conftest import Ran
from tests.vendors import NOW, PLATFORMS, account, environment, message

Run = Callable[..., Ran]


def params(vendor: str, text: str = "a b") -> tuple[tuple[str, str], ...]:
    """Return the signed parameters of a send, the address' own among them."""
    provider = providers.get(vendor).of(account(vendor).fields)
    request = provider.send.build(message(vendor, text), account(vendor), str(int(NOW)))
    return (*request.query, *request.form)


def target(vendor: str, text: str = "a b", sent: str | None = None) -> str:
    """Return path and query of a send; ``sent`` is the text that is sent although ``text`` was signed."""
    provider = providers.get(vendor).of(account(vendor).fields)
    script = provider.send.build(message(vendor), account(vendor), "1").url.partition("//")[2].partition("/")[2]
    pairs = tuple((name, sent if value == text and sent else value) for name, value in params(vendor, text))
    return f"/{script}?{encode(pairs)}"


def logged(target: str, time: str = "16:00:02") -> str:
    """Return a line of an access log."""
    return f'203.0.113.9 - - [28/Nov/2024:{time} +0000] "GET {target} HTTP/1.1" 200 27\n'


@pytest.fixture
def check(smscli: Run) -> Run:
    """Check a capture with the demo account of a vendor in the environment."""

    def call(vendor: str, source: str, *argv: str, **world: object) -> Ran:
        environ = {**environment(vendor), "SMSCLI_PROVIDER": ""}
        return smscli("sign", "--capture", source, *argv, environ=environ, now=lambda: NOW, **world)

    return call


# --- where it comes from ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_capture_is_a_file_stdin_or_the_text_itself(check: Run, tmp_path: Path, vendor: str) -> None:
    """The same request four times: the signature is printed, and it matches."""
    line = logged(target(vendor))
    path = tmp_path / "access.log"
    path.write_text(line)
    signature = dict(params(vendor))[providers.get(vendor).rule.signature]
    utf_16 = tmp_path / "utf-16.log"
    utf_16.write_bytes(line.encode("utf-16"))
    for source, stdin in ((str(path), None), ("-", line.encode()), (line, None), (str(utf_16), None)):
        ran = check(vendor, source, stdin=stdin)
        assert (ran.code, ran.out) == (0, f"{signature}\n"), ran.err


def test_bytes_of_another_encoding_are_read_from_a_file(check: Run, tmp_path: Path) -> None:
    """What was sent as windows-1251 is named; an argument has to be text."""
    path = tmp_path / "request.txt"
    path.write_bytes(b"login=a&text=\xcf\xf0&signature=" + b"0" * 32)
    ran = check("lightsms", str(path), "--explain")
    assert "text is not UTF-8 on the wire" in ran.err
    assert check("lightsms", "login=a&text=\udccf").code == 2


def test_of_a_repeated_name_the_last_one_is_what_counts(check: Run) -> None:
    """As PHP counts: who signed that one is not blamed, in one request or in many."""
    line = target("lightsms").replace("text=a", "text=first&text=a")
    ran = check("lightsms", line)
    assert ran.code == 0, ran.out
    assert "text: sent more than once; the last one counts" in ran.err
    assert "2 of 2" in check("lightsms", logged(line) * 2, "-o", "table").out


def test_who_signed_rightly_is_not_told_that_the_signature_is_wrong(check: Run) -> None:
    """In no format: what is wrong is the sending, and the explanation says what it did."""
    ran = check("lightsms", target("lightsms", "1+1").replace("1%2B1", "1+1"))
    assert (ran.code, "plus-unescaped" in ran.out) == (4, True), ran.out
    assert "the signature is right for what was meant, but the sending changed it" in ran.err


def test_what_stands_behind_a_request_without_a_body_is_not_held_against_it(check: Run) -> None:
    """The answer, or another line of the log: -v says that it was left out."""
    ran = check("lightsms", f"GET {target('lightsms')} HTTP/1.1\r\nHost: a.example\r\n\r\nretry=1 left\n", "-v")
    assert (ran.code, "retry" in ran.out + ran.err) == (0, False), ran.out
    assert "what follows the blank line: not read, the head announces no body" in ran.err


@pytest.mark.parametrize(
    ("text", "wire", "why"),
    [
        ("Привет", "%CF%F0%E8%E2%E5%F2", "text: sent in another charset than UTF-8"),
        ("a b", "a b", "text: a space was sent as it is"),
        ("a#b", "a#b", "text: # was sent as it is"),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_right_signature_that_is_sure_to_be_refused_is_no_success(
    check: Run, text: str, wire: str, why: str, times: int
) -> None:
    """Neither alone nor among others, in words or in JSON."""
    line = target("lightsms", text)
    request = f"GET {line.replace(encode((('text', text),)), f'text={wire}')} HTTP/1.1\nHost: sms.example\n\n" * times
    ran = check("lightsms", request)
    assert ran.code == 4, ran.out
    assert why in ran.out
    document = check("lightsms", request, "-o", "json").json
    data = document["data"] if times == 1 else document["data"]["requests"][1]
    assert (document["exit_code"], data["comparison"]["matches"]) == (4, False)
    assert data["comparison"]["explanations"][0]["findings"][0]["kind"] == "sending"
    if times == 1:
        assert "the signature is right for what was meant, but the sending changed it" in ran.err
        drawn = " ".join(check("lightsms", request, "-o", "table").out.split())
        assert "something else was sent (lightsms) cause: " + why in drawn


def test_a_percent_sign_that_was_meant_is_no_other_charset(check: Run) -> None:
    """What follows it looked like a code; what that gives was never meant."""
    line = target("lightsms", "100%de")
    ran = check("lightsms", line.replace("100%25de", "100%de"), "-o", "json")
    assert ran.code == 4
    assert ran.json["data"]["comparison"]["explanations"][0]["findings"][0]["name"] == "percent-unescaped"
    assert "another charset" not in ran.out + ran.err


def test_a_line_feed_is_cut_off_a_typed_signature_and_never_off_a_sent_one(check: Run) -> None:
    """Copying brings one along; the vendor refuses it."""
    line = target("lightsms")
    signature = dict(params("lightsms"))["signature"]
    ran = check("lightsms", line.replace(signature, f"{signature}%0A"))
    assert (ran.code, "A line feed, blanks or quotes" in ran.out) == (4, True), ran.out
    assert check("lightsms", line, "--expect", f" '{signature}'\n").code == 0


def test_a_name_of_no_file_says_so(check: Run, tmp_path: Path) -> None:
    """A path that was mistyped is no request; neither is a directory, nor stdin that is closed."""
    assert "no file of that name" in check("lightsms", "trace.har").err
    assert check("lightsms", str(tmp_path)).code == 2
    path = tmp_path / "empty"
    path.touch()
    assert "there is no request in the capture\n" in check("lightsms", str(path)).err
    path.chmod(0)
    assert check("lightsms", "https://sms.example/").code == 2


def test_the_old_name_of_the_option_is_kept(smscli: Run) -> None:
    """Scripts that say ``--from-url`` go on."""
    for option in ("--capture", "--from-url"):
        assert smscli("sign", "--sandbox", option, "login=a&timestamp=1").code == 0


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_what_was_read_as_what_is_told_without_values(check: Run, vendor: str) -> None:
    """With -v: the kind, the place, the names, and what each option was taken for."""
    ran = check(vendor, f"curl -sS 'https://sms.example{target(vendor, 'geheim')}' -o out -H 'X-A: b'", "-v")
    assert "capture: line 1: curl command: GET sms.example/" in ran.err
    assert "capture: --output: no part of the request" in ran.err
    assert "capture: --header: a header" in ran.err
    assert "geheim" not in ran.err
    two = check(vendor, logged(target(vendor)) + logged("/style.css"), "-vv")
    assert "capture: line 2: access-log line: GET /style.css ()" in two.err
    assert "request line: the method and the address" in two.err


# --- many -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_all_requests_of_a_log_are_checked_and_the_wrong_ones_explained(check: Run, vendor: str) -> None:
    """A line each: place, vendor, operation, verdict, and why; exit 4 when one does not match."""
    log = logged(target(vendor)) + "started\n" + logged(target(vendor, sent="a+b")) + logged("/style.css?v=1")
    ran = check(vendor, "-", stdin=log.encode())
    assert ran.code == 4
    right, wrong, style = ran.lines
    assert right == ["line 1", vendor, "send", "matches", ""]
    assert wrong[:4] == ["line 3", vendor, "send", "differs"]
    assert ". " in wrong[4]  # a mistake and its fix
    assert style == ["line 4", "", "", "no vendor", ""]
    assert "1 of 3 signatures do not match" in ran.err
    assert "1 of 3 requests are to no vendor" in ran.err


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_har_file_is_checked_the_same_way(check: Run, tmp_path: Path, vendor: str) -> None:
    """JSON has all of it: the right signature, and the comparison of what is wrong; a table leaves strangers out."""
    entries = [
        {"request": {"method": "GET", "url": f"https://sms.example{path}"}}
        for path in (target(vendor), target(vendor, sent="a+b"), "/style.css")
    ]
    path = tmp_path / "trace.har"
    path.write_text(json.dumps({"log": {"entries": [*entries, {}]}}))
    ran = check(vendor, str(path), "-o", "json")
    data = ran.json["data"]
    assert ran.code == 4
    assert data["counts"] == {"matches": 1, "differs": 1, "no vendor": 1, "unreadable": 1}
    right, wrong, _, broken = data["requests"]
    assert right["signature"] == dict(params(vendor))[providers.get(vendor).rule.signature]
    assert (wrong["place"], wrong["comparison"]["matches"]) == ("entry 2", False)
    assert "holds no request" in broken["why"]
    drawn = check(vendor, str(path), "-o", "table").out
    assert "1 of 4 signatures match, 1 do not" in drawn
    assert "entry 3" not in drawn


@pytest.mark.parametrize("is_encoded", [True, False])
@pytest.mark.parametrize("text", ["a b", "1+1", "50%"])
def test_a_har_file_without_the_body_s_text_blames_nobody(check: Run, text: str, is_encoded: bool) -> None:
    """Its parameters may be as they were sent, or decoded: a right signature matches, or cannot be checked."""
    write = quote_plus if is_encoded else str
    for wrong in (False, True):
        pairs = [
            (name, "x%20y" if wrong and name == "text" else write(value)) for name, value in params("lightsms", text)
        ]
        data = {"mimeType": "", "params": [{"name": name, "value": value} for name, value in pairs]}
        url = "https://www.lightsms.com/external/get/send.php"
        entry = {"request": {"url": url, "method": "POST", "postData": data}}
        ran = check("lightsms", json.dumps({"log": {"entries": [entry]}}))
        cannot_be_told = wrong or (text == "1+1" and not is_encoded)
        assert ran.code == (2 if cannot_be_told else 0), ran.out + ran.err
        assert "encoded twice" not in ran.out + ran.err


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_json_body_is_spoken_of_as_the_sandbox_reads_it(check: Run, vendor: str) -> None:
    """It takes one that says so, and no other; no vendor documents either."""
    path, body = target(vendor).partition("?")[0], json.dumps(dict(params(vendor)))
    for kind, said, is_read in (
        ("application/json", "the sandbox reads it", True), ("text/plain", "it is read as none", False),
    ):  # fmt: skip
        head = f"POST {path} HTTP/1.1\nContent-Type: {kind}\nContent-Length: {len(body.encode())}\n\n"
        assert said in check(vendor, head + body).err
        raw = RawRequest("POST", path.encode(), ((b"content-type", kind.encode()),), body.encode())
        assert bool(gather(raw)) == is_read


def test_only_what_was_checked_is_success(check: Run) -> None:
    """0 when all that could be checked match; 2 when one cannot be read, or there was nothing to check."""
    good = logged(target("lightsms"))
    assert check("lightsms", good + good).code == 0
    assert check("lightsms", good + logged("https://[::1/?login=a&signature=b")).code == 2
    bad = check("lightsms", good + logged(target("lightsms", sent="b")) + logged("https://[::1/?login=a"))
    assert (bad.code, "1 of 3 signatures do not match, 1 cannot be read" in bad.err) == (4, True)
    unsigned = logged("/external/get/balance.php?login=a&timestamp=1")
    none = check("lightsms", unsigned + unsigned)
    assert (none.code, {line[3] for line in none.lines}) == (2, {"unsigned"})
    assert "none of the 2 captured requests could be checked" in none.err


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("capture", "why"),
    [
        (
            "> POST {path} HTTP/1.1\n> Content-Length: 116\n>\n* upload sent off: 116 bytes\n< HTTP/1.1 200 OK\n",
            "of 116 b",
        ),
        ("POST {path} HTTP/1.1\nContent-Length: 159\n\n{query}\n\n", "the capture is cut"),
        ("curl -d @body 'https://www.lightsms.com{path}?{query}'\n", "a part of the body comes from a file"),
        ("wget --post-file=body 'https://www.lightsms.com{path}?{query}'\n", "comes from a file"),
        ("curl -T body 'https://www.lightsms.com{path}?{query}'\n", "a part of the body comes from a file"),
        ('1.2.3.4 - - "POST {path}?{query} HTTP/1.1" 200\n', "does not hold the body of a POST"),
    ],
)
def test_what_lacks_a_part_is_neither_signed_nor_blamed(check: Run, capture: str, why: str, times: int) -> None:
    """The signature may be the right one of all that was sent; only one that fits what is there shows more."""
    path, _, query = target("lightsms").partition("?")
    for sent in (query.replace("text=a", "text="), "&".join(query.split("&")[:2])):
        ran = check("lightsms", capture.format(path=path, query=sent) * times)
        assert (ran.code, why in ran.err + ran.out) == (2, True), ran.out
        assert not re.search(r"\b[0-9a-f]{32}\b", ran.out)
    if "{query}" in capture:
        assert check("lightsms", capture.format(path=path, query=query) * times).code == 0


@pytest.mark.parametrize("vendor", PLATFORMS)
@pytest.mark.parametrize(
    ("capture", "place"),
    [
        ('curl -d "$Q" {url}', "$Q"),
        ('curl -d "${{Q}}" {url}', "${Q}"),
        ('curl -d "$(build)" {url}', "$(…)"),
        ('curl -G -d "$Q" {url}', "$Q"),
        ('curl -d "%Q%" {url}', "%Q%"),
        ('wget --post-data "$Q" {url}', "$Q"),
        ("Invoke-WebRequest -Uri {url} -Method POST -Body $q", "$q"),
        ("{url}?$Q", "$Q"),
        ("{url}?...", "..."),
        ("{url}?" + "$" * 99, "$" * 40 + "…"),
        ("{url}?$1&$2&$3&$4", "$1, $2, $3, …"),
    ],
)
def test_what_was_never_filled_in_makes_no_signature(check: Run, vendor: str, capture: str, place: str) -> None:
    """It is named, alone and among requests that are right."""
    url = "https://sandbox.invalid" + target(vendor).partition("?")[0]
    source, why = capture.format(url=url), f"there is {place} where the parameters should be"
    ran = check(vendor, source, "--provider", vendor)
    assert (ran.code, ran.out) == (2, "")
    assert f"{why}: a digest of the key alone is no signature" in ran.err
    if not capture.startswith("curl"):
        return
    right = f"curl '{url}?{target(vendor).partition('?')[2]}'\n"
    many = check(vendor, f"{right}{source}\n", "--provider", vendor)
    assert (many.code, [line[3] for line in many.lines]) == (2, ["matches", "unreadable"])
    assert many.lines[1][4].startswith(why)


@pytest.mark.parametrize("vendor", PLATFORMS)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_key_alone_makes_no_signature(smscli: Run, vendor: str, form: str) -> None:
    """There is none to print, whatever was sent as one, and wherever the parameters come from."""
    environ, provider = environment(vendor), providers.get(vendor).of(account(vendor).fields)
    name, secret = provider.rule.signature, account(vendor).secret
    alone = provider.sign((), secret).signature, provider.sign((("x", ""),), secret).signature
    path, why = target(vendor).partition("?")[0], f"there is no parameter that {vendor} signs"
    for sent in (*alone, "0" * len(alone[0])):
        for source in (
            (f"{name}={sent}",), ("x=", "y="), (f"{name}=x", "--expect", sent), ("x=", "--expect", sent),
            ("--capture", f"{path}?{name}={sent}"), ("--capture", f"{path}?x=&{name}={sent}"),
            ("--capture", f"https://sandbox.invalid{path}?{secret.reveal()}"),
        ):  # fmt: skip
            ran = smscli("sign", *source, "--provider", vendor, "-o", form, environ=environ)
            assert (ran.code, why in ran.err + ran.out) == (2, True), source
            assert not {*alone, secret.reveal()} & set(re.findall(r"[\w-]+", ran.out + ran.err))
        lines = json.dumps({name: sent}) + "\n" + json.dumps({"x": "", name: sent})
        ran = smscli("sign", "--batch", "-", "-o", form, environ=environ, stdin=lines.encode())
        assert (ran.code, ran.out.count("unreadable") >= 2, ran.out.count(why)) == (2, True, 2)
    for query, other in ((f"&{name}", "is not a signature"), (f"{name}={secret.reveal()}", "the key")):
        assert other in smscli("sign", "--capture", f"{path}?{query}", environ=environ).err


def test_a_request_that_needs_no_signature_is_not_missing_one(check: Run) -> None:
    """Such as the question for the time, with or without something against caches."""
    log = logged(target("lightsms"))
    for more in ("", "?1732809600", "?_"):
        ran = check("lightsms", log + logged(f"/external/get/timestamp.php{more}"), "--provider", "lightsms")
        assert (ran.code, [line[3] for line in ran.lines]) == (0, ["matches", "unsigned"])


def test_a_name_counts_where_names_are_hashed() -> None:
    """An empty value then is something; what was never filled in is nothing."""
    provider = providers.get("lightsms")
    named = provider._replace(rule=provider.rule._replace(glue="="))
    for params, wanted in (((("x", ""),), ""), ((("$Q", ""),), "there is $Q where the parameters should be")):
        assert nothing_signed(named, params, str) == wanted


@pytest.mark.parametrize("vendor", PLATFORMS)
@pytest.mark.parametrize(
    ("capture", "kind"),
    [
        ("curl {url} -d '{form}' -H 'Content-Type: {kind}'", "text/plain"),
        ("curl {url} -d '{form}' -H 'Content-Type: {kind}'", "application/json"),
        ("curl {url} -d '{form}' -H 'Content-Type:'", "empty"),
        ("curl {url} -d '{form}' -H 'Content-Type;'", "empty"),
        ("wget {url} --post-data '{form}' --header 'Content-Type: {kind}'", "application/octet-stream"),
        ("POST {url} HTTP/1.1\nContent-Type: {kind}\nContent-Length: {size}\n\n{form}", "text/plain"),
        ("POST {url} HTTP/1.1\nContent-Type:\nContent-Length: {size}\n\n{form}", "empty"),
        ("fetch('{url}', {{method: 'POST', body: '{form}'}})", "text/plain"),
    ],
)
def test_a_form_that_is_sent_as_something_else_is_no_match(check: Run, vendor: str, capture: str, kind: str) -> None:
    """The sandbox finds no parameter in it; sent as a form, or with all in the address, it matches."""
    path, _, form = target(vendor).partition("?")
    url = f"https://sandbox.invalid{path}"
    source = capture.format(url=url, form=form, kind=kind, size=len(form)) + "\n"
    for times in (1, 2) if "HTTP/1.1" not in capture else (1,):
        ran = check(vendor, source * times, "--provider", vendor)
        assert (ran.code, f"its Content-Type is {kind}" in ran.out + ran.err) == (4, True), ran.err
    sent = b"" if kind == "empty" else kind.encode()
    assert gather(RawRequest("POST", b"", ((b"content-type", sent),), form.encode())) == ()
    for right in (
        f"curl {url} -d '{form}'", f"wget {url} --post-data '{form}'", f"curl '{url}?{form}' -H 'Content-Type: {kind}'",
        f"fetch('{url}', {{method: 'POST', headers: [['Content-Type', '{FORM}']], body: '{form}'}})",
        f"POST {url} HTTP/1.1\nContent-Length: {len(form)}\n\n{form}",
    ):  # fmt: skip
        assert check(vendor, right, "--provider", vendor).code == 0, right


@pytest.mark.parametrize("vendor", PLATFORMS)
@pytest.mark.parametrize("command", ["curl -d '{body}' {url}", "wget --post-data '{body}' {url}"])
def test_json_without_a_type_of_its_own_is_sent_as_a_form(check: Run, vendor: str, command: str) -> None:
    """As these clients do; the sandbox finds nothing in it."""
    url, body = "https://sandbox.invalid" + target(vendor).partition("?")[0], json.dumps(dict(params(vendor)))
    ran = check(vendor, command.format(url=url, body=body), "--provider", vendor)
    assert f"the body is JSON, but its Content-Type is {FORM}: it is read as none by the sandbox" in ran.err


def test_requests_of_others_are_not_checked_with_this_key(smscli: Run, check: Run, tmp_path: Path) -> None:
    """Another vendor's are named; another account's, too, when the key is that of a profile nobody named."""
    mixed = check("lightsms", logged(target("lightsms")) * 2 + logged(target("mainsms")))
    assert mixed.lines[2][1:4] == ["mainsms", "", "other vendor"]
    config = tmp_path / "config.toml"
    config.write_text('default = "work"\n[profiles.work]\nprovider = "lightsms"\nlogin = "mine"\napi_key = "k"\n')
    config.chmod(0o600)
    log = logged("/external/get/balance.php?login=theirs&timestamp=1&signature=" + "0" * 32) * 2
    ran = smscli("sign", "--capture", log)
    assert ran.lines[0][3:] == ["other account", "it names login theirs"]
    assert smscli("sign", "--capture", log, "-p", "work").lines[0][3] == "differs"


def test_a_named_vendor_takes_what_nothing_else_tells(check: Run) -> None:
    """Parameters that could be anybody's are his whom the command line names."""
    log = logged("/x?a=1") * 2
    assert [line[3] for line in check("mainsms", log + logged(target("mainsms"))).lines][::2] == [
        "no vendor",
        "matches",
    ]
    assert {line[3] for line in check("mainsms", log, "--provider", "mainsms").lines} == {"unsigned"}
    assert "nothing in the capture tells its vendor" in check("lightsms", log).err


def test_explaining_is_bounded_in_number_and_time(check: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted and left unexplained, and that is said."""
    wrong = logged(target("lightsms", sent="a+b"))
    monkeypatch.setattr(captures, "MOST_EXPLAINED", 2)
    ran = check("lightsms", wrong * 4)
    assert [bool(line[4]) for line in ran.lines] == [True, True, False, False]
    assert "not all that differ are explained: at most 2" in ran.err
    times = iter(range(0, 1000, 11))
    late = check("lightsms", wrong * 2, monotonic=lambda: float(next(times)))
    assert "within 10 seconds" in late.err


@pytest.mark.parametrize("option", [("--expect", "0" * 32), ("--explain",), ("--curl",), ("--hex",), ("--reveal",)])
def test_what_is_about_one_request_is_refused_for_many(check: Run, option: tuple[str, ...]) -> None:
    """Exit 2, and how many there are."""
    ran = check("lightsms", logged(target("lightsms")) * 3, *option)
    assert ran.code == 2
    assert "holds 3 requests" in ran.err


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_no_output_of_many_holds_the_key(check: Run, vendor: str) -> None:
    """Not even where a request carries it."""
    key = account(vendor).secret.reveal()
    log = logged(target(vendor, f"{key} b", sent=f"{key}+b")) * 2
    for output in ("plain", "json"):
        ran = check(vendor, log, "-o", output, "-vv")
        assert ran.code == 4
        assert key not in ran.out + ran.err


def test_a_log_of_any_length_is_checked_whole(check: Run, tmp_path: Path) -> None:
    """Hundreds of lines, more than a command could be long."""
    path = tmp_path / "access.log"
    path.write_text(logged(target("lightsms")) * 1000 + "x" * 256 * 1024)
    ran = check("lightsms", str(path))
    assert (ran.code, len(ran.lines)) == (0, 1000)
