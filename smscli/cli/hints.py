"""What to do about a journal's trouble, as command lines."""

from __future__ import annotations

from shlex import quote

from smscli.journal import Hints


def journal_hints(*, sandbox: bool) -> Hints:
    """Return the hints for the vendors' journal, or for the sandbox's."""
    options = " --sandbox" if sandbox else ""
    # SMSCLI_JOURNAL outweighs SMSCLI_STATE_DIR, and is never the sandbox's.
    another = "name another directory in SMSCLI_STATE_DIR" if sandbox else "name another file in SMSCLI_JOURNAL"
    return Hints(
        damaged="keep the file, it says what was sent; to begin a new one (keys used so far are then forgotten) move "
        f"it away and run: smscli journal init{options}; or use --no-journal",
        elsewhere=f"make it writable for you alone, {another}, or use --no-journal",
        another=f"{another}, or use --no-journal",
        newer=f"use that version, or keep a journal of this one: {another}",
        older=f"once, as the role that made the tables: smscli journal check{options}; the rights of the others stay",
        gone=f"bring it back from where it went; or begin a new one on purpose: smscli journal init{options}",
        server="look at its address, role and password (SMSCLI_JOURNAL, or journal at the top of the profile file), "
        "or use --no-journal",
        keys=f"see them all: smscli journal list{options}",
        decide="find out at the vendor, then: smscli journal resolve KEY --sent or --not-sent",
        key=lambda key: f"see what it was: smscli journal show {quote(key)}{options}",
    )
