"""One run of the program, as every command sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from smscli.errors import SmscliError
from smscli.interruption import Interruption
from smscli.render import Output, Result, explain
from smscli.runtime import Runtime, Wanted

if TYPE_CHECKING:
    # What Typer calls a command at run time; the names are its own.
    from typer._click.core import Context

    from smscli.dispatch import Caller
    from smscli.model import Account, Profile, Secret
    from smscli.providers import Provider
    from smscli.tracing import Trace

PROGRAM = "smscli"


class Invocation:
    """One run of the program: the outside world, and what the options that every command has asked for.

    ``show`` puts a result out at once, for a command that goes on after it; ``write_note`` a line on stderr. What a
    command enters into ``resources`` stays open until its result is written.
    """

    def __init__(
        self, runtime: Runtime, show: Callable[[Result], None], write_note: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.runtime = runtime
        self.path = PROGRAM
        self.output = usual_output(runtime)
        self.show = show
        self._write_note = write_note
        self.quiet = False
        self.trace: Trace | None = None
        self.wanted = Wanted()
        self.resources = ExitStack()
        self._doubted: set[Secret] = set()

    @property
    def command(self) -> str:
        """The command's own words: ``profile add``."""
        return self.path.removeprefix(f"{PROGRAM} ")

    def speak(self, context: Context) -> None:
        """Take from a context, read or forgiven, which command it is and in which format its result is wanted."""
        self.path = context.command_path
        named = context.params.get("output")
        self.output = Output(named) if named else usual_output(self.runtime)

    def tell(self, note: str) -> None:
        """Put a note out at once: it has to be read before what comes next."""
        if not self.quiet:
            self._write_note(note)

    def complain(self, error: SmscliError) -> None:
        """Put an error out at once, also with -q: the command goes on and keeps its status."""
        for line in explain(error).removeprefix(f"{PROGRAM}: ").splitlines():
            self._write_note(line.strip())

    def warn(self, note: str) -> None:
        """Put a note out at once, also where notes are not wanted: something is lost."""
        self._write_note(note)

    def follow(self, level: int) -> None:
        """Put out on stderr what is done from now on, in more detail from level 2 on."""
        if level:
            from smscli.tracing import Trace  # only who wants to see it pays for it

            self.trace = Trace(self._write_note, self.runtime.monotonic, level)

    def caller(
        self, profile: Profile, account: Account, interruption: Interruption | None = None
    ) -> AbstractContextManager[tuple[Provider, Caller]]:
        """Open the way to the profile's vendor."""
        self._say_whose(profile, account)
        return self.runtime.caller(self.wanted, profile, account, interruption=interruption, trace=self.trace)

    def callers(
        self, profile: Profile, account: Account, count: int, interruption: Interruption, notice: Callable[[], str]
    ) -> AbstractContextManager[tuple[Provider, tuple[Caller, ...]]]:
        """Open as many ways to the profile's vendor; ``notice`` answers a signal."""
        self._say_whose(profile, account)
        return self.runtime.callers(
            self.wanted, profile, account, count, interruption=interruption, trace=self.trace, notice=notice
        )

    def parties(
        self, parties: Sequence[tuple[Profile, Account]], interruption: Interruption,
        notice: Callable[[], str] | None = None,
    ) -> AbstractContextManager[tuple[Caller, ...]]:  # fmt: skip
        """Open a way to the vendor of each profile; ``notice`` answers a signal."""
        for profile, account in parties:
            self._say_whose(profile, account)
        return self.runtime.parties(self.wanted, parties, interruption=interruption, trace=self.trace, notice=notice)

    def _say_whose(self, profile: Profile, account: Account) -> None:
        from smscli import profiles

        doubt = profiles.doubt(account.secret)
        if doubt and account.secret not in self._doubted:  # once, however often it is asked after its send
            self._doubted.add(account.secret)
            self.tell(f"warning: {doubt}")
        if self.trace:
            whose = profile.name or ("the sandbox's" if profile.sandbox else "the environment's")
            self.trace(f"account: {whose}, {profile.provider}, {len(profile.sources)} values")


def usual_output(runtime: Runtime) -> Output:
    """Return the format of a command line that names none; a variable that names none either is told by a command."""
    named = runtime.environ.get("SMSCLI_OUTPUT", "")
    if named in set(Output):
        return Output(named)
    return Output.TABLE if runtime.is_terminal(runtime.stdout) else Output.PLAIN
