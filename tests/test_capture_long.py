"""Captures longer than a script: each command in them is read, or it is said that it is not."""

from __future__ import annotations

import re

import pytest

from smscli.capture import read_all
from smscli.errors import InputError

U = "https://sms.example/x"
LOG = "16:00:05 worker 3: it's sent, 5 of 100\n" * 4000


def test_the_last_of_many_commands_is_read() -> None:
    """Whatever the length."""
    got = read_all("".join(f"+ curl -s '{U}?a={number}&b=%20\\'\n" for number in range(4000)) + f"+ curl -d b=2 {U}\n")
    assert (len(got), got[-1].params, got[-1].place) == (4001, (("b", "2"),), "line 4001")
    assert not [one for one in got if one.fault or one.notes]


@pytest.mark.parametrize(
    "command",
    [
        f"curl -G {U} \\\n  --data-urlencode a=1 \\\n  -d 'b=\n'",
        f"curl {U}?a=1 -d @- <<E\nb=\n\nE",
        f"printf 'b=' | curl {U}?a=1 -d @-",
        f"B='b='\nexport U={U}?a=1\ncurl $U -d $B",
        f"* * * * * root curl '{U}?a=1&b='",
        f'curl -X POST "{U}?a=1" ^\n  -d ^"b=^"',
        f"curl -X POST {U}?a=1 `\n  -d b=",
        f'ssh host "curl {U}?a=1 -d b="',
    ],
)
def test_a_command_is_read_with_the_lines_in_which_it_goes_on(command: str) -> None:
    """As in a short text; what a variable is was set in a line of its own."""
    first, last = read_all(f"{LOG}{command}\n{LOG}{command}\n")
    alone = read_all(command)[0]
    assert dict(first.params) == dict(last.params) == dict(alone.params)
    assert [value.strip() for value in dict(first.params).values()] == ["1", ""]
    lines = 4000, 4000 * 2 + command.count("\n") + 1
    own = int(alone.place.removeprefix("line "))
    assert [first.place, last.place] == [f"line {line + own}" for line in lines]


def test_a_batch_file_is_one_of_cmd_to_its_end() -> None:
    """Where two percent signs are one."""
    got = read_all("@echo off\n" + "rem x\n" * 30_000 + f'curl "{U}?a=100%%25"\n')
    assert [one.params for one in got] == [(("a", "100%"),)]


def test_a_command_that_cannot_be_read_is_said_and_hides_no_other() -> None:
    """An open quote ends in its line."""
    got = read_all(f"{LOG}5 4 * * * curl '{U}?a=%20'\ncurl {U}?a=2\ncurl '{U}?a=1\n")
    assert [one.place for one in got] == ["line 4001", "line 4002", "line 4003"]
    assert got[2].fault == (
        "the captured command in line 4003 cannot be read: a quote in line 4003 of the captured command is not closed"
    )
    assert (got[1].params, got[1].fault) == ((("a", "2"),), "")
    assert "line 4001: cron ends a command at its first %" in got[0].fault


def test_a_word_of_a_log_that_is_no_command_hides_no_request() -> None:
    """It is said, and the log is read."""
    got = read_all(f'{LOG}curl it\'s\n1.2.3.4 - - "GET /x?a=1 HTTP/1.1" 200\n')
    assert [bool(one.fault) for one in got] == [True, False]
    assert got[1].params == (("a", "1"),)


def test_what_is_longer_than_any_script_is_said() -> None:
    """A command; its rest is none."""
    one, other = read_all(f"curl {U}?a={'1' * 140_000}\ncurl {U}?a=2\n")
    assert "longer than" in one.fault
    assert other.params == (("a", "2"),)


def test_a_quote_that_is_closed_behind_the_limit_is_not_called_open() -> None:
    """The limit is named, of one command and of one among others."""
    long = f"curl -d 'a={'1' * 140_000}' {U}"
    why = r"the captured command in line 1 cannot be read: it is longer than 131072 characters$"
    with pytest.raises(InputError, match=why):
        read_all(long)
    one, other = read_all(f"{long}\ncurl {U}?a=2\n")
    assert re.search(why, one.fault)
    assert other.params == (("a", "2"),)


@pytest.mark.parametrize("prompt", ["+ ", "$ ", ""])
def test_an_apostrophe_between_commands_hides_none(prompt: str) -> None:
    """What a prompt marks is read; without one it is refused, for the quote may be meant."""
    first, second = f"{prompt}curl '{U}?a=1'", f"{prompt}curl '{U}?a=2' -d b=3"
    text = f"{first}\nit's done\n{second}\nthat's all\n"
    if prompt:
        assert [dict(one.params)["a"] for one in read_all(text)] == ["1", "2"]
    else:
        with pytest.raises(InputError, match="a quote behind line 2 of the captured commands goes on over a line that"):
            read_all(text)
    in_value = f"curl {U}?a=1 -d b='it\n{second}'\n"
    with pytest.raises(InputError, match="goes on over a line that begins with one"):
        read_all(in_value)
    assert len(read_all(f"{first}\necho 'see:\ncurl x'\n")) == 1


@pytest.mark.parametrize("shell", ["ssh host", "bash -s", "sudo sh"])
def test_commands_that_a_shell_gets_are_read(shell: str) -> None:
    """In a here-document, with their lines."""
    got = read_all(f"curl {U}?a=1\n{shell} <<'E'\ncd x\ncurl {U}?a=2\nE\ncurl {U}?a=3\n")
    assert [(dict(one.params)["a"], one.place) for one in got] == [("1", "line 1"), ("2", "line 4"), ("3", "line 6")]


def test_each_address_in_a_line_is_one() -> None:
    """But one that stands there twice."""
    got = read_all(f"see {U}?a=1, {U}?a=2 and {U}?a=1 <a href='{U}?a=3'>{U}?a=3</a>\n")
    assert [one.params for one in got] == [(("a", "1"),), (("a", "2"),), (("a", "3"),)]


@pytest.mark.parametrize("call", [f'fetch("{U}?a=1")', f"Invoke-WebRequest -Uri {U}?a=1", f'irm "{U}?a=1"'])
def test_calls_that_are_not_read_in_long_texts_are_refused(call: str) -> None:
    """With the limit; a program that only names them is a log as others are."""
    with pytest.raises(InputError, match=r"longer than 131072 characters: calls of \w+ in it are not read"):
        read_all(f"{LOG}{call}\n")
    named = f"fetch( is not called, nor is Invoke-WebRequest\n{LOG}curl {U}?a=1\n"
    assert [one.params for one in read_all(named)] == [(("a", "1"),)]
