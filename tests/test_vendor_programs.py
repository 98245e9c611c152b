"""Programs that know nothing of smscli, written as the vendors' pages show, against a real sandbox on a real socket."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SERVER = "from smscli import sandbox; sandbox.serve(sandbox.create_app(), 0, ready=lambda url: print(url, flush=True))"


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the root URL of a sandbox in a process of its own, and the process."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip(), server
        finally:
            server.kill()


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """Return the root URL of a sandbox that all programs of this file share."""
    with serving() as (url, _server):
        yield url


def caught(root: str) -> dict[str, Any]:
    """Return the newest entry of the message list."""
    with urllib.request.urlopen(f"{root}/api/messages", timeout=10) as reply:  # noqa: S310  (our own sandbox)
        entry: dict[str, Any] = json.load(reply)[-1]
        return entry


def run(program: str, *argv: str) -> str:
    """Return what a program prints; it must succeed and say nothing else."""
    done = subprocess.run([*argv, textwrap.dedent(program)], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def shell(program: str) -> Any:
    """Return the JSON that a shell program of curl and a digest tool prints."""
    for tool in ("bash", "curl", "openssl", "md5sum", "sha1sum"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not on this machine")
    return json.loads(run(program, "bash", "-euc"))


def test_the_python_program_of_the_lightsms_page_gets_its_balance(root: str) -> None:
    """Timestamp, sorted values, key behind, MD5, GET: the page's five steps with host, login and key changed."""
    program = f"""
    import hashlib
    from urllib.parse import urlencode
    import requests

    LOGIN = 'demo'
    API_KEY = 'demo-key-lightsms'
    timestamp = requests.get('{root}/external/get/timestamp.php').text.strip()
    params = {{'login': LOGIN, 'timestamp': timestamp, 'return': 'json'}}

    def create_signature(params, api_key):
        joined = ''.join([str(value) for key, value in sorted(params.items())])
        return hashlib.md5((joined + api_key).encode()).hexdigest()

    params['signature'] = create_signature(params, API_KEY)
    data = requests.get(f'{root}/external/get/balance.php?{{urlencode(params)}}').json()
    print(f"Balance: {{data['money']}} {{data['currency']}}")
    """
    assert run(program, sys.executable, "-c") == "Balance: 150.50 EUR\n"


def test_the_php_program_of_the_lightsms_page_gets_its_balance(root: str) -> None:
    """The same with ksort, implode and http_build_query."""
    if shutil.which("php") is None:
        pytest.skip("php is not on this machine")
    program = f"""
    function createSignature($params, $apiKey) {{ ksort($params); return md5(implode($params) . $apiKey); }}
    $timestamp = file_get_contents('{root}/external/get/timestamp.php');
    $params = ['login' => 'demo', 'timestamp' => trim($timestamp), 'return' => 'json'];
    $params['signature'] = createSignature($params, 'demo-key-lightsms');
    $data = json_decode(file_get_contents('{root}/external/get/balance.php?' . http_build_query($params)), true);
    echo "Balance: {{$data['money']}} {{$data['currency']}}\\n";
    """
    assert run(program, "php", "-r") == "Balance: 150.50 EUR\n"


@pytest.mark.parametrize("name", ["mainsms", "payforsms"])
def test_the_curl_line_of_the_payforsms_page_sends(root: str, name: str) -> None:
    """A GET with a multipart body, as printed, signed with sha1sum and md5sum."""
    answer = shell(f"""
        step1='Привет + & ;мир;demo-{name};89121231234;payforsms.ru;demo-key-{name}'
        step2=$(printf %s "$step1" | sha1sum | cut -d' ' -f1)
        sign=$(printf %s "$step2" | md5sum | cut -d' ' -f1)
        curl -sS -X GET {root}/api/mainsms/message/send -H 'Accept: application/json' \\
            -F project=demo-{name} -F sender=payforsms.ru -F 'message="Привет + & ;мир"' \\
            -F recipients=89121231234 -F sign=$sign
    """)
    assert (answer["status"], answer["recipients"]) == ("success", ["79121231234"])
    entry = caught(root)
    assert (entry["vendor"], entry["text"]) == (name, "Привет + & ;мир")


def test_a_curl_line_built_with_openssl_sends_through_mesajlarim(root: str) -> None:
    """Two recipients, as recipient[], the token over all of them in order."""
    answer = shell(f"""
        text='Günaydın + şef 😀'
        rand=$(date +%s)
        token=$(printf %s "15321000000${{text}}53220000005323000000$rand" |
            openssl dgst -sha1 -hmac demo-secret-mesajlarim | sed 's/.* //')
        curl -sS '{root}/omrestapi/api.php?action=sendsms' -d appId=1 -d msisdn=5321000000 -d rand=$rand \\
            -d token=$token --data-urlencode "message=$text" \\
            --data-urlencode 'recipient[]=5322000000' --data-urlencode 'recipient[]=5323000000'
    """)
    assert [one["status"] for one in answer["recipients"]] == ["delivered", "delivered"]
    assert answer["message"] == "Günaydın + şef 😀"


def test_a_curl_line_built_with_openssl_asks_mesajlarim_for_the_balance(root: str) -> None:
    """A GET with everything in the query."""
    answer = shell(f"""
        token=$(printf %s 153210000001331024400 |
            openssl dgst -sha1 -hmac demo-secret-mesajlarim | sed 's/.* //')
        curl -sS -G '{root}/omrestapi/api.php' -d action=balance -d appId=1 -d msisdn=5321000000 \\
            -d rand=1331024400 -d token=$token
    """)
    assert answer["freeTotal"] == 15


def test_a_wrong_sign_gets_the_text_that_should_have_been_hashed(root: str) -> None:
    """The payforsms page's own sign, over its own request, is answered with error 2 and the reason."""
    program = f"""
        curl -sS -D- {root}/api/mainsms/message/send -F project=demo-payforsms -F sender=payforsms.ru \\
            -F message=test -F recipients=89121231234 -F sign=41b379f61da2e1b8a1f74c7d050e1c42
    """
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    answer = run(program, "bash", "-euc")
    assert "X-Smscli-Expected: test;demo-payforsms;89121231234;payforsms.ru;***\n" in answer
    assert '"error": "2"' in answer


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_stops_cleanly_and_says_nothing(number: signal.Signals) -> None:
    """No traceback and no access log (it would hold signatures), within a second or so."""
    with serving() as (url, server):
        urllib.request.urlopen(f"{url}/external/get/timestamp.php", timeout=10).close()  # noqa: S310  (our own)
        begun = time.monotonic()
        server.send_signal(number)
        out, err = server.communicate(timeout=10)
        assert (server.returncode, out, err) == (0, "", "")
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.8.0.1:8025", 200), ("localhost:1", 200), ("LOCALHOST", 200), ("[::1]:80", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example:8025", 403), ("evil.example:127.0.0.1", 403),
        ("localhost.evil.example", 403), ("192.0.2.1", 403), ("", 403), ("user@127.0.0.1", 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/messages", "/external/get/timestamp.php"])
def test_the_server_answers_to_loopback_names_only(root: str, path: str, host: str, status: int) -> None:
    """A web page that has its own name point here sends that name, and is told nothing."""
    connection = http.client.HTTPConnection(root.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers={"Host": host})
    reply = connection.getresponse()
    body = reply.read().decode()
    connection.close()
    assert reply.status == status
    assert (status == 200) or body == (
        "The sandbox is for this machine only: ask it as 127.0.0.1, [::1] or localhost.\n"
    )


def test_a_port_in_use_is_a_config_error(root: str) -> None:
    """Not the server's own words and exit."""
    program = f"""
    from smscli import errors, sandbox
    try:
        sandbox.serve(sandbox.create_app(), {root.rsplit(":", 1)[1]}, ready=print)
    except errors.ConfigError as error:
        print(error.hint)
    """
    assert run(program, sys.executable, "-c") == "port 0 takes any free one\n"
