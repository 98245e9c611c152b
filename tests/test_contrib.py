"""What lies in ``contrib/`` and ``action.yml``: each run here as its own system would run it, as far as that goes.

Not run here, and said so in docs/integrations.md: a runner of GitHub or GitLab, a build of the image (its commands are
run by ``tests/installing``), systemd as process 1, monit and Alertmanager themselves.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from smscli.testing import SandboxServer

ROOT = Path(__file__).parent.parent
CONTRIB = ROOT / "contrib"
PAGE = (ROOT / "docs" / "integrations.md").read_text()
BINARY = Path(sys.executable).with_name("smscli")
NUMBER = "+37061234567"
HOSTILE = (
    "--to=+37061234568 it's \"quoted\" `touch owned` $(touch owned) ${HOME} '\\'' ; touch owned #\n"
    "::error::a command\n%0A::set-output name=x::y Šiandien – 😀"
)
"""What a shell, a list of options and a runner's log would take for something else than a text."""


@pytest.fixture
def box(smscli_sandbox: SandboxServer) -> SandboxServer:
    """The sandbox of our own plugin, emptied."""
    return smscli_sandbox


@pytest.fixture
def tools(tmp_path: Path) -> tuple[Path, Path]:
    """Return a PATH of few programs, and the file in which each of them writes down its argv and its environment."""
    folder, record = tmp_path / "tools", tmp_path / "argv"
    folder.mkdir()
    programs = {name: shutil.which(name) for name in ("bash", "cat", "cut", "mktemp", "rm", "tr", "sh")}
    for name, program in {**programs, "smscli": str(BINARY)}.items():
        tool = folder / name
        tool.write_text(f'#!/bin/bash\nprintf "%s\\n" {name} "$@" >>{record}\nexec {program} "$@"\n')
        tool.chmod(0o755)
    return folder, record


def world(tmp_path: Path, path: Path | str = "/usr/bin:/bin") -> dict[str, str]:
    """Return the little that such a system gives a program."""
    return {"PATH": str(path), "HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(tmp_path / "state"), "LC_ALL": "C.UTF-8"}


def profile(box: SandboxServer, tmp_path: Path, name: str = "work") -> Path:
    """Write a profile file for the sandbox's LightSMS account, and return its path."""
    settings = {field.removeprefix("SMSCLI_").lower(): value for field, value in box.environ("lightsms").items()}
    lines = [f"{field} = {json.dumps(value)}" for field, value in settings.items() if field != "sandbox"]
    path = tmp_path / "config.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join([f"[profiles.{name}]", *lines, "sandbox = true", f'to = ["{NUMBER}"]', ""]))
    return path


def texts(box: SandboxServer) -> list[tuple[str, str | None]]:
    """Return whom the vendor was asked to text, and what."""
    return [(message.to or "", message.text) for message in box.messages()]


# --- the action -------------------------------------------------------------------------------------------------------

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


class Step(NamedTuple):
    """A finished step: its status, its log, and what it leaves to later ones."""

    status: int
    log: str
    outputs: dict[str, str]


Notify = Callable[..., Step]


@pytest.fixture
def notify(tmp_path: Path, tools: tuple[Path, Path]) -> Notify:
    """Run the step that sends as GitHub's runner does: ``env`` from the inputs, ``run`` by bash, from a file."""

    def run(inputs: Mapping[str, str], job: Mapping[str, str] | None = None) -> Step:
        unknown = set(inputs) - set(ACTION["inputs"])
        assert not unknown
        given = {name: inputs.get(name, spec.get("default", "")) for name, spec in ACTION["inputs"].items()}
        (step,) = [one for one in ACTION["runs"]["steps"] if one["id"] == "notify"]
        environ = {}
        for name, value in step["env"].items():
            if value == "${{ steps.install.outputs.program }}":
                environ[name] = str(tools[0] / "smscli")
            else:
                (field,) = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value).groups()  # type: ignore[union-attr]
                environ[name] = given[field]
        script, output = tmp_path / "step.sh", tmp_path / "output"
        script.write_text(step["run"])
        output.write_text("")
        (tmp_path / "temp").mkdir(exist_ok=True)
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], cwd=tmp_path,
            env={
                **world(tmp_path, tools[0]), "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(output),
                "RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_REPOSITORY": "you/shop", "GITHUB_WORKFLOW": "deploy",
                "GITHUB_REF_NAME": "main", "GITHUB_RUN_ID": "17", "SMSCLI_SANDBOX": "true", **(job or {}), **environ,
            },
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return Step(done.returncode, (done.stdout + done.stderr).decode(), outputs)

    return run


def inputs(box: SandboxServer, vendor: str = "lightsms", **more: str) -> dict[str, str]:
    """Return what a workflow gives, the demo account's fields as its secrets."""
    fields = {name.removeprefix("SMSCLI_"): value for name, value in box.environ(vendor).items()}
    given = {name.lower().replace("_", "-"): value for name, value in {**fields, **more}.items()}
    # What has a default of the vendor's is a variable of the job, where somebody wants it.
    return {name: value for name, value in given.items() if name in ACTION["inputs"]}


@pytest.mark.parametrize("vendor", ["lightsms", "mainsms", "mesajlarim"])
def test_the_action_has_an_input_for_every_field_of_a_vendor(notify: Notify, box: SandboxServer, vendor: str) -> None:
    """And sends with them."""
    number = {"lightsms": NUMBER, "mesajlarim": "+905321000000"}.get(vendor, "+79121231234")
    step = notify(inputs(box, vendor, to=number, text="build 4711 failed"))
    assert (step.status, step.outputs) == (0, {"exit-code": "0"}), step.log
    ((to, text),) = texts(box)
    assert (number.endswith(to), text) == (True, "build 4711 failed")


def test_without_a_text_the_action_says_what_failed_where(notify: Notify, box: SandboxServer) -> None:
    """With the link to look at."""
    assert notify(inputs(box, to=NUMBER)).status == 0
    ((_, text),) = texts(box)
    assert text == "you/shop: deploy failed on main\nhttps://github.com/you/shop/actions/runs/17"


def test_a_hostile_text_is_a_text(notify: Notify, box: SandboxServer, tmp_path: Path) -> None:
    """The shell reads nothing of it, and no option is made of it."""
    step = notify(inputs(box, to=NUMBER, text=HOSTILE, parts="9"))
    assert step.status == 0, step.log
    assert texts(box) == [(NUMBER[1:], HOSTILE)]
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, HOSTILE) for name in ("to", "key", "profile", "fallback")),
        ("to", "@/etc/passwd"),
    ],
    ids=lambda value: value[:12],
)
def test_a_hostile_input_is_a_value_or_refused(
    notify: Notify, box: SandboxServer, name: str, value: str, tmp_path: Path
) -> None:
    """Never a command, a second option or a recipient; and what the log says of it is no command of the runner's."""
    step = notify({**inputs(box, to=NUMBER), name: value})
    assert "root:" not in step.log
    assert "Traceback" not in step.log
    assert not list(tmp_path.rglob("owned"))
    assert {to for to, _ in texts(box)} <= {NUMBER[1:]}
    commands = [line for line in step.log.splitlines() if line.lstrip().startswith("::")]
    assert not [
        line for line in commands if not re.match(r"::(add-mask::[0-9+() -]+$|(stop-commands::)?smscli-\d+)", line)
    ]
    assert step.status or texts(box)


def test_no_secret_is_in_a_command_line_or_in_the_log(
    notify: Notify, box: SandboxServer, tools: tuple[Path, Path], tmp_path: Path
) -> None:
    """Of no program that the step starts; the number stays out of both as well, and nothing is left on the disk."""
    secret = box.environ("lightsms")["SMSCLI_API_KEY"]
    words = {"text": "the text of it", "journal-password": "open-sesame"}
    step = notify(inputs(box, to=NUMBER, **words))
    refused = notify({**inputs(box, to=NUMBER, **words), "api-key": f"{secret}-wrong"})
    assert (step.status, refused.status) == (0, 4), refused.log
    argv = tools[1].read_text()
    assert "smscli\nsend\n--text-file\n-\n" in argv, "the programs write down what they were given"
    for word in (secret, *words.values(), NUMBER):
        assert word not in argv
    for word in (secret, *words.values()):
        assert word not in step.log + refused.log
    masked = step.log.replace(f"::add-mask::{NUMBER}\n", "")
    assert step.log.index("::add-mask::") < masked.index("SENT")
    assert list((tmp_path / "temp").iterdir()) == []


def test_a_profile_file_from_a_secret_is_used_and_removed(
    notify: Notify, box: SandboxServer, tools: tuple[Path, Path], tmp_path: Path
) -> None:
    """With the accounts that take over."""
    config = profile(box, tmp_path, "spare").read_text().replace('to = ["+37061234567"]\n', "")
    down = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", config).replace("spare", "work")
    step = notify({"config": down + config, "profile": "work", "fallback": "spare", "to": NUMBER, "text": "hello"})
    assert step.status == 0, step.log
    assert texts(box) == [(NUMBER[1:], "hello")]
    assert box.environ("lightsms")["SMSCLI_API_KEY"] not in tools[1].read_text() + step.log
    assert list((tmp_path / "temp").iterdir()) == []


def test_what_the_job_has_set_stays_where_no_input_is_given(notify: Notify, box: SandboxServer) -> None:
    """Variables of the job do as well as inputs."""
    step = notify({"text": "hello"}, {**box.environ("lightsms"), "SMSCLI_TO": NUMBER})
    assert step.status == 0, step.log
    assert texts(box) == [(NUMBER[1:], "hello")]


def test_the_action_sends_once_where_a_journal_stays(notify: Notify, box: SandboxServer) -> None:
    """A step that is run again gets the receipt."""
    given = inputs(box, to=NUMBER, text="hello", key="deploy-17")
    assert [notify(given).status for _ in range(2)] == [0, 0]
    assert len(texts(box)) == 1


def test_the_action_fails_as_smscli_does(notify: Notify, box: SandboxServer) -> None:
    """And tells it to later steps."""
    box.chaos("lightsms send error=32")
    step = notify(inputs(box, to=NUMBER, text="hello"))
    assert (step.status, step.outputs) == (5, {"exit-code": "5"})
    assert "REFUSED" in step.log


def test_the_action_installs_from_its_own_commit_without_secrets() -> None:
    """The installer sees an address at most; what is installed is what lies beside action.yml."""
    install, notify = ACTION["runs"]["steps"]
    assert set(install["env"]) == {"INPUT_JOURNAL"}
    assert {step["run"] for step in (install, notify)} == {
        f'bash "$GITHUB_ACTION_PATH/contrib/action/{name}.sh"' for name in ("install", "notify")
    }
    assert '"$GITHUB_ACTION_PATH$extra"' in (CONTRIB / "action" / "install.sh").read_text()


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    """In the list of the run's annotations."""
    tool = tmp_path / "python3"
    tool.write_text("#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    script = CONTRIB / "action" / "install.sh"
    done = subprocess.run(
        ["/bin/bash", str(script)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.startswith("::error::smscli needs Python 3.11")) == (3, True)


# --- GitLab -----------------------------------------------------------------------------------------------------------


def test_the_gitlab_job_sends_once_a_pipeline(box: SandboxServer, tmp_path: Path, tools: tuple[Path, Path]) -> None:
    """Its script, but for the installation, by a shell; a branch may be called anything."""
    job = yaml.safe_load((CONTRIB / "gitlab" / "smscli.gitlab-ci.yml").read_text())["smscli"]
    assert (job["stage"], job["when"]) == (".post", "on_failure")
    lines = [line for line in job["script"] if "pip install" not in line]
    assert len(lines) == len(job["script"]) - 1
    environ = {
        **world(tmp_path, tools[0]), **box.environ("lightsms"), "SMSCLI_TO": NUMBER, "CI_PROJECT_PATH": "you/shop",
        "CI_COMMIT_REF_NAME": "it's/$(touch owned)", "CI_PIPELINE_ID": "17", "CI_PIPELINE_URL": "https://gitlab.example/17",
    }  # fmt: skip
    for _ in range(2):
        subprocess.run(["/bin/bash", "-ec", "\n".join(lines)], env=environ, cwd=tmp_path, check=True, timeout=60)
    assert texts(box) == [
        (NUMBER[1:], "you/shop: the pipeline of it's/$(touch owned) failed\nhttps://gitlab.example/17"),
    ]
    assert environ["SMSCLI_API_KEY"] not in tools[1].read_text()


# --- systemd ----------------------------------------------------------------------------------------------------------

UNIT = CONTRIB / "systemd" / "smscli@.service"


def settings(unit: Path) -> dict[str, list[str]]:
    """Return the settings of a unit by name."""
    pairs = [line.split("=", 1) for line in unit.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    return {name: [value for each, value in pairs if each == name] for name, _ in pairs}


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """``systemd-analyze verify`` has no objection."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/smscli", str(BINARY)))
    done = subprocess.run(
        [program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line or "smscli" in line]
    assert (done.returncode, complaints) == (0, [])


def test_the_unit_sends_with_its_credential_and_once(box: SandboxServer, tmp_path: Path) -> None:
    """Its command line, with the specifiers and the files as systemd gives them."""
    unit, credentials = settings(UNIT), tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    environ = box.environ("lightsms")
    name, _ = unit["LoadCredential"][0].split(":")
    (credentials / name).touch(mode=0o400)
    (credentials / name).chmod(0o600)
    (credentials / name).write_text(environ.pop("SMSCLI_API_KEY"))
    argv = [word.replace("%i", "backup.service").replace("%H", "db1") for word in shlex.split(unit["ExecStart"][0])]
    assert argv[0] == "/usr/local/bin/smscli"
    assert unit["Environment"] == ["SMSCLI_STATE_DIR=%S/smscli"]
    for _ in range(2):
        subprocess.run(
            [str(BINARY), *argv[1:]],
            env={**world(tmp_path), **environ, "SMSCLI_TO": NUMBER, "CREDENTIALS_DIRECTORY": str(credentials)},
            stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
    assert texts(box) == [(NUMBER[1:], "backup.service failed on db1")]


# --- cron -------------------------------------------------------------------------------------------------------------


def test_the_crontab_line_texts_the_end_of_a_failed_command_once(box: SandboxServer, tmp_path: Path) -> None:
    """By sh, with HOME and little more, as cron does it; what is printed is mailed, and that is the command's own."""
    (line,) = re.findall(r"```crontab\n(.*)\n```", PAGE)
    command = re.sub(r"^(?:[0-9*/,-]+ ){5} *", "", line)
    assert "%" not in command
    place = tmp_path / ".config" / "smscli"
    place.mkdir(parents=True, mode=0o700)
    profile(box, tmp_path).rename(place / "config.toml")
    for path, program in (("bin/backup", "#!/bin/sh\necho no space left\nexit 3\n"), (".local/bin/smscli", None)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if program is None:
            (tmp_path / path).symlink_to(BINARY)
        else:
            (tmp_path / path).write_text(program)
            (tmp_path / path).chmod(0o755)
    for _ in range(2):
        done = subprocess.run(
            ["/bin/sh", "-c", command], env=world(tmp_path), capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout) == (3, "no space left\n"), done.stderr
    ((to, text),) = texts(box)
    assert to == NUMBER[1:]
    assert (text or "").endswith("failed with status 3")


# --- Alertmanager -----------------------------------------------------------------------------------------------------

HOOK = CONTRIB / "alertmanager" / "smscli_alertmanager.py"


def alert(**changes: Any) -> dict[str, Any]:
    """Return an alert as the documentation of webhook_config prints it."""
    return {
        "status": "firing", "labels": {"alertname": "DiskFull", "instance": "db1", "severity": "critical"},
        "annotations": {"summary": "97.3 % used"}, "startsAt": "2031-10-03T17:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus", "fingerprint": "6d1b2d7a3f0c9e55",
        **changes,
    }  # fmt: skip


def webhook(*alerts: Any) -> bytes:
    """Return what Alertmanager posts."""
    return json.dumps({"version": "4", "status": "firing", "receiver": "sms", "alerts": alerts}).encode()


@pytest.fixture
def hook(box: SandboxServer, tmp_path: Path) -> Callable[[bytes], subprocess.CompletedProcess[bytes]]:
    """Give a webhook to the hook on stdin."""

    def run(document: bytes) -> subprocess.CompletedProcess[bytes]:
        config = profile(box, tmp_path)
        return subprocess.run(
            [sys.executable, str(HOOK), "--", "-p", "work"], input=document, capture_output=True, check=False,
            env={**world(tmp_path), "SMSCLI_CONFIG": str(config), "SMSCLI_PROGRAM": str(BINARY)}, timeout=60,
        )  # fmt: skip

    return run


def test_an_alert_is_texted_once_for_each_of_its_states(
    hook: Callable[[bytes], subprocess.CompletedProcess[bytes]], box: SandboxServer
) -> None:
    """However often it is repeated, also with other figures in its annotations."""
    firing, other = alert(), alert(annotations={"summary": "98.1 % used"})
    resolved = alert(status="resolved", endsAt="2031-10-03T18:00:00Z")
    for document in (webhook(firing), webhook(other), webhook(firing, resolved)):
        done = hook(document)
        assert done.returncode == 0, done.stderr
    assert [text for _, text in texts(box)] == [
        f"{state} DiskFull: instance db1, severity critical" for state in ("FIRING", "RESOLVED")
    ]


@pytest.mark.parametrize(
    "document",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, webhook("text"), webhook(alert(fingerprint="x" * 100_000)),
        webhook(alert(startsAt={"a": 1})), webhook(alert(labels=7)), webhook(alert(status="--yes now")),
        webhook(*[alert()] * 101),
    ],
    ids=lambda document: document[:20].decode(errors="replace"),
)  # fmt: skip
def test_what_is_no_webhook_sends_nothing(
    hook: Callable[[bytes], subprocess.CompletedProcess[bytes]], box: SandboxServer, document: bytes
) -> None:
    """Exit 2 and a line."""
    done = hook(document)
    assert (done.returncode, texts(box)) == (2, [])
    assert done.stderr.startswith(b"smscli_alertmanager: ")
    assert done.stderr.count(b"\n") == 1


def test_hostile_labels_are_text(
    hook: Callable[[bytes], subprocess.CompletedProcess[bytes]], box: SandboxServer, tmp_path: Path
) -> None:
    """Whoever names a host does not give commands."""
    done = hook(webhook(alert(labels={"alertname": "--to=+37061234568", "instance": "$(touch owned)`id`'\"\ud800"})))
    assert done.returncode == 0, done.stderr
    assert texts(box) == [(NUMBER[1:], "FIRING --to=+37061234568: instance $(touch owned)`id`'\"?")]
    assert not list(tmp_path.rglob("owned"))


@pytest.fixture
def served_hook(box: SandboxServer, tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Serve the hook, and return what it answers to a webhook."""
    config = profile(box, tmp_path)
    environ = {**world(tmp_path), "SMSCLI_CONFIG": str(config), "SMSCLI_PROGRAM": str(BINARY)}
    argv = [sys.executable, str(HOOK), "--listen", "127.0.0.1:0", "--", "-p", "work", "-q"]
    with subprocess.Popen(argv, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = int(process.stderr.readline().split()[-1])

            def post(document: bytes) -> int:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", document, timeout=30) as answer:
                        return int(answer.status)
                except urllib.error.HTTPError as error:
                    error.close()
                    return error.code

            yield post
        finally:
            process.kill()


def test_a_posted_alert_is_answered_so_that_alertmanager_repeats_only_what_was_not_sent(
    served_hook: Callable[[bytes], int], box: SandboxServer
) -> None:
    """200 sent, 503 certainly not sent, 422 refused or unknown, 400 no webhook."""
    assert served_hook(webhook(alert())) == 200
    assert served_hook(b"nothing") == 400
    box.chaos("lightsms send error=32 count=1")
    assert served_hook(webhook(alert(fingerprint="aa"))) == 422
    box.chaos("lightsms send reset=after count=1")
    assert served_hook(webhook(alert(fingerprint="bb"))) == 422
    before = len(texts(box))
    assert served_hook(webhook(alert(fingerprint="bb"))) == 422
    assert len(texts(box)) == before


def test_what_keeps_the_hook_from_its_work_is_a_line(box: SandboxServer, tmp_path: Path) -> None:
    """No smscli there: certainly not sent. An address that is none, or is taken: nothing is served."""
    taken = box.url.removeprefix("http://").rstrip("/")
    for status, *words in ((6,), (2, "--listen", "here"), (2, "--listen", "127.0.0.1:70000"), (2, "--listen", taken)):
        done = subprocess.run(
            [sys.executable, str(HOOK), *map(str, words)], input=webhook(alert()), capture_output=True, check=False,
            env={**world(tmp_path), "SMSCLI_PROGRAM": str(tmp_path / "none")}, timeout=60,
        )  # fmt: skip
        assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr
        assert b"smscli_alertmanager" in done.stderr


# --- monit ------------------------------------------------------------------------------------------------------------


def test_monit_texts_what_it_found_once(box: SandboxServer, tmp_path: Path, tools: tuple[Path, Path]) -> None:
    """With the variables that monit gives a program, whatever is in them."""
    environ = {
        "PATH": str(tools[0]), "SMSCLI_CONFIG": str(profile(box, tmp_path)),
        "SMSCLI_STATE_DIR": str(tmp_path / "state"), "SMSCLI_PROGRAM": str(tools[0] / "smscli"),
        "MONIT_SERVICE": "nginx", "MONIT_HOST": "db1", "MONIT_EVENT": "Does not exist",
        "MONIT_DESCRIPTION": HOSTILE[:89], "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            ["/bin/sh", str(CONTRIB / "monit" / "smscli-monit"), "-p", "work"], env=environ, cwd=tmp_path,
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert texts(box) == [(NUMBER[1:], f"nginx on db1: {HOSTILE[:89]}")]
    assert "nginx" not in tools[1].read_text()
    assert not list(tmp_path.rglob("owned"))


# --- the image --------------------------------------------------------------------------------------------------------


def stages() -> list[dict[str, str]]:
    """Return the instructions of the Dockerfile by name: those of the build, and those of the image."""
    lines = (CONTRIB / "docker" / "Dockerfile").read_text().splitlines()
    sections: list[dict[str, str]] = []
    for line in lines:
        if line and not line.startswith("#"):
            name, value = line.split(" ", 1)
            assert re.fullmatch("[A-Z]+", name)
            if name == "FROM":
                sections.append({})
            assert name not in sections[-1], "each instruction once a stage"
            sections[-1][name] = value
    return sections


def test_the_image_runs_as_nobody_and_writes_to_its_volume_alone() -> None:
    """A user by number, which Kubernetes asks for, and the journal's directory is that user's."""
    _, given = stages()
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", given["USER"])
    environ = dict(pair.split("=", 1) for pair in given["ENV"].split())
    assert environ["SMSCLI_STATE_DIR"] == given["VOLUME"]
    user, group = given["USER"].split(":")
    assert f"install -d -m 700 -o {user} -g {group} {given['VOLUME']}" in given["RUN"]
    assert json.loads(given["ENTRYPOINT"]) == ["smscli"]
    assert environ["PATH"].startswith("/opt/smscli/bin:")
    assert not re.search(r"(?i)key|secret|password", given["ENV"])


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    """Nothing that a build reads is kept out of it, and no tests, history or environment go in."""
    ignored = (CONTRIB / "docker" / "Dockerfile.dockerignore").read_text().split()
    build, _ = stages()
    assert build["COPY"] == ". /source"
    assert "pip install --no-cache-dir --disable-pip-version-check '/source[postgres,sandbox]'" in build["RUN"]
    assert {".*", "tests", "dist"} <= set(ignored)
    assert not {"smscli", "docs", "completions", "README.md", "LICENSE", "pyproject.toml", "contrib"} & set(ignored)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_names_everything_in_contrib() -> None:
    """Each file with a sentence, and what was never run."""
    for folder in CONTRIB.iterdir():
        assert f"contrib/{folder.name}/" in PAGE, folder.name
    assert "action.yml" in PAGE


def test_every_input_of_the_action_is_in_the_page() -> None:
    """By the name that a workflow gives it."""
    missing = [name for name in ACTION["inputs"] if f"`{name}`" not in PAGE]
    assert missing == []
