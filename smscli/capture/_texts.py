"""A URL, whole or in part, and a form body."""

from __future__ import annotations

import re

from smscli.capture._request import RawRequest

LINK = re.compile(r"\[[^\[\]\n]*\]\((https?://(?:(?!\]\()\S)+?)\)(?=[\s.,;:!?]|\Z)")
"""A link as Markdown writes it: its label, in which an address may be cut, and the address."""


def url(text: str) -> list[RawRequest]:
    """Read a URL, whole or in part, its method in front or not."""
    if link := LINK.fullmatch(text):
        text = link[1]
    method, _, target = text.rpartition(" ") if re.match(r"(?:GET|POST) \S+$", text) else ("", "", text)
    if "\n" not in text and re.match(r"(?:https?://|/(?=\S)|[\w.-]+\.\w+(?::\d+)?/)", target, re.IGNORECASE):
        return [RawRequest("URL", target, method or None, readings=("the whole text: the address",))]
    return []


def form_body(text: str) -> list[RawRequest]:
    """Read ``a=1&b=2``; a text with blanks and an address in it may be something else."""
    return [] if "://" in text and re.search(r"\s", text) else any_form(text)


def any_form(text: str) -> list[RawRequest]:
    """Read whatever begins as a form does."""
    is_form = re.match(r"[^=&\s{}<>\"]+=", text)
    notes = ("the form has a line break in it; it is read as one",) if "\n" in text else ()
    readings = ("the whole text: the body",)
    return [RawRequest("form body", body=text, notes=notes, readings=readings)] if is_form else []
