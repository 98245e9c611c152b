"""``sign --batch``: each line signed or checked, whatever stands beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smscli import providers
from smscli.cli.batch import MAX_LINE
from tests.conftest import Ran
from tests.vendors import PLATFORMS, account, vectors

Run = Callable[..., Ran]


def stored(vendor: str) -> list[dict[str, Any]]:
    """Return the signatures of one key that somebody else has computed: the key of the first."""
    cases = [json.loads(file.read_text(encoding="utf-8")) for file in vectors(vendor)]
    return [case for case in cases if case["secret"] == cases[0]["secret"] and not case.get("fields")]


def wire(vendor: str) -> str:
    """Return what the vendor calls a signature."""
    return providers.get(vendor).of(account(vendor).fields).rule.signature


@pytest.fixture
def batch(smscli: Run, tmp_path: Path) -> Run:
    """Sign lines with the key of a vendor's stored signatures."""

    def call(vendor: str, lines: str | bytes, *words: str) -> Ran:
        key, file = tmp_path / "key", tmp_path / "batch.jsonl"
        key.touch(0o600)
        key.write_text(stored(vendor)[0]["secret"])
        file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
        return smscli("sign", "--provider", vendor, "--key-file", str(key), "--batch", str(file), *words)

    return call


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_each_line_is_signed_as_somebody_else_has_signed_it(batch: Run, vendor: str) -> None:
    """As pairs, and in order; what carries its signature is checked."""
    cases = stored(vendor)
    assert cases, f"no stored signatures of {vendor}"
    pairs = [[pair for pair in case["params"] if pair[0] != wire(vendor)] for case in cases]
    ran = batch(vendor, "".join(json.dumps(one) + "\n" for one in pairs))
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert ran.lines == [[str(n), case["signature"], "signed", ""] for n, case in enumerate(cases, 1)]
    checked = [[*one, [wire(vendor), case["signature"]]] for one, case in zip(pairs, cases, strict=True)]
    ran = batch(vendor, "".join(json.dumps(one) + "\n" for one in checked))
    assert (ran.code, {line[2] for line in ran.lines}) == (0, {"matches"})


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_json_has_every_stage(batch: Run, vendor: str) -> None:
    """To be compared step by step with those of another program; the key is masked."""
    case = stored(vendor)[0]
    ran = batch(vendor, json.dumps(case["params"]), "-o", "json")
    (request,) = ran.json["data"]["requests"]
    assert request["signature"] == case["signature"]
    masked = {label: value.replace(case["secret"], "***") for label, value in case["stages"].items()}
    assert {stage["label"]: stage["value"] for stage in request["stages"]} == masked
    assert ran.json["data"]["counts"] == {request["verdict"]: 1}


def test_an_object_keeps_its_order_and_a_list_repeats_a_name(batch: Run) -> None:
    """As the pairs that it stands for."""
    one = '{"project": "p", "recipients": ["1", "2"], "message": "Hi"}'
    same = '[["project", "p"], ["recipients", "1"], ["recipients", "2"], ["message", "Hi"]]'
    first, second = batch("mainsms", f"{one}\n{same}\n").lines
    assert first[1:] == second[1:]


def test_of_a_repeated_name_the_last_value_is_signed(batch: Run) -> None:
    """As PHP counts, and as a capture of the same request is read; the places of an array all count."""
    twice = '{"project": "p", "recipients": ["1", "2"], "message": "Hi"}'
    once = '{"project": "p", "recipients": "2", "message": "Hi"}'
    array = '{"project": "p", "recipients[]": ["1", "2"], "message": "Hi"}'
    first, second, third = batch("mainsms", f"{twice}\n{once}\n{array}\n").lines
    assert first[1] == second[1] != third[1]
    assert first[3] == "recipients: sent more than once; the last one counts, as with PHP"
    assert (second[3], third[3]) == ("", "")


def test_many_repeated_names_in_a_line_take_no_longer_than_the_line(batch: Run) -> None:
    """Each is counted once: the square of their number would be minutes."""
    line = json.dumps({f"name{number}": ["1", "2"] for number in range(40_000)})
    assert len(line) < MAX_LINE
    begun = time.thread_time()
    (cells,) = batch("mainsms", line).lines
    assert time.thread_time() - begun < 5
    assert cells[2] == "signed"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "it is not JSON (column 1)"),
        (b'{"login": "\xcf\xf0"}', "it is not UTF-8"),
        ("[" * 100_000, "it is not JSON that can be read"),
        ('"login"', "it is neither an object of parameters nor a list of pairs"),
        ('[["login"]]', "it is neither an object of parameters nor a list of pairs"),
        ("{}", "there is no parameter that lightsms signs"),
        ('{"login": 5}', "names and values are texts: write each as it is sent, in quotes"),
        ('{"login": {"a": "b"}}', "names and values are texts: write each as it is sent, in quotes"),
        ('{"login": "\\ud800"}', "a parameter or the key is not valid UTF-8"),
        ('{"login": "' + "x" * MAX_LINE + '"}', f"it is longer than {MAX_LINE} bytes"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "bytes",
)
def test_a_line_that_cannot_be_read_stops_nothing(batch: Run, line: str | bytes, why: str) -> None:
    """It says why, and the status is 2; blank lines are none."""
    data = line if isinstance(line, bytes) else line.encode()
    ran = batch("lightsms", b'\n{"login": "one"}\n' + data + b'\r\n\n{"login": "two"}')
    assert ran.code == 2
    assert [(cells[0], cells[2], cells[3]) for cells in ran.lines] == [
        ("2", "signed", ""), ("3", "unreadable", why), ("5", "signed", ""),
    ]  # fmt: skip
    assert "1 of 3 lines cannot be read" in ran.err


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_signature_that_differs_is_exit_4(batch: Run, output: str) -> None:
    """All lines are told, and the one that was sent is not."""
    ran = batch("lightsms", '{"login": "one", "signature": "00"}\nnonsense\n{"login": "two"}', "-o", output)
    assert ran.code == 4
    assert "1 of 3 signatures do not match" in ran.err
    assert "with one of them as it was sent (a=1&b=2)" in ran.err
    if output == "plain":
        assert [cells[2] for cells in ran.lines] == ["differs", "unreadable", "signed"]
    else:
        assert (ran.json["exit_code"], ran.json["data"]["requests"][0]["expected"]) == (4, "00")


def test_a_signature_that_differs_hides_no_line_that_cannot_be_read(batch: Run) -> None:
    """Both are counted."""
    ran = batch("lightsms", '{"login": "one", "signature": "x"}\n{}\n')
    assert (ran.code, "1 of 2 signatures do not match, 1 cannot be read" in ran.err) == (4, True)


def test_lines_come_from_stdin_as_well(smscli: Run) -> None:
    """For a pipe; the same in both formats."""
    argv = ("sign", "--sandbox", "--provider", "lightsms", "--batch", "-")
    lines = b'{"login": "one"}\n{"login": "two"}\n'
    plain, tree = smscli(*argv, stdin=lines), smscli(*argv, "-o", "json", stdin=lines)
    assert [cells[1] for cells in plain.lines] == [one["signature"] for one in tree.json["data"]["requests"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--batch", "none.jsonl"), "cannot read the batch 'none.jsonl'"),
        (("--batch", "-", "--explain"), "are about one request"),
        (("--batch", "-", "login=x"), "parameters come from one place"),
        (("--batch", "-", "--key-file", "-"), "stdin cannot be both"),
        (("--batch", "-"), "the batch is empty"),
    ],
)
def test_what_is_no_batch_is_refused(smscli: Run, words: tuple[str, ...], said: str) -> None:
    """With exit 2."""
    ran = smscli("sign", "--sandbox", "--provider", "lightsms", *words, stdin=b"\n")
    assert (ran.code, said in ran.err) == (2, True), ran.err
