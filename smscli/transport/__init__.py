"""The network: one signed request out, one complete answer back, and the proof of what had left when it went wrong.

This package owns the verdict "not sent". It never guesses from exception types (the same ``SSLError`` is raised before
and after a request has left): a meter sits in the connection and counts the bytes that are offered to a connected
socket, TLS handshake and proxy tunnel included in "connected". Zero bytes is a proof; anything else is not.

It must not retry, follow redirects, read ``~/.netrc``, keep cookies, decompress, log, or show a URL: LightSMS sends
by GET, so a URL holds number, text and signature, and the libraries quote it in every one of their messages.
Only this package imports requests and urllib3, and only commands that talk to a network import it.

::

    _http.py      HttpTransport: one exchange at a time, in a thread, under a total deadline
    _metered.py   the meter, and the connections that report to it
    _request.py   what is refused before anything is sent: addresses, proxies, CA files
    _verdict.py   what an exchange that went wrong means, in words of our own
    _passing.py   other programs' requests, passed on byte for byte
    _probe.py     addresses, proxy and certificate on the way, without a request
"""

from __future__ import annotations

from smscli.transport._http import HttpTransport
from smscli.transport._passing import Passage
from smscli.transport._probe import Certificate, Probe, look_up

__all__ = ["Certificate", "HttpTransport", "Passage", "Probe", "look_up"]
