#!/usr/bin/env python3
"""Texts for the alerts of one webhook of Prometheus' Alertmanager: one on stdin, or each that is posted to --listen.

Each alert is texted once when it fires and once when it is resolved, however often Alertmanager repeats it, restarts,
or has a twin that sends the same: the key of the text is its fingerprint, when it began, and its state. The text is its
labels, of which the fingerprint is made; annotations may have other figures each time, and one key takes one text.

What certainly was not sent is answered with 503, and Alertmanager posts it again; what failed otherwise, or may have
been sent, with 422: it counts that as failed, and does not repeat it.

    receivers: [{name: sms, webhook_configs: [{url: "http://127.0.0.1:9095/", max_alerts: 20}]}]

    smscli_alertmanager.py --listen 127.0.0.1:9095 -- -p work     # what stands behind -- is for smscli send
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST = 1024 * 1024
MOST_ALERTS = 100
NOT_SENT = 6
"""The exit status of smscli that means: certainly nothing was sent."""
_WORD = re.compile(r"[0-9A-Za-z:.+-]{1,64}")

PROGRAM = os.environ.get("SMSCLI_PROGRAM", "smscli")


def message(alert: dict[str, Any]) -> tuple[str, str]:
    """Return the key and the text of one alert; raise ValueError for what is none."""
    try:
        words = [alert["fingerprint"], alert["startsAt"], alert["status"]]
        labels = {str(name): str(value) for name, value in alert["labels"].items()}
    except (KeyError, TypeError, AttributeError):
        words, labels = [None], {}
    if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
        raise ValueError("this is no alert of Alertmanager's webhook, version 4")
    name = labels.pop("alertname", "alert")
    details = ", ".join(f"{label} {value}" for label, value in sorted(labels.items()))
    return " ".join(("alertmanager", *words)), f"{words[2].upper()} {name}{': ' if details else ''}{details}"


def alerts(document: bytes) -> list[tuple[str, str]]:
    """Return key and text of each alert of a webhook; raise ValueError for anything else."""
    try:
        webhook = json.loads(document)
    except RecursionError:
        webhook = None
    entries = webhook.get("alerts") if isinstance(webhook, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_ALERTS:
        raise ValueError(f"this is no webhook of Alertmanager with at most {MOST_ALERTS} alerts")
    return [message(entry) for entry in entries]


def send(document: bytes, options: list[str]) -> int:
    """Send a text for each alert and return the worst exit status; raise ValueError for what is no webhook.

    The texts travel on stdin: what is on a command line can be read by others on this machine.
    """
    statuses = [0]
    for key, text in alerts(document):
        argv = [PROGRAM, "send", "--text-file", "-", "--fit", "2", f"--key={key}", "--output", "plain", *options]
        try:
            done = subprocess.run(  # noqa: S603  (the program the administrator named)
                argv, input=text.encode("utf-8", "replace"), stdout=subprocess.DEVNULL, check=False
            )
        except OSError as error:
            sys.stderr.write(f"smscli_alertmanager: {PROGRAM} cannot be run: {error.strerror}\n")
            return NOT_SENT
        statuses.append(done.returncode)
    return NOT_SENT if NOT_SENT in statuses else max(statuses, key=abs)


class Webhook(BaseHTTPRequestHandler):
    """What Alertmanager posts; nothing of it is logged."""

    timeout = 10
    options: list[str] = []  # noqa: RUF012  (set once, before the first request)

    def do_POST(self) -> None:
        """Send the texts, then answer."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            return self._answer(413)
        try:
            status = send(self.rfile.read(int(length)), self.options)
        except ValueError:
            return self._answer(400)
        return self._answer({0: 200, NOT_SENT: 503}.get(status, 422))

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: smscli says on stderr what went wrong."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def address(text: str) -> tuple[str, int]:
    """Return host and port; raise ValueError for what is none."""
    host, _, port = text.rpartition(":")
    if not 0 <= int(port) <= 65535:
        raise ValueError("no port")
    return host, int(port)


def main(argv: list[str]) -> int:
    """Serve, or send for the webhook on stdin; return an exit status."""
    parser = argparse.ArgumentParser(description="Texts for the alerts of Prometheus' Alertmanager.")
    where = "serve webhooks there; without it one is read from stdin"
    parser.add_argument("--listen", metavar="HOST:PORT", type=address, help=where)
    parser.add_argument("options", nargs="*", help="behind --: options of smscli send")
    given = parser.parse_args(argv)
    if given.listen is None:
        try:
            return send(sys.stdin.buffer.read(LONGEST), given.options)
        except ValueError as error:
            sys.stderr.write(f"smscli_alertmanager: {error}\n")
            return 2
    Webhook.options = given.options
    try:
        server = ThreadingHTTPServer(given.listen, Webhook)
    except OSError as error:
        parser.error(f"argument --listen: {error.strerror}")
    with server, suppress(KeyboardInterrupt):
        sys.stderr.write(f"smscli_alertmanager: listening on port {server.server_port}\n")
        sys.stderr.flush()
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
