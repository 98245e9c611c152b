"""TOML profiles: find, read, resolve, edit and save them; and where a secret comes from.

This package owns the profile file and the order in which settings win: option, then the profile named with ``-p``
(alone) or the environment and then the picked or default profile, then what is built in. It must not talk to a
vendor, nor display or log a value: every message names the setting, never what stands in it.

The file::

    default = "work"
    journal = "postgresql://sms@db.example/sms"    # or a path; SMSCLI_JOURNAL beats it

    [profiles.work]
    provider = "lightsms"
    login = "YourLogin"
    api_key_command = ["pass", "show", "lightsms"]

A secret field has three spellings, of which a profile uses one: ``api_key``, ``api_key_file``, ``api_key_command``.
Where no layer has any, systemd's credentials are looked into (``smscli.work.api_key``), and then, for a profile, the
keyring (service ``smscli``, user ``work/api_key``).

::

    _resolving.py  which value wins, and everything that is wrong with a profile
    _settings.py   what a profile may hold: the table of settings, and their checks
    _secrets.py    the three spellings of a secret, the two stores, and fetching it
    _keyring.py    the program that speaks with the keyring, in a process of its own
    _file.py       the file: where it is, read, checked and replaced
    _editing.py    adding, removing and choosing a profile in a file whose comments stay
"""

from __future__ import annotations

from smscli.profiles._editing import add, refuse_name, remove, use
from smscli.profiles._file import Document, change, expanded, find, names, path, read
from smscli.profiles._resolving import BUILT_IN, Need, misspelt, resolve, values
from smscli.profiles._secrets import (
    COMMAND_SECONDS,
    CREDENTIAL,
    KEYRING,
    MAX_SECRET,
    Keyring,
    doubt,
    journal_password,
    secret,
    sent_secrets,
)
from smscli.profiles._settings import SETTINGS, SettingError, check

__all__ = [
    "BUILT_IN", "COMMAND_SECONDS", "CREDENTIAL", "KEYRING", "MAX_SECRET", "SETTINGS", "Document", "Keyring", "Need",
    "SettingError", "add", "change", "check", "doubt", "expanded", "find", "journal_password", "misspelt",
    "names", "path", "read", "refuse_name", "remove", "resolve", "secret", "sent_secrets", "use", "values",
]  # fmt: skip
