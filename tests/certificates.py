"""A small world of trust made by openssl: an authority, a server it signed, one for another host, one it never saw."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@dataclass(frozen=True)
class Certificates:
    """PEM files. ``ca`` signed ``server`` and ``elsewhere`` (other.example), not ``stranger``.

    ``server`` is for 127.0.0.1, localhost and, behind a proxy, vendor.example. Each server file holds its key and
    its certificate.
    """

    ca: str
    server: str
    elsewhere: str
    stranger: str


@cache
def certificates() -> Certificates:
    """Return the certificates of this process, made at the first call (about half a second)."""
    folder = Path(mkdtemp(prefix="smscli-certificates-"))
    local = "IP:127.0.0.1,DNS:localhost,DNS:vendor.example"
    _make(
        folder,
        "ca",
        "/CN=Test authority",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign",
    )
    _make(folder, "server", "/CN=localhost", "-addext", f"subjectAltName={local}", signed=True)
    _make(folder, "elsewhere", "/CN=other", "-addext", "subjectAltName=DNS:other.example", signed=True)
    _make(folder, "stranger", "/CN=localhost", "-addext", f"subjectAltName={local}")
    return Certificates(*(str(folder / f"{name}.pem") for name in ("ca", "server", "elsewhere", "stranger")))


def sign(world: Certificates, *, days: int) -> str:
    """Return another server file that the authority signed, good for so many days."""
    folder, name = Path(world.ca).parent, f"server-{days}"
    _make(folder, name, "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days), signed=True)
    return str(folder / f"{name}.pem")


def _make(folder: Path, name: str, subject: str, *extensions: str, signed: bool = False) -> None:
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    if signed:
        extensions = (*extensions, "-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"))
        extensions = (*extensions, "-addext", "basicConstraints=critical,CA:FALSE")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "30", "-subj", subject, "-keyout", str(key), "-out", str(certificate), *extensions]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / f"{name}.pem").write_bytes((b"" if name == "ca" else key.read_bytes()) + certificate.read_bytes())
