"""``smscli completion SHELL --install``: where a shell looks, and nothing that is somebody else's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Run = Callable[..., Ran]
BINARY = Path(sys.executable).with_name("smscli")
PLACES = {
    "bash": ".local/share/bash-completion/completions/smscli",
    "zsh": ".local/share/zsh/site-functions/_smscli",
    "fish": ".config/fish/completions/smscli.fish",
}


@pytest.mark.parametrize(("shell", "place"), PLACES.items())
def test_the_script_is_put_where_the_shell_looks(smscli: Run, tmp_path: Path, shell: str, place: str) -> None:
    """In the home directory, byte for byte what is printed; the place is what is said."""
    ran = smscli("completion", shell, "--install")
    assert (ran.code, ran.lines) == (0, [[str(tmp_path / place)]])
    assert (tmp_path / place).read_text() == smscli("completion", shell).out
    assert f"a new {shell} completes" in ran.err
    assert list((tmp_path / place).parent.iterdir()) == [tmp_path / place]


@pytest.mark.parametrize(
    ("shell", "environ", "place"),
    [
        ("bash", {"BASH_COMPLETION_USER_DIR": "{0}/own:{0}/other"}, "own/completions/smscli"),
        ("bash", {"XDG_DATA_HOME": "{0}/data"}, "data/bash-completion/completions/smscli"),
        ("zsh", {"XDG_DATA_HOME": "{0}/data"}, "data/zsh/site-functions/_smscli"),
        ("fish", {"XDG_CONFIG_HOME": "{0}/config"}, "config/fish/completions/smscli.fish"),
        ("fish", {"XDG_CONFIG_HOME": "relative"}, PLACES["fish"]),
        ("bash", {"BASH_COMPLETION_USER_DIR": "relative"}, PLACES["bash"]),
    ],
)
def test_the_shells_own_variables_count(
    smscli: Run, tmp_path: Path, shell: str, environ: dict[str, str], place: str
) -> None:
    """As far as they are whole paths."""
    world = {name: value.format(tmp_path) for name, value in environ.items()}
    assert smscli("completion", shell, "--install", environ=world).lines == [[str(tmp_path / place)]]
    assert (tmp_path / place).exists()


def test_a_file_of_somebody_else_stays_unless_that_is_forced(smscli: Run, tmp_path: Path) -> None:
    """One of an earlier smscli is brought up to date."""
    path = tmp_path / PLACES["fish"]
    path.parent.mkdir(parents=True)
    path.write_text("complete -c smscli -a mine\n")
    for more in ((), ("--dry-run",)):
        ran = smscli("completion", "fish", "--install", *more, "-o", "json")
        assert (ran.code, ran.json["error"]["type"]) == (9, "ConflictError")
        assert path.read_text() == "complete -c smscli -a mine\n"
    assert smscli("completion", "fish", "--install", "--force").code == 0
    assert path.read_text() == smscli("completion", "fish").out
    path.write_text("# of an earlier release\nenv _SMSCLI_COMPLETE=complete_fish smscli\n")
    assert smscli("completion", "fish", "--install", "-o", "json").json["data"]["written"] is True
    assert smscli("completion", "fish", "--install", "-o", "json").json["data"]["written"] is False


def test_a_dry_run_writes_nothing(smscli: Run, tmp_path: Path) -> None:
    """It says where it would be."""
    ran = smscli("completion", "zsh", "--install", "--dry-run", terminal=True)
    assert (ran.code, "nothing was written" in ran.err) == (0, True)
    assert "would be in" in ran.out
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_link_stays_one(smscli: Run, tmp_path: Path) -> None:
    """Whoever keeps such files elsewhere finds it there."""
    path, elsewhere = tmp_path / PLACES["fish"], tmp_path / "dotfiles" / "smscli.fish"
    for folder in (path.parent, elsewhere.parent):
        folder.mkdir(parents=True)
    path.symlink_to(elsewhere)
    assert smscli("completion", "fish", "--install").code == 0
    assert path.is_symlink()
    assert elsewhere.read_text() == smscli("completion", "fish").out


def test_what_cannot_be_written_is_said(smscli: Run, tmp_path: Path) -> None:
    """A file where the folder should be; no home; a shell that has no folder; options without --install."""
    (tmp_path / ".config").touch()
    ran = smscli("completion", "fish", "--install")
    assert (ran.code, "cannot be written: Not a directory" in ran.err) == (3, True)
    (tmp_path / PLACES["bash"]).mkdir(parents=True)
    assert smscli("completion", "bash", "--install").code == 3
    assert smscli("completion", "fish", "--install", environ={"HOME": "relative"}).code == 3
    ran = smscli("completion", "powershell", "--install")
    assert (ran.code, "$PROFILE" in ran.err) == (2, True)
    assert smscli("completion", "fish", "--force").code == 2
    assert smscli("completion", "fish", "--dry-run").code == 2


USE = {
    "bash": 'source "$PLACE" && complete -p smscli',
    "zsh": 'fpath=("${PLACE:h}" $fpath); autoload -U compinit && compinit -D && [ -n "$_comps[smscli]" ]',
    "fish": "complete -C 'smscli bal' | grep -q balance",
}


@pytest.mark.parametrize("shell", USE)
def test_the_shell_itself_finds_it(smscli: Run, tmp_path: Path, shell: str) -> None:
    """Fish by itself, zsh by its $fpath; bash needs a package for it, which sources that file."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (place,) = smscli("completion", shell, "--install").lines[0]
    done = subprocess.run(
        [program, *(["-f"] if shell == "zsh" else []), "-c", USE[shell]],
        env={"HOME": str(tmp_path), "PATH": f"{BINARY.parent}:/usr/bin:/bin", "PLACE": place},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
