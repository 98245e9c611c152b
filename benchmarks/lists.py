"""How fast are the rows of a list validated, and in how much memory?

    python benchmarks/lists.py [ROWS]

writes lists of so many rows (1 000 000 without a word), each with its own recipient, and lets a process of its own read
each: a table with a template, the same in JSON Lines, numbers, and a table in which every row is damaged.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from smscli.lists import Template, read, survey

KINDS = ("table", "json lines", "numbers", "damaged table")


def lines(kind: str, rows: int) -> Iterator[str]:
    """Yield the lines of a list."""
    if kind.endswith("table"):
        yield "phone;name;city\r\n"
    for row in range(rows):
        number = f"7916{row:07d}"
        if kind == "table":
            yield f'+{number};"Žana {row}";Кaunas\r\n'
        elif kind == "damaged table":
            yield f"7.9E+10;Žana {row};Kaunas\r\n"
        elif kind == "numbers":
            yield f"+{number}\n"
        else:
            yield f'{{"to": "+{number}", "name": "Žana {row}", "city": "Kaunas"}}\n'


def validate(path: str) -> None:
    """Validate one list, and print rows, seconds, rows a second and the peak of memory."""
    template = Template("Hi {name} of {city}") if "numbers" not in path else None
    started, used = time.perf_counter(), time.process_time()
    with Path(path).open("rb") as stream:
        total = survey(read(stream), template)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(  # noqa: T201  (a benchmark prints)
        f"{Path(path).stem:14} {total.good:9} good {total.bad:9} bad {seconds:7.1f} s  {processor:6.1f} s of processor"
        f"  {total.rows / processor:7.0f} rows/s of it  peak {peak / 1024:5.0f} MiB"
    )


def main() -> None:
    """Write the lists and start a process for each."""
    if sys.argv[1:2] == ["--validate"]:
        validate(sys.argv[2])
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            path = Path(folder) / f"{kind}.list"
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines(kind, rows))
            subprocess.run([sys.executable, __file__, "--validate", str(path)], check=True)  # noqa: S603  (our own program)
            path.unlink()


if __name__ == "__main__":
    main()
