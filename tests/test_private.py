"""What is private: modes and owners of files and directories, replacing one whole, and the lock around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli import private
from smscli.errors import ConfigError

NOBODY = 54321
"""A user id without a passwd entry."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make files that belong to somebody else")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A private file in a directory of its own, whose name wants quotes."""
    made = tmp_path / "it's mine" / "file"
    made.parent.mkdir(0o700)
    made.touch(0o600)
    made.write_text("content")
    return made


def read(file: Path) -> bytes:
    """Read it as a profile file would be read."""
    return private.read(file, 100, "the file")


# --- what is refused --------------------------------------------------------------------------------------------------

MODES = {0o700: True, 0o755: True, 0o770: False, 0o775: False, 0o777: False, 0o2770: False, 0o1777: "sticky"}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: f"{mode:04o}")
def test_a_directory_others_can_change_is_refused_with_the_command_that_mends_it(file: Path, mode: int) -> None:
    """Whoever can put a file there can lay a rollback journal; in a sticky one he cannot swap a file that is ours."""
    file.parent.chmod(mode)
    if MODES[mode]:
        assert read(file) == b"content"
    if MODES[mode] is True:
        private.check_directory(file.parent, "the file")
        return
    refused: list[Callable[[], object]] = [lambda: private.check_directory(file.parent, "the file")]
    if not MODES[mode]:
        refused += [lambda: read(file), lambda: private.replacing(file, "the file").__enter__()]
    for call in refused:
        with pytest.raises(ConfigError, match=rf"the directory of the file, .* \(mode {mode:04o}\)") as caught:
            call()
    subprocess.run(["sh", "-c", (caught.value.hint or "").removeprefix("run: ")], check=True)
    private.check_directory(file.parent, "the file")
    assert read(file) == b"content"


def test_only_the_directory_itself_counts(file: Path) -> None:
    """What lies above it may be anybody's: /tmp, /run, the mount point of a container."""
    file.parent.parent.chmod(0o1777)
    assert read(file) == b"content"
    private.check_directory(file.parent, "the file")


def test_a_link_counts_as_what_it_points_to(file: Path, tmp_path: Path) -> None:
    """A linked directory, and a linked file in a directory of another kind (as Kubernetes mounts a secret)."""
    tmp_path.chmod(0o1777)
    directory, link = tmp_path / "directory", tmp_path / "link"
    directory.symlink_to(file.parent)
    link.symlink_to(file)
    private.check_directory(directory, "the file")
    assert read(directory / "file") == read(link) == b"content"
    file.parent.chmod(0o777)
    for path in (directory / "file", link):
        with pytest.raises(ConfigError, match="can be changed by others"):
            read(path)
    file.parent.chmod(0o700)
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="can be changed by others"):
        read(link)


@needs_root
@pytest.mark.parametrize(("owner", "fine"), [(0, True), (NOBODY, False)])
def test_a_directory_is_the_users_or_roots(file: Path, owner: int, fine: bool) -> None:
    """Whose it is, can do in it what he likes; root can anyway (mounted secrets are root's)."""
    os.chown(file.parent, owner, owner)
    if fine:
        private.check_directory(file.parent, "the file")
        return
    with pytest.raises(ConfigError, match=f"belongs to another user \\(uid {NOBODY}\\)") as caught:
        private.check_directory(file.parent, "the file")
    subprocess.run(["sh", "-c", (caught.value.hint or "").removeprefix("run: ")], check=True)
    private.check_directory(file.parent, "the file")


@pytest.mark.parametrize(("mode", "fine"), [(0o600, True), (0o400, True), (0o640, False), (0o602, False)])
def test_a_file_is_checked_without_opening_it(file: Path, mode: int, fine: bool) -> None:
    """Closing it would drop the locks that this process holds on it."""
    file.chmod(mode)
    before = file.stat().st_atime_ns
    if fine:
        private.check_file(file, "the file")
    else:
        with pytest.raises(ConfigError, match="can be read or changed by others"):
            private.check_file(file, "the file")
    with pytest.raises(ConfigError, match="not a regular file"):
        private.check_file(file.parent, "the file")
    assert file.stat().st_atime_ns == before


# --- what is written --------------------------------------------------------------------------------------------------

HOLD = """
import sys; from pathlib import Path; from smscli import private
with private.replacing(Path(sys.argv[1]), "the file"): print("held", flush=True); sys.stdin.read()
"""


def test_the_lock_keeps_others_out_and_ends_with_its_process(file: Path) -> None:
    """Kill -9 included: nothing has to be cleaned up."""
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match="being changed by another process"):
            private.replacing(file, "the file", seconds=0.05).__enter__()
        holder.kill()
        holder.wait()
        with private.replacing(file, "the file", seconds=0) as replace:
            replace(b"new")
    assert file.read_bytes() == b"new"
    assert file.with_name("file.lock").stat().st_mode & 0o777 == 0o600


def test_a_linked_file_and_its_target_have_one_lock(file: Path, tmp_path: Path) -> None:
    """Whoever comes by the other name waits as well."""
    link = tmp_path / "link"
    link.symlink_to(file)
    with private.replacing(link, "the file"), pytest.raises(ConfigError, match="being changed by another process"):
        private.replacing(file, "the file", seconds=0).__enter__()
    assert not link.with_name("link.lock").exists()


KILLED = """
import os, signal, sys; from pathlib import Path; from smscli import private
def audit(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("/file"): os.kill(os.getpid(), signal.SIGKILL)
with private.replacing(Path(sys.argv[1]), "the file") as replace:
    sys.addaudithook(audit)
    replace(b"a key")
"""


def test_what_a_killed_process_left_is_swept_and_nothing_else(file: Path) -> None:
    """Killed between writing and renaming; files of similar names, and of whoever is writing now, stay."""
    others = [file.with_name(name) for name in (".file.swp", "file.new", ".other.smscli-new")]
    for other in others:
        other.touch()
    for sweep in (lambda: private.sweep(file, "the file"), lambda: private.replacing(file, "the file").__enter__()):
        died = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
        assert died.returncode == -signal.SIGKILL
        assert [path for path in file.parent.iterdir() if path.read_bytes() == b"a key"]
        sweep()
        assert not [path for path in file.parent.iterdir() if path.read_bytes() == b"a key"]
    assert file.read_text() == "content"
    assert all(other.exists() for other in others)


def test_what_a_living_process_writes_is_not_swept(file: Path) -> None:
    """It would lose its rename."""
    with private.replacing(file, "the file"):
        scratch = file.with_name(".file.smscli-new")
        scratch.touch(0o600)
        private.sweep(file, "the file")
        assert scratch.exists()
