"""The profile file: where it is, who may read it, what is refused, and how it is replaced."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import profiles
from smscli.errors import ConfigError, SmscliError
from smscli.profiles import Document
from tests.accounts import FULL, LIGHTSMS, NOBODY, SECRET, document, everything_said, needs_root, save

# --- where the file is ------------------------------------------------------------------------------------------------


def test_smscli_config_names_the_file(tmp_path: Path) -> None:
    """The variable wins over the platform's directory."""
    assert profiles.path({"SMSCLI_CONFIG": f"{tmp_path}/mine.toml"}) == tmp_path / "mine.toml"


def test_smscli_config_may_begin_with_the_home_directory() -> None:
    """A unit file or crontab does not expand ~ as a shell does."""
    assert profiles.path({"SMSCLI_CONFIG": "~/sms.toml"}) == Path.home() / "sms.toml"


def test_a_relative_smscli_config_becomes_a_whole_path() -> None:
    """What is printed by ``profile path`` must mean the same elsewhere."""
    assert profiles.path({"SMSCLI_CONFIG": "sms.toml"}) == Path.cwd() / "sms.toml"


def test_without_the_variable_it_is_in_the_platforms_directory() -> None:
    """An empty variable counts as unset."""
    assert profiles.path({"SMSCLI_CONFIG": ""}).parts[-2:] == ("smscli", "config.toml")


@needs_root
def test_without_home_and_passwd_entry_no_directory_named_tilde_appears() -> None:
    """The file cannot be placed (an error says what to set), yet the environment alone still works."""
    script = f"""
import os, platformdirs
from smscli import profiles, errors
profiles.resolve(profiles.Document(), environ={LIGHTSMS!r})  # imports what the user below may not be able to read
os.chdir("/"); os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
for environ in ({{}}, {{"SMSCLI_CONFIG": "~/c.toml"}}):
    try: print("found", profiles.path(environ))
    except errors.ConfigError as error: print("refused:", error.message)
print(profiles.resolve(profiles.find({{}}), environ={LIGHTSMS!r}).fields["login"])
"""
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "refused: there is no home directory to look for profiles in",
        "refused: SMSCLI_CONFIG starts with ~, and there is no home directory",
        "env-login",
    ], done.stderr


def test_names_for_completion_are_silent_about_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """A shell that completes is no place for an error."""
    file = tmp_path / "config.toml"
    save(file, FULL)
    assert profiles.names({"SMSCLI_CONFIG": str(file)}) == ("work", "russia", "turkey")
    file.chmod(0o644)
    assert profiles.names({"SMSCLI_CONFIG": str(file)}) == ()


# --- reading the file -------------------------------------------------------------------------------------------------


def test_a_missing_file_is_an_empty_document(tmp_path: Path) -> None:
    """No file is no error: the environment may hold everything."""
    assert profiles.read(tmp_path / "none" / "config.toml") == Document()


def test_a_whole_file_is_read() -> None:
    """Tables, default and the text itself, for later edits."""
    read = document()
    assert (list(read.tables), read.default, read.text) == (["work", "russia", "turkey"], "work", FULL)


def test_a_byte_order_mark_and_windows_line_ends_are_harmless() -> None:
    """What an editor of another system leaves behind."""
    assert document("\ufeff" + FULL.replace("\n", "\r\n")).tables == document().tables


MODES = [0o600, 0o400, 0o700, 0o711, 0o640, 0o604, 0o644, 0o660, 0o620, 0o602, 0o666, 0o4644]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: f"{mode:04o}")
def test_a_file_others_can_read_or_change_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    """Reading gives away the key; writing gives away the account (a secret command is a program)."""
    file = tmp_path / "it's mine.toml"
    file.write_text(FULL)
    file.chmod(mode)
    if not mode & 0o066:
        assert profiles.read(file).default == "work"
        return
    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as caught:
        profiles.read(file)
    command = (caught.value.hint or "").removeprefix("run: ")
    subprocess.run(["sh", "-c", command], check=True)
    assert profiles.read(file).default == "work", "the command from the hint did not mend the file"


@needs_root
def test_only_files_of_the_user_or_of_root_are_read() -> None:
    """All modes for three owners, seen by a user who is neither root nor known."""
    script = f"""
import json, os, shlex, sys, tomllib  # (what the user below could not load)
from pathlib import Path
from smscli import profiles, errors
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
def verdict(name):
    try: return bool(profiles.read(Path(name)).tables)
    except errors.ConfigError: return False
print(json.dumps({{name: verdict(name) for name in sys.argv[1:]}}))
"""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        expected = {}
        for owner, mode in product((NOBODY, 0, NOBODY + 1), MODES):
            file = Path(directory, f"{owner}-{mode:o}.toml")
            file.write_text(FULL)
            os.chown(file, owner, NOBODY)
            file.chmod(mode)
            expected[str(file)] = owner == NOBODY and not mode & 0o066
        done = subprocess.run([sys.executable, "-c", script, *expected], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == expected
        other = next(name for name in expected if name.endswith(f"{NOBODY + 1}-600.toml"))
        with pytest.raises(ConfigError, match="belongs to another user"):
            profiles.read(Path(other))


def _directory(place: Path) -> None:
    place.mkdir()


def _pipe(place: Path) -> None:
    os.mkfifo(place, 0o600)


def _big(place: Path) -> None:
    place.touch(0o600)
    os.truncate(place, 10_000_000)


def _loop(place: Path) -> None:
    place.symlink_to(place)


def _open_target(place: Path) -> None:
    target = place.with_name("target")
    target.write_text(FULL)
    target.chmod(0o644)
    place.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_directory, "not a regular file"),
        (_pipe, "not a regular file"),
        (_big, "larger than 65536 bytes"),
        (_loop, "cannot be opened"),
        (_open_target, "can be read or changed by others"),
    ],
    ids=["directory", "pipe", "10 MB", "loop of links", "link to a public file"],
)
def test_what_is_not_a_private_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    """It is the opened file that counts, whatever the name pointed to."""
    place = tmp_path / "config.toml"
    make(place)
    with pytest.raises(ConfigError, match=sentence):
        profiles.read(place)


BROKEN = {
    "not TOML": f'[profiles.work]\napi_key = "{SECRET}',
    "a bare secret": f"[profiles.work]\n{SECRET}\n",
    "a table twice": f'[profiles."{SECRET}"]\n[profiles."{SECRET}"]\n',
    "not UTF-8": f'api_key = "{SECRET}\udcff"',
    "3000 brackets": f'a = "{SECRET}"\nb = ' + "[" * 3000,
    "brackets hidden in strings": "b = " + '["]",' * 12000,
    "3000 braces": "a = " + "{a=" * 3000,
    "a number of 5000 digits": "a = " + "1" * 5000,
    "20 000 dotted parts": "a" + ".a" * 20000 + "= 1",
    "dotted parts around a line separator": '"\u2028".a' * 60 + "= 1",
    "a header of 20 000 parts": "[a" + ".a" * 20000 + "]",
    "a list of tables": "[[profiles]]\n",
    "a profile is a list of tables": f'[[profiles.work]]\napi_key = "{SECRET}"',
    "profiles is a text": f'profiles = "{SECRET}"',
    "a profile is a text": f'[profiles]\nwork = "{SECRET}"',
    "a nested profile": f'[profiles.work.inner]\napi_key = "{SECRET}"',
    "a strange name": f'[profiles."{SECRET}"]\n',
    "default is a list": f'default = ["{SECRET}"]',
    "a stray setting": f'"{SECRET}" = 1',
    "too much": "#" * 70_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_quickly_without_quoting_it(text: str, tmp_path: Path) -> None:
    """Exit 3 with where the trouble is; 20 000 dotted parts would keep the parser busy for seconds."""
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    file.chmod(0o600)
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        profiles.read(file)
    assert time.process_time() - began < 0.5, "too slow"
    assert SECRET not in everything_said(caught.value)
    assert caught.value.hint or "larger" in caught.value.message, "no hint what to do"


def test_the_line_of_a_mistake_is_named() -> None:
    """So that it can be mended without being shown."""
    with pytest.raises(ConfigError, match="at line 2, column 9"):
        document('default = "work"\nlogin = oops\n')


def test_all_misshapen_parts_are_told_at_once() -> None:
    """One run, all problems."""
    with pytest.raises(ConfigError) as caught:
        document('default = 1\nprofil = 2\n[profiles]\nwork = 3\n"a b" = {}\n[profiles.deep.er]\n')
    assert len(caught.value.problems) == 5, caught.value.problems


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(FULL)),
            st.integers(0, 12),
            st.one_of(
                st.sampled_from(['"', "\n", "[", "]", "=", "'''", ".", "\\", "{", "#", "\x00", "\udcff"]),
                st.text(max_size=3),
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_damaged_file_never_ends_in_a_traceback_or_shows_the_secret(damage: list[tuple[int, int, str]]) -> None:
    """Bytes cut out and put in anywhere: every profile resolves, or a foreseen error says why not."""
    text = FULL
    for at, length, inserted in damage:
        text = text[:at] + inserted + text[at + length :]
    said = ""
    try:
        read = document(text)
        for name in read.tables:
            profiles.remove(read, name)
            profiles.resolve(read, named=name, environ={})
    except SmscliError as error:
        said = everything_said(error)
    assert SECRET not in said


# --- saving -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process that hides nothing, or everything."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """0600 for a new file, and for one that had other bits."""
    file = tmp_path / "config.toml"
    for _ in range(2):
        save(file, FULL)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, f"umask {umask:03o}"
        file.chmod(0o711)


def test_the_directory_is_made_private(tmp_path: Path) -> None:
    """With all its parents."""
    file = tmp_path / "a" / "b" / "config.toml"
    save(file, FULL)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert profiles.read(file).default == "work"


def test_saving_replaces_the_file_instead_of_writing_into_it(tmp_path: Path) -> None:
    """Whoever has the old file open keeps the old file, whole; nothing is left lying about."""
    file = tmp_path / "config.toml"
    save(file, FULL)
    with file.open() as old:
        save(file, "default = 'x'\n")
        assert old.read() == FULL
        assert os.fstat(old.fileno()).st_ino != file.stat().st_ino
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.toml", "config.toml.lock"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While one thread saves, another reads either the one text or the other."""
    file = tmp_path / "config.toml"
    texts = [FULL, FULL + "# more\n" * 2000]
    save(file, texts[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(12):
            save(file, texts[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        assert profiles.read(file).text in texts
        reads += 1
    writer.join()
    assert reads > 10, "the reader hardly ran"


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """Dotfile managers keep the real file elsewhere."""
    target = tmp_path / "dotfiles" / "sms.toml"
    target.parent.mkdir()
    link = tmp_path / "config.toml"
    link.symlink_to(Path("dotfiles") / "sms.toml")
    save(link, FULL)
    assert link.is_symlink()
    assert target.read_text() == FULL


def test_the_order_of_a_save_survives_a_crash(tmp_path: Path) -> None:
    """Private from the first byte; content on disk before the name changes; the name on disk before it says "done"."""
    trace = tmp_path / "trace"
    script = (
        "from pathlib import Path; from smscli import profiles; "
        f"profiles.change(Path({str(tmp_path / 'c.toml')!r}), lambda _: profiles.Document('a = 1'))"
    )
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=openat,fchmod,write,fsync,rename,renameat,renameat2"]
    try:
        ran = subprocess.run([*command, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("strace is not on this machine")
    assert ran.returncode == 0, ran.stderr
    lines = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
    begin = next(index for index, line in enumerate(lines) if ".c.toml.smscli-new" in line and "O_EXCL" in line)
    assert "O_EXCL" in lines[begin]
    assert "0600" in lines[begin]
    calls = [line.split("(")[0] for line in lines[begin:] if "ENOENT" not in line and "+++" not in line]
    assert calls == ["openat", "fchmod", "write", "fsync", "rename", "openat", "fsync"], lines[begin:]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where a directory is needed, a directory where a file is; no scratch file stays."""
    (tmp_path / "file").touch(0o600)
    with pytest.raises(ConfigError, match="cannot be opened"):
        save(tmp_path / "file" / "config.toml", FULL)
    (tmp_path / "config.toml.lock").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        save(tmp_path / "config.toml", FULL)
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="is not a regular file"):
        save(tmp_path / "config.toml", FULL)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["config.toml", "config.toml.lock", "file"]


def test_what_would_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    """The limit of reading is the limit of writing."""
    with pytest.raises(ConfigError, match="grow beyond"):
        save(tmp_path / "config.toml", "#" * 65537)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.toml.lock"]
