"""Checks that run at the same time, each under a deadline of its own: one that hangs does not hold the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from smscli.cli import findings
from smscli.cli.findings import Finding, Level
from smscli.errors import ExitCode, SmscliError

# What has a deadline of its own tells it better, and a moment later.
_SLACK = 0.5


class SkipCheck(Exception):  # noqa: N818  (it is no error)
    """There is nothing to look at, for the reason given; what depends on the check may go on."""


class Check:
    """One check, begun at once: ``work`` gives its finding, raises SkipCheck, or raises what is the problem.

    It has ``seconds`` once those in ``after`` have ended well, and is skipped when one of them has not. ``status`` is
    that of its problems, ``hint`` what to do when it hangs: then its thread is left to itself, and ends with the
    process. Nothing is raised here but a bug, by ``result``.
    """

    def __init__(
        self, name: str, work: Callable[[], Finding], seconds: float, *,
        status: ExitCode, hint: str, after: Sequence[Check] = (),
    ) -> None:  # fmt: skip
        self.name = name
        self._work, self._seconds, self._status, self._hint, self._after = work, seconds, status, hint, tuple(after)
        self._finding: Finding | None = None
        self._bug: Exception | None = None
        self._is_passed = False
        self._supervisor = self._thread(self._supervise)

    def result(self) -> Finding:
        """Wait for the finding, and return it."""
        self._supervisor.join()
        if self._bug:
            raise self._bug
        assert self._finding is not None  # noqa: S101  (the supervisor leaves one, or a bug)
        return self._finding

    def is_passed(self) -> bool:
        """Wait for its end, and return whether what depends on it may go on."""
        self._supervisor.join()
        return self._is_passed

    def _supervise(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001  (as below: a thread has nobody to raise to)
            self._bug = error

    def _watch(self) -> None:
        for check in self._after:
            if not check.is_passed():
                self._finding = findings.skipped(self.name, f"it needs the check of {check.name} to end well")
                return
        endings: list[tuple[Finding | None, bool, Exception | None]] = []
        self._thread(lambda: endings.append(self._outcome())).join(self._seconds + _SLACK)
        if endings:
            self._finding, self._is_passed, self._bug = endings[0]
        else:
            self._finding = findings.hang(self.name, self._seconds, self._hint, self._status)

    def _outcome(self) -> tuple[Finding | None, bool, Exception | None]:
        try:
            finding = self._work()
        except SkipCheck as reason:
            return findings.skipped(self.name, str(reason)), True, None
        except SmscliError as error:
            return findings.problem(self.name, error, self._status), False, None
        except Exception as error:  # noqa: BLE001  (told in the thread that asks for the result)
            return None, False, error
        return finding, finding.level is not Level.PROBLEM, None

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=f"smscli-{self.name}", daemon=True)
        thread.start()
        return thread
