"""Would a test notice? mutmut changes the code in small ways, one at a time, and runs the tests that reach the change.

Run it with the interpreter of the environment that has smscli's ``dev`` extra installed::

    python benchmarks/mutation.py [--max-children N] [PATTERN ...]

A pattern names mutants: ``smscli.journal.*``; without one, all that ``pyproject.toml`` lists are tried. Results stay in
``mutants/`` and are taken up again. Printed are the survivors as diffs, and a table for ``mutation.md``.

Words are left alone: a string with a blank in it is a sentence, for a person or for SQLite, and so is every ``hint``.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import libcst
from mutmut.__main__ import cli
from mutmut.mutation import mutators
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

COLUMNS = ("killed", "timeout", "caught by type check", "survived", "no tests")


def strings(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
    """Yield one change of a string that is no sentence: other capitals are rarely another meaning to SQL or HTTP."""
    if not (isinstance(node, libcst.SimpleString) and " " in node.value):
        yield from islice(mutators.operator_string(node), 1)


def arguments(node: libcst.Call) -> Iterable[libcst.Call]:
    """Yield the call with an argument left out or None, but for hints."""
    hints = [argument for argument in node.args if argument.keyword and argument.keyword.value == "hint"]
    for mutant in mutators.operator_arg_removal(node):
        if all(any(hint is argument for argument in mutant.args) for hint in hints):
            yield mutant


def report() -> None:
    """Print the survivors, and the figures of each module."""
    table = ["| module | " + " | ".join((*COLUMNS, "other")) + " | killed of what types let pass |"]
    table.append("|---|" + "--:|" * (len(COLUMNS) + 2))
    total = Counter[str]()
    for path in sorted(Path("mutants").rglob("*.py.meta")):
        source = path.relative_to("mutants").with_suffix("")
        statuses = {
            name: status_by_exit_code[code] for name, code in json.loads(path.read_text())["exit_code_by_key"].items()
        }
        for name, status in statuses.items():
            if status not in ("killed", "timeout", "caught by type check", "not checked"):
                print(f"\n# {name}: {status}\n{get_diff_for_mutant(name, path=source)}")  # noqa: T201  (a benchmark prints)
        counts = Counter(status for status in statuses.values() if status != "not checked")
        if counts:
            table.append(row(str(source), counts))
            total += counts
    print("", *table, row("**all**", total), sep="\n")  # noqa: T201


def row(name: str, counts: Counter[str]) -> str:
    """Return one line of the table."""
    cells = [counts[column] for column in COLUMNS]
    dead, tried = counts["killed"] + counts["timeout"], counts.total() - counts["caught by type check"]
    share = f"{100 * dead / tried:.1f} %" if tried else "–"
    return f"| {name} | " + " | ".join(map(str, (*cells, counts.total() - sum(cells)))) + f" | {share} |"


if __name__ == "__main__":
    ours = {mutators.operator_string: strings, mutators.operator_arg_removal: arguments}
    operators = mutators.mutation_operators
    operators[:] = [(kind, ours.get(change, change)) for kind, change in operators]  # type: ignore[index]  # a list
    # mutmut calls mypy by its name: the one beside this interpreter.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    cli(["run", *sys.argv[1:]], standalone_mode=False)
    report()
