"""Promises about the tree as a whole: what loads when, what is generated, what the README says."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from smscli import cli, profiles, providers, sandbox
from smscli.cli.completion import Shell
from tests.client import SECRETS
from tests.oracles._oracle import Oracle
from tests.vendor import Step, Vendor
from tests.vendors import ORACLES, oracle

ROOT = Path(__file__).parent.parent
BINARY = Path(sys.executable).with_name("smscli")
HEAVY = {
    "keyring",
    "requests",
    "urllib3",
    "rich",
    "sqlite3",
    "uvicorn",
    "h11",
    "python_multipart",
    "phonenumbers",
    "json5",
    "platformdirs",
    "tomli_w",
    "tomlkit",
    "anyascii",
    "wcwidth",
}

SIGN_MAY_IMPORT = {
    "smscli", "smscli.cli", "smscli.cli.invocation", "smscli.cli.options", "smscli.cli.parsing", "smscli.cli.sign",
    "smscli.cli.signature", "smscli.errors", "smscli.model", "smscli.plugins",
    "smscli.profiles", "smscli.profiles._editing", "smscli.profiles._file", "smscli.profiles._resolving",
    "smscli.profiles._secrets", "smscli.profiles._settings",
    "smscli.providers", "smscli.providers._answers", "smscli.providers._base", "smscli.providers.lightsms",
    "smscli.record", "smscli.render", "smscli.interruption", "smscli.runtime", "smscli.signing", "smscli.wire",
}  # fmt: skip


def modules_after(*argv: str) -> set[str]:
    """Return the modules a fresh interpreter holds after one command line."""
    script = f"""
import sys
from smscli.cli import run
from smscli.runtime import Runtime
environ = {{"SMSCLI_API_KEY": "your_api_key_here", "SMSCLI_CONFIG": "/nonexistent/config.toml"}}
run({list(argv)!r}, Runtime(environ, sys.stdin, None, None))
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "argv",
    [
        ("sign", "--provider", "lightsms", "timestamp=1"),
        ("count", "Hello"),
        ("profile", "list"),
        ("balance", "--sandbox"),
        ("send", "--sandbox", "Hello", "--to", "+37061234567"),
        ("journal", "list", "--sandbox"),
    ],
    ids=lambda argv: argv[0],
)
def test_a_daily_command_declares_no_dataclass(argv: tuple[str, ...]) -> None:
    """Each takes a millisecond of every start, as much as a whole module: what these declare are records.

    The emulators are no part of a start that costs money.
    """
    ours = {name.replace(".", "/") for name in modules_after(*argv) if name.startswith("smscli.")}
    places = [place for name in ours if "sandbox" not in name for place in (f"{name}.py", f"{name}/__init__.py")]
    files = [file for place in places if (file := ROOT / place).exists()]
    assert len(files) > 10
    declares = re.compile(r"^\s*@dataclass(?:\(|$)", re.MULTILINE)
    assert not [str(file) for file in files if declares.search(file.read_text(encoding="utf-8"))]


def test_sign_imports_these_modules_and_no_other_of_ours() -> None:
    """Whoever debugs a signature in a loop pays for signing, and for nothing else."""
    loaded = modules_after("sign", "--provider", "lightsms", "login=YourLogin", "timestamp=1732809600")
    assert {name for name in loaded if name.partition(".")[0] == "smscli"} == SIGN_MAY_IMPORT
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("argv", "needed"),
    [
        (("--version",), set()),
        (("--help",), set()),
        (("completion", "bash"), set()),
        (("sign", "--provider", "mesajlarim", "--key-file", "/dev/null", "a=1"), set()),
        (("sign", "--provider", "lightsms", "a=1", "-o", "json"), set()),
        (("profile", "list"), set()),
        (("count", "€5 [now]"), set()),
        (("count", "it’s"), {"anyascii"}),
        (("count", "a" * 200, "--fit", "1"), {"wcwidth"}),
        (("send", "x", "--provider", "lightsms", "--to", "1"), {"phonenumbers"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_heavy_libraries_load_only_where_they_are_needed(argv: tuple[str, ...], needed: set[str]) -> None:
    """requests, rich, sqlite3 and the numbering plans cost more than everything else together."""
    assert modules_after(*argv) & HEAVY <= needed


def test_the_program_loads_no_detector_of_charsets_and_nobody_is_warned_of_that() -> None:
    """Who imports the library keeps it. Nobody listens at the address: the request is tried, and that is enough."""
    script = """
import sys
from smscli.__main__ import main
sys.argv[1:] = ["balance"]
try:
    main()
finally:
    print(*(name for name in sys.modules if name.startswith(("requests.adapters", "chardet.", "charset_normalizer."))))
"""
    environ = {
        "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "a", "SMSCLI_API_KEY": "your_api_key_here",
        "SMSCLI_BASE_URL": "http://127.0.0.1:9", "SMSCLI_CLOCK": "local",
    }  # fmt: skip
    argv = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert "Warning" not in done.stderr
    assert done.stdout.split() == ["requests.adapters"], done.stderr


def test_a_send_that_changes_no_text_does_not_load_what_changes_one() -> None:
    """Only a dry run, ``count`` and the options that ask for it pay for the details."""
    argv = ("send", "--sandbox", "x" * 200, "--to", "1")
    assert not modules_after(*argv) & {"smscli.rewriting", "smscli.cli.cost"}
    assert modules_after(*argv, "--fit", "1") >= {"smscli.rewriting", "wcwidth"}


def test_the_emulators_load_for_the_one_help_page_that_lists_their_numbers() -> None:
    """Whoever asks for another page, or mistypes an option, does not wait for them."""
    assert "smscli.sandbox.lightsms" in modules_after("sandbox", "--help")
    for argv in (("--help",), ("send", "--help"), ("sandbox", "--port", "x")):
        assert "smscli.sandbox" not in modules_after(*argv)


def test_the_groups_help_lines_are_the_commands_own() -> None:
    """The group prints its help without importing a command; nobody may change one line and forget the other."""
    for name, line in cli.COMMANDS.items():
        own = typer.main.get_command(cli.module(name).app).help
        assert own is None or own.splitlines()[0] == line, name


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", "smscli.bash"), ("zsh", "_smscli"), ("fish", "smscli.fish"), ("powershell", "smscli.ps1")],
)
def test_the_shipped_completion_is_what_the_command_prints(shell: str, file: str) -> None:
    """Regenerate with: for each shell, smscli completion SHELL > completions/FILE."""
    printed = subprocess.run([BINARY, "completion", shell], capture_output=True, check=True).stdout
    assert (ROOT / "completions" / file).read_bytes() == printed
    assert {member.value for member in Shell} == {"bash", "zsh", "fish", "powershell"}


def complete(line: str, tmp_path: Path) -> list[str]:
    """Return what bash would offer at the end of a command line."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text('[profiles.work]\nprovider = "lightsms"\n[profiles.night]\nprovider = "mainsms"\n')
    environ = {
        "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_SMSCLI_COMPLETE": "complete_bash",
        "SMSCLI_CONFIG": str(config),
    }  # fmt: skip
    return subprocess.run([BINARY], env=environ, capture_output=True, text=True, check=False).stdout.split()


def test_commands_vendors_and_profiles_complete(tmp_path: Path) -> None:
    """TAB knows the names that nobody remembers."""
    assert complete("smscli ba", tmp_path) == ["balance"]
    assert complete("smscli balance --provider ", tmp_path) == list(providers.names())
    assert complete("smscli balance -p ", tmp_path) == ["work", "night"]


def test_the_options_before_a_command_complete_too(tmp_path: Path) -> None:
    """And the command behind them, and what help can be had about."""
    assert complete("smscli -p ", tmp_path) == ["work", "night"]
    assert complete("smscli -o ", tmp_path) == complete("smscli balance -o ", tmp_path) == [
        "table", "plain", "json", "xml",
    ]  # fmt: skip
    assert complete("smscli --sand", tmp_path) == ["--sandbox"]
    assert complete("smscli -q --provider mainsms -p work bal", tmp_path) == ["balance"]
    assert complete("smscli -p work balance --provider ", tmp_path) == list(providers.names())
    assert complete("smscli --sandbox journal res", tmp_path) == ["resolve"]
    assert complete("smscli help ba", tmp_path) == ["balance"]
    assert complete("smscli help profile sh", tmp_path) == ["show"]


def test_every_vendor_has_an_emulator() -> None:
    """Nobody should have to pay to try."""
    assert sandbox.demo_accounts().keys() == set(providers.names())


def test_every_oracle_is_of_a_vendor_and_has_all_of_it() -> None:
    """One under a misspelled name would be passed over, and no test would ask it."""
    wanted = {*Oracle.__annotations__, *(name for name in vars(Oracle) if name.islower() and name[0] != "_")}
    files = {path.stem for path in (ROOT / "tests" / "oracles").glob("[a-z]*.py")}
    assert files == ORACLES.keys()
    assert [(name, one) for name, reading in ORACLES.items() for one in wanted - vars(reading).keys()] == []


README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""What people read; tests/installing types what stands on them."""
KEYS = {vendor: reading.KEY for vendor in providers.names() if (reading := oracle(vendor))}
"""The keys that the vendors' pages print."""


def test_no_page_and_no_help_writes_a_key_on_a_command_line() -> None:
    """It would stay in the history and be seen in the list of processes: it is typed unseen, or comes from a file."""
    pages = [*PAGES, *(ROOT / "smscli").rglob("*.py")]
    lines = [line for page in pages for line in page.read_text().splitlines() if "smscli" in line.lower()]
    keys = "|".join(KEYS.values())
    assert not [line for line in lines if re.search(rf"SMSCLI_(API_KEY|SECRET)=[^\s`]|{keys}", line)]


def test_the_readme_has_the_key_that_its_laboratory_line_wants() -> None:
    """Who has nothing but the page can type the line, and sees what it promises."""
    assert "`payforsms.key` holds a key" in README
    assert f"`{KEYS['payforsms']}`:" in README


def crontab_line() -> str:
    """Return what cron gives to the shell of the README's line: a percent sign instead of one with a backslash."""
    block = "".join(re.findall(r"```crontab\nMAILTO=.+\n(.*)\n```", README))
    schedule = re.match(r"(?:[0-9*/,-]+ ){5} *", block)
    assert schedule
    command = block[schedule.end() :]
    assert not re.search(r"(?<!\\)%", command), "cron ends the command at a bare percent sign"
    return command.replace("\\%", "%")


@pytest.fixture
def cron(tmp_path: Path) -> Callable[[str], str]:
    """Run the line as cron does, by sh with HOME and little more; return what it prints, which is what cron mails."""
    config, key, backup, program = (
        tmp_path / name for name in (".config/smscli/config.toml", "key", "bin/backup", ".local/bin/smscli")
    )
    for path in (config, key, backup, program):
        path.parent.mkdir(parents=True, exist_ok=True)
    for path, mode in ((config, 0o600), (key, 0o600), (backup, 0o700)):
        path.touch(mode=mode)
    key.write_text(SECRETS["lightsms"])
    backup.write_text("#!/bin/sh\nexit 1\n")
    program.symlink_to(BINARY)

    def run(base_url: str) -> str:
        config.write_text(
            f'[profiles.work]\nprovider = "lightsms"\nlogin = "YourLogin"\nbase_url = "{base_url}"\n'
            f'api_key_file = "{key}"\nsender = "Alert"\nto = ["+37061234567"]\n'
        )
        environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "you"}
        done = subprocess.run(
            ["/bin/sh", "-c", crontab_line()], env=environ, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    return run


def test_the_crontab_line_of_the_readme_sends_once_a_day_and_mails_nothing(
    cron: Callable[[str], str], tmp_path: Path, vendor: Vendor
) -> None:
    """However often it runs; that it may be midnight is counted in."""
    assert [cron(vendor.url("lightsms")) for _ in range(2)] == ["", ""]
    sent = [request for request in vendor.seen.requests if request.path.endswith("send.php")]
    listed = [str(BINARY), "journal", "list"]
    journal = subprocess.run(listed, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True).stdout
    assert len(sent) == len(journal.splitlines()) in (1, 2)
    assert {line.split("\t")[0][:9] for line in journal.splitlines()} == {"backup-20"}
    assert len({line.split("\t")[0] for line in journal.splitlines()}) == len(sent)


def test_the_crontab_line_of_the_readme_mails_what_is_unknown(cron: Callable[[str], str], vendor: Vendor) -> None:
    """Exit 7, which number, and what to do about it."""
    mail = cron(vendor.url("lightsms", Step(status="502 Bad Gateway", body="")))
    assert mail.startswith("smscli: exit 7 ")
    assert "+37061234567\tUNKNOWN" in mail
    assert "smscli journal resolve backup-" in mail


COMPLETION = {
    "bash": "{} && complete -p smscli",
    "zsh": 'autoload -U compinit && compinit -D && {} && [ -n "$_comps[smscli]" ]',
    "fish": "{}; and complete -C 'smscli bal' | grep -q balance",
}


@pytest.mark.parametrize("shell", COMPLETION)
def test_the_completion_lines_of_the_readme_teach_their_shell(shell: str, tmp_path: Path) -> None:
    """In a shell that has read nothing else."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (line,) = re.findall(rf"^\| {shell} \| .* \| `(.*)` \|$", README, re.MULTILINE)
    bare = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [program, *bare, "-c", COMPLETION[shell].format(line.replace("\\|", "|"))],
        env={"HOME": str(tmp_path), "PATH": f"{BINARY.parent}:/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_two_commands_of_the_readme_are_one_line_each() -> None:
    """A fresh machine needs two pastes; CI runs the second word for word."""
    install = r"^python3 -m venv \.venv && \.venv/bin/pip install .* && "
    assert len(re.findall(install + r"\.venv/bin/smscli send .*$", README, re.MULTILINE)) == 1
    assert len(re.findall(install + r"\.venv/bin/pytest$", README, re.MULTILINE)) == 1


def table_of(title: str) -> dict[str, str]:
    """Return the rows of the README's table whose head begins so: what is in backticks, and the rest."""
    (rows,) = re.findall(rf"^\| {title} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    return dict(row.strip("|").split("|", 1) for row in rows.splitlines())


def test_the_readme_lists_every_field_of_a_profile() -> None:
    """Those that all vendors share, and each vendor's own."""
    listed = {name for cell in table_of("field") for name in re.findall(r"`(\w+)`", cell)}
    of_vendors = {field.name for name in providers.names() for field in providers.get(name).fields}
    assert listed == {"provider", *of_vendors, *(setting.name for setting in profiles.SETTINGS)}


def test_the_readme_lists_every_variable() -> None:
    """All that the program's text names, but the examples of fields and the one that completion sets itself."""
    listed = {name for cell in table_of("variable") for name in re.findall(r"`(SMSCLI_\w+)`", cell)}
    sources = "".join(path.read_text() for path in (ROOT / "smscli").rglob("*.py"))
    fields = {f"SMSCLI_{field.name.upper()}" for name in providers.names() for field in providers.get(name).fields}
    named = {*re.findall(r"SMSCLI_[A-Z_]*[A-Z]", sources)} - fields
    assert listed == named - {"SMSCLI_PROVIDER", "SMSCLI_COMPLETE"}


def test_the_picture_of_a_signature_is_what_the_program_shows(tmp_path: Path) -> None:
    """Drawn once more from the real program; the other picture has times and ids in it."""
    pictures = ROOT / "docs" / "pictures"
    (tmp_path / "draw.py").write_bytes((pictures / "draw.py").read_bytes())
    environ = {"PATH": f"{BINARY.parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "draw.py", "sign"], cwd=tmp_path, env=environ, check=True, timeout=60)
    drawn, committed = (
        "".join(re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())).split()
        for path in (tmp_path / "sign.svg", pictures / "sign.svg")
    )
    assert drawn == committed


def test_the_wheel_holds_the_package_and_the_completions(tmp_path: Path) -> None:
    """What is installed is what was tested: every module, the page's files, the type marker, scripts, schemas, man."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    if subprocess.run([sys.executable, "-c", "import hatchling"], capture_output=True, check=False).returncode:
        pytest.skip("hatchling is not installed beside the tests, and building must not need the network")
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    files = (path for path in (ROOT / "smscli").rglob("*") if path.is_file() and path.suffix != ".pyc")
    ours = {str(path.relative_to(ROOT)) for path in files}
    assert ours | {"smscli/py.typed"} <= names
    shared = {name.partition("/data/share/")[2] for name in names}
    assert shared >= {
        "bash-completion/completions/smscli",
        "smscli/schema/common.json",
        "smscli/schema/send.json",
        "man/man1/smscli-send.1",
    }
    assert not any(name.startswith("tests/") for name in names)


def test_nothing_outside_the_rig_needs_the_rig() -> None:
    """The other tests run without it: what both use stands above it."""
    files = [*(ROOT / "tests").glob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert [path.name for path in files if re.search(r"\btests\.rig\b", path.read_text())] == []


def test_python_m_smscli_is_the_program() -> None:
    """For those whose PATH lacks the script."""
    done = subprocess.run([sys.executable, "-m", "smscli", "--version"], capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout)[0] == "smscli"


def test_no_pattern_uses_what_early_releases_of_python_311_misread() -> None:
    """Possessive quantifiers and atomic groups match wrongly in 3.11.0 to 3.11.4, which Debian 12 ships."""
    patterns = [
        f"{path.name}:{node.lineno}: {node.value}"
        for folder in ("smscli", "contrib")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        # "()*+" is a row of marks, as in the alphabet of GSM-7.
        and re.search(r"(?<!\()[])}.\w][*+?}]\+|\(\?>", node.value)
    ]
    assert patterns == []
