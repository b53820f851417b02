"""Requests signed with AWS credentials: against AWS's published signature, and against a server that computes its own.

:func:`signature` is Signature Version 4 once more, from its specification, with hmac and hashlib alone:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from playhead import Agent, AuthenticationError, ConfigError, PermissionDeniedError
from playhead.fold import unfold
from playhead.messages import Text
from playhead.response import FinishReason, Response
from playhead.transport.auth.aws import AWSCredentials, region_of
from playhead.wire import HTTPRequest, header
from scripted_server import Answer, Asked, Loopback, reply

pytest.importorskip("botocore", reason="signing is the extra bedrock")

ACCESS, SECRET, TOKEN = (
    "AKIDEXAMPLEAKIDEXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjE+/token==",
)
MODEL = "bedrock:us.anthropic.claude-x-v1:0"


def signature(
    method: str, target: str, headers: dict[str, str], signed: str, payload: str, scope: str, moment: str, secret: str
) -> str:
    """The signature of a request; ``headers`` by lower-case name, ``target`` as it came, ``payload`` its SHA-256."""
    path, _, query = target.partition("?")
    canonical = [method, quote(path, safe="/-_.~"), "&".join(sorted(filter(None, query.split("&"))))]
    canonical += [f"{name}:{' '.join(headers[name].split())}" for name in signed.split(";")]
    canonical += ["", signed, payload]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()


def test_the_signature_of_this_test_is_the_one_that_aws_published() -> None:
    """``get-vanilla-query-order-key-case`` of AWS's test suite for Signature Version 4."""
    published = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    empty = hashlib.sha256(b"").hexdigest()
    scope, secret = "20150830/us-east-1/service/aws4_request", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    target = "/?Param2=value2&Param1=value1"
    found = signature("GET", target, headers, "host;x-amz-date", empty, scope, "20150830T123600Z", secret)
    assert found == published


_FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


def faults(method: str, target: str, headers: dict[str, str], body: bytes, keys: dict[str, tuple[str, str]]) -> str:
    """What AWS would have against a request; "" where nothing. ``keys`` is access key -> secret key and token."""
    match = _FORM.fullmatch(headers.get("authorization", ""))
    if match is None:
        return "it is not signed"
    access, scope, signed, claimed = match.groups()
    if access not in keys:
        return f"The security token included in the request is invalid: {access}"
    secret, token = keys[access]
    if headers.get("x-amz-security-token", "") != token:
        return "the token is not the key's"
    payload, moment = headers["x-amz-content-sha256"], headers["x-amz-date"]
    if payload != hashlib.sha256(body).hexdigest() or not moment.startswith(scope.partition("/")[0]):
        return "body or date are not those that were signed"
    must = {"host", "content-type"} | {name for name in headers if name.startswith("x-amz-")}
    if not must <= set(signed.split(";")):
        return "not everything that must be is signed"
    if claimed != signature(method, target, headers, signed, payload, scope, moment, secret):
        # AWS repeats what it signed, and so the key's name and the token.
        return f"The request signature we calculated does not match. {access} {headers.get('x-amz-security-token')}"
    return ""


def claude(keys: dict[str, tuple[str, str]], regions: list[str] | None = None) -> Any:
    """Bedrock, as far as it checks who asks; Claude says hello."""
    spoken = import_module("playhead.dialects.anthropic_messages")

    def script(number: int, asked: Asked) -> Answer:
        said = faults(asked.method, asked.path, asked.headers, asked.body, keys)
        if said:
            return reply({"message": said}, 403)
        if regions is not None:
            regions.append(asked.headers["authorization"].split("/")[2])
        hello = Response((Text("Hello."),), FinishReason("stop"), id="r", model="m")
        if "stream" not in asked.path.rpartition("/")[2]:
            return Answer(200, [spoken.encode_response(hello)], {"Content-Type": "application/json"})
        encoder = spoken.encoder(framing="aws")
        pieces = [piece for event in unfold(hello) if (piece := encoder.feed(event))]
        return Answer(200, pieces, {"Content-Type": "application/vnd.amazon.eventstream"})

    return script


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which nothing of AWS is set and no instance is asked."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    return monkeypatch


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("token", ["", TOKEN], ids=["lasting", "session"])
def test_requests_are_signed_as_a_server_computes_it(
    aws: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str, stream: bool
) -> None:
    """The body, the encoded colon of the path, the token; and nothing of it on the tape or in a log. A replay needs no
    credentials."""
    tape, regions = tmp_path / "run.yaml", list[str]()
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    if token:
        aws.setenv("AWS_SESSION_TOKEN", token)

    def ask(agent: Agent[str], mode: Any) -> str:
        async def streamed() -> str:
            async with agent.stream("Grüß dich!", tape=tape, tape_mode=mode) as events:
                async for _ in events:
                    pass
            return events.run.text

        return asyncio.run(streamed()) if stream else agent.run_sync("Grüß dich!", tape=tape, tape_mode=mode).text

    with Loopback(claude({ACCESS: (SECRET, token)}, regions)) as server, caplog.at_level(logging.DEBUG):
        assert ask(Agent(MODEL, base_url=server.url), "record") == "Hello."
        assert len(server.requests) == 1
        assert "/model/us.anthropic.claude-x-v1%3A0/invoke" in server.requests[0].path
        assert regions == ["eu-west-3"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws.delenv(name)
    assert ask(Agent(MODEL, base_url=server.url), "replay") == "Hello."
    for secret in (ACCESS, SECRET, TOKEN, "AWS4-HMAC", "X-Amz-"):
        assert secret not in tape.read_text()
    for secret in (ACCESS, SECRET, TOKEN, "AWS4-HMAC"):
        assert secret not in caplog.text


def test_converse_is_signed_as_well(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    def script(number: int, asked: Asked) -> Answer:
        said = faults(asked.method, asked.path, asked.headers, asked.body, {ACCESS: (SECRET, "")})
        hello = {"message": {"role": "assistant", "content": [{"text": "Hello."}]}}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        return (
            reply({"message": said}, 403)
            if said
            else reply({"output": hello, "stopReason": "end_turn", "usage": usage})
        )

    with Loopback(script) as server:
        assert Agent("bedrock:amazon.nova-lite-v1:0", base_url=server.url).run_sync("Hi").text == "Hello."
    assert server.requests[0].path.endswith("/model/amazon.nova-lite-v1%3A0/converse")


def test_a_bearer_key_goes_before_signing(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    aws.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-0123456789")
    with Loopback(claude({})) as server, pytest.raises(PermissionDeniedError):
        Agent(MODEL, base_url=server.url).run_sync("Hi")
    assert [asked.headers["authorization"] for asked in server.requests] == ["Bearer bedrock-api-key-0123456789"]
    assert "x-amz-date" not in server.requests[0].headers


def test_credentials_that_are_refused_are_looked_for_once_more(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile that was refreshed meanwhile, by ``aws sso login`` or another tool."""
    new = "AKIDNEWNEWNEWNEWNEWN"
    tape, shared = tmp_path / "run.yaml", tmp_path / "credentials"

    def profile(access: str) -> None:
        shared.write_text(
            f"[default]\naws_access_key_id={access}\naws_secret_access_key={SECRET}\naws_session_token={TOKEN}\n"
        )

    check = claude({new: (SECRET, TOKEN)})

    def script(number: int, asked: Asked) -> Answer:
        profile(new)
        return check(number, asked)  # type: ignore[no-any-return]

    profile(ACCESS)
    with Loopback(script) as server:
        run = Agent(MODEL, base_url=server.url, random=lambda: 0.0).run_sync("Hi", tape=tape, tape_mode="record")
    assert [attempt.status for attempt in run.attempts] == [403, 200]
    for secret in (ACCESS, new, SECRET, TOKEN):
        assert secret not in tape.read_text()
        assert secret not in str(run.attempts)


def test_a_refusal_that_repeats_what_was_signed_gives_nothing_away(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    aws.setenv("AWS_SESSION_TOKEN", TOKEN)
    tape = tmp_path / "run.yaml"
    with Loopback(claude({ACCESS: ("another secret key", TOKEN)})) as server:
        with pytest.raises(PermissionDeniedError, match="signature we calculated does not match") as caught:
            Agent(MODEL, base_url=server.url).run_sync("Hi", tape=tape, tape_mode="record")
        assert len(server.requests) == 1
    words = f"{caught.value!r} {caught.value} {caught.value.body!r} {caught.value.attempts}"
    for secret in (ACCESS, SECRET, TOKEN):
        assert secret not in words
        assert secret not in tape.read_text()


def test_credentials_that_end_soon_are_refreshed_once_for_all_and_beside_the_loop(tmp_path: Path) -> None:
    """A profile's process gives credentials for five minutes, so that botocore wants new ones at each request."""
    calls, process = tmp_path / "calls", tmp_path / "process.py"
    process.write_text(
        "import datetime, json, time\n"
        f"calls = open({str(calls)!r}, 'a+'); calls.write('x'); calls.seek(0); number = len(calls.read())\n"
        "end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)\n"
        f"print(json.dumps(dict(Version=1, AccessKeyId=f'AKIDPROCESS{{number:08}}', SecretAccessKey={SECRET!r}, "
        f"SessionToken={TOKEN!r}, Expiration=end.isoformat())))\n"
    )
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {sys.executable} {process}\n")

    async def main() -> None:
        source, turns = AWSCredentials(), 0

        async def turning() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        first = await source.get()
        beside = asyncio.create_task(turning())
        found = await asyncio.gather(*(source.get() for _ in range(30)))
        beside.cancel()
        assert first.access_key == "AKIDPROCESS00000002"  # found, and refreshed at once
        assert {each.access_key for each in found} == {"AKIDPROCESS00000003"}
        assert turns > 30  # the loop turned while the process ran

    asyncio.run(main())
    assert calls.read_text() == "xxx"


def test_no_credentials_at_all_say_what_there_is_to_set() -> None:
    with Loopback(claude({})) as server:
        with pytest.raises(AuthenticationError, match=r"AWS_BEARER_TOKEN_BEDROCK is not set.*AWS_PROFILE") as caught:
            Agent(MODEL, base_url=server.url).run_sync("Hi")
        assert caught.value.provider == "bedrock"
        assert server.requests == []


def test_the_clock_is_an_argument_and_the_url_says_the_region(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    source = AWSCredentials(clock=lambda: 1440938160.0)
    url = "https://bedrock-runtime.us-west-2.amazonaws.com/model/a%3Ab/converse?z=1&a=%20"
    request = HTTPRequest("POST", url, (("Content-Type", "application/json"), ("Authorization", "old")), b"{}")
    fields = source.fields(request, asyncio.run(source.get()))
    assert header(fields, "X-Amz-Date") == "20150830T123600Z"
    headers = {name.lower(): value for name, value in (*request.headers, *fields)}
    headers["host"] = "bedrock-runtime.us-west-2.amazonaws.com"
    assert faults("POST", url.partition(".com")[2], headers, b"{}", {ACCESS: (SECRET, "")}) == ""
    assert "/20150830/us-west-2/bedrock/aws4_request" in headers["authorization"]
    assert faults("POST", url.partition(".com")[2], headers, b"{ }", {ACCESS: (SECRET, "")}) != ""
    assert ACCESS not in repr(source)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", "us-east-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-1a.bedrock-runtime.eu-north-1.vpce.amazonaws.com/x", "eu-north-1"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/x", "cn-north-1"),
        ("http://127.0.0.1:8080/v1", None),
        ("https://bedrock.example.com/v1", None),
        ("https://bedrock", None),
    ],
)
def test_which_region_a_url_names(url: str, region: str | None) -> None:
    assert region_of(url) == region


def test_a_replay_does_not_import_botocore(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tape = tmp_path / "run.yaml"
    aws.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with Loopback(claude({ACCESS: (SECRET, "")})) as server:
        Agent(MODEL, base_url=server.url).run_sync("Hi", tape=tape, tape_mode="record")
    script = (
        "import sys; from playhead import Agent;"
        f"r = Agent({MODEL!r}, base_url={server.url!r}).run_sync('Hi', tape={str(tape)!r}, tape_mode='replay');"
        "print(r.text, 'botocore' in sys.modules, 'google.auth' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Hello. False False"


@pytest.mark.parametrize(
    ("model", "library", "says"),
    [
        (MODEL, "botocore", "AWS_BEARER_TOKEN_BEDROCK is not set.*pip install 'playhead\\[bedrock\\]'"),
        ("vertex:gemini-x", "google.auth", "GOOGLE_OAUTH_ACCESS_TOKEN is not set.*pip install 'playhead\\[vertex\\]'"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, model: str, library: str, says: str
) -> None:
    for name in ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in sys.modules if name.startswith(library)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=says):
        Agent(model, base_url="http://127.0.0.1:9").run_sync("Hi")
