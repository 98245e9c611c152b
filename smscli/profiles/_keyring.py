"""The program that speaks with the keyring: ``_keyring.py SECONDS get|put|discard USER``, of the service ``smscli``.

It is run by ``_secrets.Keyring`` in a process of its own, which can be killed, and imported by nobody: a locked keyring
waits for ever, a backend may print, and importing one costs a quarter of a second. A secret comes in on stdin and goes
out on stdout. The exit status says what is wrong; of an error that has none of its own, stdout has the kind. After
SECONDS it ends by itself, whatever has become of whoever asked.
"""

from __future__ import annotations

import os
import signal
import sys

NO_ENTRY, NO_PACKAGE, NO_BACKEND, LOCKED, FORGETFUL, TAKEN, TROUBLE = range(3, 10)
"""Exit statuses besides 0; ``_secrets`` has their sentences."""

_SERVICE = "smscli"


def main(action: str, user: str) -> tuple[int, bytes]:
    """Do one thing; return the exit status, and what goes to stdout."""
    try:
        import keyring
        from keyring.errors import KeyringLocked, NoKeyringError
    except ImportError:
        return NO_PACKAGE, b""
    try:
        if action == "put":
            secret = sys.stdin.buffer.read().decode()
            if keyring.get_password(_SERVICE, user) not in (None, secret):
                return TAKEN, b""
            keyring.set_password(_SERVICE, user, secret)
            # The null backend takes everything and keeps nothing.
            return (0 if keyring.get_password(_SERVICE, user) == secret else FORGETFUL), b""
        entry = keyring.get_password(_SERVICE, user)
        if entry is None:
            return NO_ENTRY, b""
        if action == "discard":
            keyring.delete_password(_SERVICE, user)
            return 0, b""
        return 0, entry.encode()
    except NoKeyringError:
        return NO_BACKEND, b""
    except KeyringLocked:
        return LOCKED, b""
    except Exception as error:  # noqa: BLE001  (a backend may raise anything, and none of its words may be repeated)
        return TROUBLE, type(error).__name__.encode()


if __name__ == "__main__":
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))  # nobody handles it: the kernel ends the process
    answer = os.dup(1)
    os.dup2(2, 1)  # what a backend prints is no part of the answer
    status, output = main(*sys.argv[2:])
    os.write(answer, output)
    os._exit(status)  # a thread of a backend's must not keep it
