"""The messages of a list: judged as a whole, planned as they were judged, in little memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from smscli.cli.roster import Changes, Reading, Roster, Verdict, opened, readable, refusal, remarks
from smscli.errors import ConfigError, InputError
from smscli.journal import ListFingerprint
from smscli.model import MSISDN
from smscli.runtime import Runtime
from tests.conftest import Stream

A, B, C = "+79161234567", "+79161234568", "+79161234569"


AS_IT_IS = Changes()


def fingerprint(sender: str = "") -> ListFingerprint:
    """Return a fingerprint to be filled."""
    return ListFingerprint(
        provider="mainsms", base_url="https://vendor.example/", account_id="me", sender=sender, test=False
    )  # fmt: skip


def judged(
    content: str, text: str | None = "Hi {name}", changes: Changes = AS_IT_IS, *, most: int = 1000, **options: Any
) -> tuple[Verdict, list[tuple[int, str, str]]]:  # fmt: skip
    """Return the verdict of a list, and its messages."""
    options = {"refuse": lambda _number, _text: None} | options
    with closing(Roster(io.BytesIO(content.encode()), Reading(), text, changes, **options)) as roster:
        verdict = roster.judge(fingerprint(), most=most)
        return verdict, [(row, str(number), text) for row, number, text in roster.messages()]


# --- judged -----------------------------------------------------------------------------------------------------------


def test_messages_are_those_that_were_judged() -> None:
    """Row, recipient and text of each good row, in their order; again and again."""
    content = f"phone,name\n{A},Jo\n12,Bad\n{B},Ann\n"
    with closing(
        Roster(io.BytesIO(content.encode()), Reading(), "Hi {name}", Changes(), refuse=lambda *_: None)
    ) as roster:
        roster.judge(fingerprint())
        first, again = list(roster.messages()), list(roster.messages())
    assert first == again == [(2, MSISDN(A[1:]), "Hi Jo"), (4, MSISDN(B[1:]), "Hi Ann")]


def test_a_verdict_counts_rows_recipients_and_parts() -> None:
    """With the first three messages to look at."""
    verdict, _ = judged(f"phone,name\n{A},{'ж' * 80}\n{B},Jo\n{A},Jo\n12,Jo\n{C},Jo\n")
    survey = verdict.survey
    assert (survey.rows, survey.good, survey.bad, survey.repeat_count) == (5, 4, 1, 1)
    assert (verdict.recipients, verdict.parts, verdict.most_parts, verdict.ucs2) == (3, 4, 2, 1)
    assert [str(number) for number, _ in verdict.examples] == [A, B, C]


def test_all_that_is_wrong_with_a_row_is_told() -> None:
    """Its number and its values at once."""
    verdict, messages = judged("phone,name\n12,\n")
    assert [problem.column for problem in verdict.survey.problems] == ["phone", "name"]
    assert messages == []


@pytest.mark.parametrize(("value", "why"), [("a\0b", "NUL"), ("\u0600" * 80, "has 2 parts"), ("no", "does not take")])
def test_a_text_that_cannot_be_sent_is_a_problem_of_its_row(value: str, why: str) -> None:
    """Whoever refuses it: the text's own rules, --max-parts, or the vendor."""

    def refuse(_number: MSISDN, text: str) -> None:
        if text == "no":
            raise InputError("the vendor does not take it")

    verdict, _ = judged(f"phone,text\n{A},{value}\n{B},fine\n", None, Changes(most_parts=1), refuse=refuse)
    (problem,) = verdict.survey.problems
    assert (problem.row, why in problem.text) == (2, True), problem
    assert verdict.recipients == 1


def test_of_one_text_only_the_number_is_a_problem_that_the_vendor_does_not_take() -> None:
    """It is asked about many at once, and about each where it refuses them; their order stays."""
    asked: list[int] = []

    def refuse(numbers: tuple[MSISDN, ...], _text: str) -> None:
        asked.append(len(numbers))
        if any(number.digits.endswith("7") for number in numbers):
            raise InputError("no sevens")

    people = [f"+3706000001{place}" for place in range(10)]
    verdict, messages = judged(
        "\n".join(["phone,name", *(f"{p},x" for p in people)]), "Hi", refuse=refuse, batch_size=4
    )
    assert [(problem.row, problem.text) for problem in verdict.survey.problems] == [(9, "no sevens")]
    assert [place for place, *_ in messages] == [2, 3, 4, 5, 6, 7, 8, 10, 11]
    assert asked == [4, 4, 1, 1, 1, 1, 2]


def test_a_repeated_recipient_is_planned_once_unless_allowed() -> None:
    """The first row counts."""
    content = f"phone,name\n{A},Jo\n{A},Ann\n"
    assert judged(content)[1] == [(2, A, "Hi Jo")]
    assert judged(content, allows_duplicates=True)[1] == [(2, A, "Hi Jo"), (3, A, "Hi Ann")]


@pytest.mark.parametrize("name", ["text", "Message", "SMS", "текст", "mesaj", "žinutė"])
def test_a_column_of_texts_is_known_by_its_name(name: str) -> None:
    """In the languages of the vendors' customers; a template beats it."""
    content = f"phone,{name}\n{A},Hello {{x}}\n"
    assert judged(content, None)[1] == [(2, A, "Hello {x}")]
    assert judged(content, "Bye")[1] == [(2, A, "Bye")]


def test_a_list_without_texts_and_without_a_template_is_refused() -> None:
    """It is said how to give one."""
    with pytest.raises(InputError, match="no text"):
        judged(f"phone\n{A}\n", None)


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb"])
def test_line_breaks_become_line_feeds(text: str) -> None:
    """As in every text."""
    assert judged(f"phone\n{A}\n", text)[1] == [(2, A, "a\nb")]


def test_changes_are_made_row_by_row_and_counted() -> None:
    """What GSM-7 can write stays as it is."""
    verdict, messages = judged(f"phone,name\n{A},Şule\n{B},Jo\n", changes=Changes(transliterated=True))
    assert [text for _, _, text in messages] == ["Hi Sule", "Hi Jo"]
    assert (verdict.changed, verdict.ucs2) == (1, 0)


# --- its fingerprint --------------------------------------------------------------------------------------------------

ONE = f"phone,name\n{A},Jo\n{B},Ann\n"


@pytest.mark.parametrize(
    "other",
    [
        f"phone,name\n{A},Jo\n",
        f"phone,name\n{B},Jo\n{A},Ann\n",
        f"phone,name\n{A},Ann\n{B},Jo\n",
        f"phone,name\n{A},Jo\n{B},Ann.\n",
        f"phone,name\n{A},Jo\n{B},Ann\n{C},Cy\n",
        f"phone,name\n{A},Jo\n12,Bad\n{B},Ann\n",
    ],
    ids=["fewer", "recipients swapped", "texts swapped", "a letter", "more", "rows moved"],
)
def test_another_list_has_another_fingerprint(other: str) -> None:
    """Under one key they would be two jobs."""
    assert judged(ONE)[0].fingerprint != judged(other)[0].fingerprint


def test_the_same_messages_have_one_fingerprint_whatever_file_they_came_in() -> None:
    """The order of columns, the delimiter and spellings of a number are no content."""
    same = f"name;phone\nJo;'{A}\nAnn;{B[:5]} {B[5:]}\n"
    assert judged(ONE)[0].fingerprint == judged(same)[0].fingerprint


# --- memory -----------------------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A list of very many rows that is made as it is read."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.seek(0)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Begin anew."""
        self._lines = self._made()
        self._rest = b""
        return 0

    def _made(self) -> Iterator[bytes]:
        yield b"phone,name\n"
        for number in range(self._rows):
            yield b"+7916%07d,N%d\n" % (number, number)

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer."""
        while len(self._rest) < len(buffer) and (line := next(self._lines, b"")):
            self._rest += line
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_memory_does_not_grow_with_the_list() -> None:
    """What is kept of a row is one bit or two of its recipient; its text is on disk."""

    def peak(rows: int) -> int:
        tracemalloc.start()
        try:
            with closing(
                Roster(Endless(rows), Reading(), "Hi {name} {name}", Changes(), refuse=lambda *_: None)  # type: ignore[arg-type]  # enough of a file
            ) as roster:
                assert roster.judge(fingerprint()).recipients == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(2000), peak(8000)
    assert many - few < 6000 * 150


# --- where it comes from ----------------------------------------------------------------------------------------------


def runtime(stdin: Stream | None) -> Runtime:
    """Return a world with this stdin."""
    return Runtime({}, stdin, None, None)


def test_what_can_be_read_once_is_copied() -> None:
    """A pipe is read for its verdict, and for its result file."""
    with opened(runtime(Stream(b"x\ny\n")), "-") as file:
        assert [(file.seek(0), file.read()) for _ in range(2)] == [(0, b"x\ny\n")] * 2


def test_trouble_behind_the_reading_is_not_called_unreadable(tmp_path: Path) -> None:
    """It may come after something was sent, and "cannot read" would say that nothing was."""
    (tmp_path / "list").write_text("x")

    def fail() -> NoReturn:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), opened(runtime(None), str(tmp_path / "list")):
        fail()
    with pytest.raises(InputError, match="cannot read the list 'a': No space"), readable("a"):
        fail()


@pytest.mark.parametrize("stdin", [None, Stream(terminal=True)])
def test_a_list_on_stdin_is_not_waited_for_on_a_terminal(stdin: Stream | None) -> None:
    """Nor when it is closed."""
    with pytest.raises(InputError, match="there is no list on stdin"), opened(runtime(stdin), "-"):
        pass


def test_no_room_for_the_plan_is_an_error_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3: the list is right."""
    import tempfile

    from smscli.cli import roster

    monkeypatch.setattr(roster, "_IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+", encoding="utf-8"))  # noqa: SIM115  (SpooledTemporaryFile closes it)
    with pytest.raises(ConfigError, match=r"cannot keep the planned messages in .*: No space left"):
        judged(ONE)


# --- what is said of it -----------------------------------------------------------------------------------------------


def test_a_few_remarks_of_each_kind_are_made() -> None:
    """And how many there are besides."""
    verdict, _ = judged("phone,name\n" + f"{A},Jo\n" * 9)
    assert list(remarks(verdict.survey, most=2)) == [
        f"row 3: {A} is in row 2 already", f"row 4: {A} is in row 2 already", "6 more rows are repeated",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lists_all", "hint"),
    [(False, "3 more problems: see all with --validate-only"), (True, "3 more problems: mend these first")],
)
def test_a_refusal_says_how_many_problems_it_does_not_name(lists_all: bool, hint: str) -> None:
    """None is passed over in silence."""
    verdict, _ = judged("phone,name\n" + "+12,Jo\n" * 5, most=2)
    error = refusal("list", verdict.survey, lists_all=lists_all)
    assert (error.message, len(error.problems)) == ("list: 5 of 5 rows cannot be sent", 2)
    assert hint in (error.hint or "")
    assert "--skip-invalid" not in (error.hint or "")


def test_a_refusal_offers_to_leave_bad_rows_out_where_others_are_good() -> None:
    """Otherwise nothing would be sent."""
    verdict, _ = judged(f"phone,name\n{A},Jo\n12,Jo\n")
    assert "--skip-invalid sends to the others" in (refusal("-", verdict.survey, lists_all=True).hint or "")
    assert refusal("-", verdict.survey, lists_all=True).message == "the list: 1 of 2 rows cannot be sent"


def test_a_guard_of_ones_own_is_a_problem_of_the_row() -> None:
    """--max-parts refuses a text with its row, and says how it could pass."""
    verdict, _ = judged(f"phone,text\n{A},{'x' * 161}\n", None, Changes(most_parts=1))
    assert "GSM-7, 161 units" in (verdict.survey.problems[0].hint or "")
