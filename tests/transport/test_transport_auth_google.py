"""Google's default credentials: a service account made here, whose tokens a server on loopback gives for signed claims.

The library is the real one, and so is the exchange: the server checks the account's signature before it gives a token.
"""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import urlsafe_b64decode
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from playhead import Agent, AuthenticationError, ConfigError
from playhead.messages import Text
from playhead.model import Model
from playhead.response import FinishReason, Response
from playhead.transport.auth.google import SCOPE, GoogleCredentials
from scripted_server import Answer, Asked, Loopback, reply

pytest.importorskip("google.auth", reason="default credentials are the extra vertex")
pytest.importorskip("requests", reason="default credentials are the extra vertex")
hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes", reason="the account's key is made with it")

MAIL = "agent@project-one.iam.gserviceaccount.com"


class Google:
    """Token server and Vertex AI in one. ``good`` are the tokens it knows; ``lasts`` is what it says in seconds."""

    def __init__(self, folder: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.given: list[str] = []
        self.good: set[str] = set()
        self.lasts = 3600
        self.refuses: Answer | None = None
        self.file = folder / "account.json"

    def account(self, url: str) -> Path:
        """The file of a service account whose tokens are to be had at this URL."""
        from cryptography.hazmat.primitives import serialization as form

        pem = self.key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        account = {"type": "service_account", "project_id": "project-one", "private_key_id": "k1"}
        account |= {"client_email": MAIL, "token_uri": f"{url}/token", "private_key": pem.decode()}
        self.file.write_text(json.dumps(account))
        return self.file

    def __call__(self, number: int, asked: Asked) -> Answer:
        if asked.path.endswith("/token"):
            return self.refuses or self._token(asked)
        if asked.headers["authorization"].removeprefix("Bearer ") not in self.good:
            return reply({"error": {"code": 401, "message": asked.headers["authorization"]}}, 401)
        said = Response((Text("Hello."),), FinishReason("stop"), id="r", model="m")
        body = import_module("playhead.dialects.gemini").encode_response(said)
        return Answer(200, [body], {"Content-Type": "application/json"})

    def _token(self, asked: Asked) -> Answer:
        from cryptography.hazmat.primitives.asymmetric import padding

        form = parse_qs(asked.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        head, claims, signature = form["assertion"][0].split(".")
        self.key.public_key().verify(
            _bytes(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        said = json.loads(_bytes(claims))
        assert (said["iss"], said["scope"]) == (MAIL, SCOPE)
        self.given.append(f"ya29.token-number-{len(self.given)}-0123456789")
        self.good.add(self.given[-1])
        return reply({"access_token": self.given[-1], "expires_in": self.lasts, "token_type": "Bearer"})


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Google:
    """Nothing of Google is set but the file of the account, and no metadata server is asked."""
    for name in ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Google(tmp_path)


def agent(url: str) -> Agent[str]:
    return Agent("vertex:gemini-x", base_url=url, random=lambda: 0.0)


def test_a_service_accounts_token_is_exchanged_kept_and_kept_to_itself(
    google: Google, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tape = tmp_path / "run.yaml"
    with Loopback(google) as server, caplog.at_level(logging.DEBUG):
        google.account(server.url)
        one = agent(server.url)
        assert one.run_sync("Hi", tape=tape, tape_mode="record").text == "Hello."
        assert one.run_sync("Hi").text == "Hello."
        assert len(google.given) == 1
        asked = [each.headers["authorization"] for each in server.requests if not each.path.endswith("/token")]
        assert asked == [f"Bearer {google.given[0]}"] * 2
    for text in (tape.read_text(), caplog.text, repr(one.model.key)):
        assert google.given[0] not in text
    google.file.unlink()
    assert agent(server.url).run_sync("Hi", tape=tape, tape_mode="replay").text == "Hello."


def test_a_token_that_google_no_longer_knows_is_renewed_once(google: Google, tmp_path: Path) -> None:
    tape = tmp_path / "run.yaml"
    with Loopback(google) as server:
        google.account(server.url)
        one = agent(server.url)
        one.run_sync("Hi")
        google.good.clear()  # revoked, though it had not expired
        run = one.run_sync("Hi", tape=tape, tape_mode="record")
    assert [attempt.status for attempt in run.attempts] == [401, 200]
    assert len(google.given) == 2
    for token in google.given:
        assert token not in tape.read_text() + str(run.attempts)


def test_runs_at_once_share_one_exchange_and_it_may_be_cancelled_for_some(google: Google) -> None:
    async def main(url: str) -> None:
        google.account(url)
        source = GoogleCredentials()
        waiters = [asyncio.create_task(source.get()) for _ in range(30)]
        await asyncio.sleep(0)
        for waiter in waiters[:5]:
            waiter.cancel()
        found = await asyncio.gather(*waiters, return_exceptions=True)
        assert {each[0] for each in found[5:] if isinstance(each, tuple)} == {google.given[0]}
        again = await asyncio.gather(*(source.renew(found[-1]) for _ in range(30)))  # type: ignore[arg-type]
        assert {each[0] for each in again if each is not None} == {google.given[1]}

    with Loopback(google) as server:
        asyncio.run(main(server.url))
    assert len(google.given) == 2


def test_a_token_about_to_expire_is_replaced_before_it_is_sent(google: Google) -> None:
    google.lasts = 60  # google-auth takes no token for good that ends within some minutes
    with Loopback(google) as server:
        google.account(server.url)
        one = agent(server.url)
        assert [one.run_sync("Hi").text for _ in range(2)] == ["Hello."] * 2
        assert [attempt.status for attempt in one.run_sync("Hi").attempts] == [200]
    assert len(google.given) == 3


def test_credentials_that_google_refuses_are_an_error_with_its_cause(google: Google) -> None:
    google.refuses = reply({"error": "invalid_grant", "error_description": "account not found"}, 400)
    with Loopback(google) as server:
        google.account(server.url)
        with pytest.raises(AuthenticationError, match=r"no key could be had: google\.auth\.exceptions\.Refr") as caught:
            agent(server.url).run_sync("Hi")
    assert (caught.value.provider, caught.value.retryable) == ("vertex", False)
    assert "PRIVATE KEY" not in repr(caught.value) + str(caught.value.__cause__)


def test_no_credentials_at_all_say_what_there_is_to_set(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    with Loopback(google) as server:
        with pytest.raises(
            AuthenticationError, match=r"GOOGLE_OAUTH_ACCESS_TOKEN is not set.*application-default login"
        ):
            agent(server.url).run_sync("Hi")
    assert server.requests == []


def test_a_token_that_is_set_goes_before_them(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.given-0123456789")
    google.good.add("ya29.given-0123456789")
    with Loopback(google) as server:
        google.account(server.url)
        assert agent(server.url).run_sync("Hi").text == "Hello."
    assert google.given == []


def test_the_accounts_project_fills_the_url(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-east5")
    google.account("http://127.0.0.1:9")
    assert "/projects/project-one/locations/us-east5" in Model.of("vertex:gemini-x").endpoint.base_url
    assert "/projects/project-one/" in Model.of("vertex:claude-x").endpoint.base_url
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project-two")
    assert "/projects/project-two/" in Model.of("vertex:claude-x").endpoint.base_url


@pytest.mark.parametrize("text", ["[1]", "{", "{}", '{"project_id": 7}', None])
def test_a_file_that_names_no_project_leaves_it_to_the_environment(
    google: Google, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-east5")
    if text is not None:
        google.file.write_text(text)
    with pytest.raises(ConfigError, match="needs a project: set the environment variable GOOGLE_CLOUD_PROJECT"):
        Model.of("vertex:gemini-x")
