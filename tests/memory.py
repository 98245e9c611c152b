"""The memory of a process, as the kernel counts it for its own program."""

from __future__ import annotations

from pathlib import Path


def peak_memory() -> float:
    """Return the most memory this program ever had, in MiB.

    ``getrusage`` does not tell: its maximum begins with that of the parent, here a worker with all of the rig loaded.
    """
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
