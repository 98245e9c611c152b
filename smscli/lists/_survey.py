"""What a list is like as a whole: counts of everything, and the first of each kind of remark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from smscli.lists._template import Template
from smscli.lists._values import USUAL_PREFIXES, Remark, Repair, Row
from smscli.model import visible


class Survey:
    """The sum of the rows that were added. Of each kind of remark the first ``limit`` are here; all are counted.

    ``rows`` is ``good`` and ``bad``. ``repairs`` counts by kind, ``repaired``, ``doubts`` and ``repeats`` are about
    good rows: damage that was repaired, numbers that no plan assigns, and recipients that a row before had.
    """

    def __init__(self, template: Template | None = None, limit: int = 1000) -> None:
        self._template = template
        self._limit = limit
        self.good = 0
        self.bad = 0
        self.problem_count = 0
        self.problems: list[Remark] = []
        self.repairs: Counter[Repair] = Counter()
        self.repaired: list[Remark] = []
        self.doubt_count = 0
        self.doubts: list[Remark] = []
        self.repeat_count = 0
        self.repeats: list[Remark] = []

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.good + self.bad

    def add(self, row: Row) -> tuple[Remark, ...]:
        """Count a row; return all that is wrong with it, what the template misses included."""
        problems = row.problems
        if self._template is not None and row.values:
            faults = self._template.faults(row.values)
            problems += tuple(Remark(row.number, row.line, name, fault) for name, fault in faults)
        if problems:
            self.bad += 1
            self.problem_count += len(problems)
            self.problems += problems[: self._limit - len(self.problems)]
            return problems
        self.good += 1
        self._remark(row)
        return ()

    def _remark(self, row: Row) -> None:
        if row.repairs:
            self.repairs.update(row.repairs)
            if len(self.repaired) < self._limit and not USUAL_PREFIXES.issuperset(row.repairs):
                text = f"{visible(row.cell[:40])!r} is {row.to}: {'; '.join(row.repairs)}"
                self.repaired.append(Remark(row.number, row.line, None, text))
        if row.warning:
            self.doubt_count += 1
            if len(self.doubts) < self._limit:
                self.doubts.append(Remark(row.number, row.line, None, row.warning))
        if row.first is not None:
            self.repeat_count += 1
            if len(self.repeats) < self._limit:
                self.repeats.append(Remark(row.number, row.line, None, f"{row.to} is in row {row.first} already"))


def survey(rows: Iterable[Row], template: Template | None = None, limit: int = 1000) -> Survey:
    """Return what all rows are like together; none of them is kept."""
    total = Survey(template, limit)
    for row in rows:
        total.add(row)
    return total
