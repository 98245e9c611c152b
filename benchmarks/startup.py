"""What does starting `smscli sign` cost, against a bare two-command Typer application in the same environment?

Run it with the interpreter of the environment that has smscli installed::

    python benchmarks/startup.py [RUNS]

The two take turns, so that a machine whose speed drifts drifts for both; quoted are the medians and the median of the
ratios, pair by pair.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import sys
import typer

app = typer.Typer()


@app.command()
def one(name: str = "x") -> None:
    print(name)


@app.command()
def two(name: str = "x") -> None:
    print(name)


if __name__ == "__main__":
    sys.exit(app())
"""


def seconds(argv: list[str], environ: dict[str, str]) -> float:
    """Return the wall seconds of one run; a run that fails ends the benchmark."""
    started = time.perf_counter()
    subprocess.run(argv, env=environ, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (our own programs)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    environ = {**os.environ, "SMSCLI_API_KEY": "your_api_key_here", "SMSCLI_CONFIG": "/nonexistent/config.toml"}
    smscli = [
        str(Path(sys.executable).with_name("smscli")),
        "sign",
        "--provider",
        "lightsms",
        "-q",
        "login=a",
        "timestamp=1",
    ]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        bare = [sys.executable, str(script), "one"]
        for argv in (bare, smscli):
            seconds(argv, environ)
        pairs = [(seconds(bare, environ), seconds(smscli, environ)) for _ in range(runs)]
    print(f"{runs} pairs, Python {sys.version.split()[0]}")  # noqa: T201  (a benchmark prints)
    print(f"bare Typer   median {statistics.median(a for a, _ in pairs) * 1000:6.1f} ms")  # noqa: T201
    print(f"smscli sign  median {statistics.median(b for _, b in pairs) * 1000:6.1f} ms")  # noqa: T201
    print(f"ratio        median {statistics.median(b / a for a, b in pairs):6.3f}")  # noqa: T201


if __name__ == "__main__":
    main()
