"""Where keys come from, and that none of them is ever shown."""

from __future__ import annotations

import asyncio

import pytest
from loopback import Loopback, plain, reset

from playhead.errors import AuthenticationError
from playhead.transport.auth import AuthTransport, Key, bearer, header_key
from playhead.transport.http import HTTPTransport
from playhead.wire import HTTPRequest, HTTPResponse, header

SECRET = "sk-or-0123456789abcdef"


class Wire:
    """A transport that keeps what it was asked and answers 200 with nothing."""

    def __init__(self) -> None:
        self.requests: list[HTTPRequest] = []

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        self.requests.append(request)

        async def nothing():  # type: ignore[no-untyped-def]
            return
            yield

        return HTTPResponse(200, (), nothing())

    async def aclose(self) -> None:
        pass


def sent(auth: Key | None, *headers: tuple[str, str]) -> HTTPRequest:
    wire = Wire()
    asyncio.run(AuthTransport(wire, auth).send(HTTPRequest("POST", "https://a.example/", headers, b"{}")))
    return wire.requests[0]


def test_a_bearer_key_comes_from_the_first_variable_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRST_KEY", raising=False)
    monkeypatch.setenv("SECOND_KEY", SECRET)
    assert header(sent(bearer("FIRST_KEY", "SECOND_KEY")).headers, "authorization") == f"Bearer {SECRET}"


def test_a_value_and_a_function_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", "other")
    assert header(sent(bearer("FIRST_KEY", value=SECRET)).headers, "authorization") == f"Bearer {SECRET}"
    keys = iter(["today-0000", "tomorrow-0"])
    wire, request = Wire(), HTTPRequest("GET", "https://a.example/")
    transport = AuthTransport(wire, bearer(value=lambda: next(keys)))
    asyncio.run(transport.send(request))
    asyncio.run(transport.send(request))
    assert [header(each.headers, "authorization") for each in wire.requests] == [
        "Bearer today-0000",
        "Bearer tomorrow-0",
    ]
    assert transport.secrets() == ("today-0000", "tomorrow-0")


def test_a_header_of_its_own_holds_just_the_key_and_replaces_one_that_is_there() -> None:
    request = sent(header_key("x-api-key", value=SECRET), ("X-API-Key", "old"), ("Accept", "*/*"))
    assert request.headers == (("Accept", "*/*"), ("x-api-key", SECRET))
    assert (request.method, request.url, request.body) == ("POST", "https://a.example/", b"{}")


def test_no_auth_changes_nothing() -> None:
    assert sent(None, ("A", "b")).headers == (("A", "b"),)
    assert AuthTransport(Wire(), None).secrets() == ()


def test_a_missing_key_names_the_variables_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_KEY", "SECOND_KEY"):
        monkeypatch.delenv(name, raising=False)
    wire = Wire()
    transport = AuthTransport(wire, bearer("FIRST_KEY", "SECOND_KEY"), provider="somebody")
    with pytest.raises(AuthenticationError, match=r"FIRST_KEY or SECOND_KEY is not set.*key=") as caught:
        asyncio.run(transport.send(HTTPRequest("GET", "https://a.example/")))
    assert caught.value.provider == "somebody"
    assert not caught.value.retryable
    assert wire.requests == []


def test_a_key_that_is_not_required_is_left_out_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRST_KEY", raising=False)
    assert sent(bearer("FIRST_KEY", required=False)).headers == ()


def test_the_key_is_looked_up_when_something_is_sent_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRST_KEY", raising=False)
    wire = Wire()
    transport = AuthTransport(wire, bearer("FIRST_KEY"))
    assert transport.secrets() == ()
    monkeypatch.setenv("FIRST_KEY", SECRET)
    assert transport.secrets() == (SECRET,)
    asyncio.run(transport.send(HTTPRequest("GET", "https://a.example/")))
    monkeypatch.delenv("FIRST_KEY")
    assert transport.secrets() == (SECRET,)


def test_white_space_around_a_key_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", f"  {SECRET}\r\n")
    assert header(sent(bearer("FIRST_KEY")).headers, "authorization") == f"Bearer {SECRET}"
    assert AuthTransport(Wire(), bearer("FIRST_KEY")).secrets() == (SECRET,)


@pytest.mark.parametrize("bad", [f"{SECRET}\n{SECRET}", f"{SECRET}\x00x", f"{SECRET}é", f"“{SECRET}”"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(bad: str) -> None:
    with pytest.raises(AuthenticationError, match=r"its character \d+ is a line break") as caught:
        sent(bearer(value=bad))
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_no_repr_and_no_error_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", SECRET)
    for auth in (bearer("FIRST_KEY"), bearer(value=SECRET), header_key("x-api-key", value=SECRET)):
        transport = AuthTransport(HTTPTransport(), auth)
        for answer in (reset, plain(401, b"no")):
            with Loopback(answer) as server:
                words = [repr(auth), str(auth), repr(transport), f"{auth}"]
                try:
                    asyncio.run(exchange(transport, server.url))
                except Exception as error:
                    words += [
                        repr(error),
                        str(error),
                        repr(vars(error)),
                        repr(error.__cause__),
                        repr(error.__context__),
                    ]
                assert SECRET not in " ".join(words)
                assert SECRET.encode() in server.requests[0].head


async def exchange(transport: AuthTransport, url: str) -> None:
    response = await transport.send(HTTPRequest("POST", url))
    await response.read()
    await response.aclose()


def test_each_key_is_told_before_it_is_first_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes from a function, and one that replaced it in the environment, can be known in no other way."""
    told: list[str] = []

    class Watching(Wire):
        async def send(self, request: HTTPRequest) -> HTTPResponse:
            assert header(request.headers, "authorization") == f"Bearer {told[-1]}"
            return await super().send(request)

    keys = iter(["today-0000", "today-0000", "tomorrow-0"])
    wire, request = Watching(), HTTPRequest("GET", "https://a.example/")
    transport = AuthTransport(wire, bearer(value=lambda: next(keys)), learn=told.append)
    assert transport.secrets() == ()
    for _ in range(3):
        asyncio.run(transport.send(request))
    assert told == ["today-0000", "tomorrow-0"]
    told.clear()
    transport = AuthTransport(wire, bearer("FIRST_KEY"), learn=told.append)
    for key in ("old-00000000", "new-00000000"):
        monkeypatch.setenv("FIRST_KEY", key)
        asyncio.run(transport.send(request))
    assert told == ["old-00000000", "new-00000000"]
    assert len(wire.requests) == 5


def test_what_a_key_can_say_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", f" {SECRET}\n")
    monkeypatch.setenv("SECOND_KEY", "")
    assert Key(("FIRST_KEY", "SECOND_KEY", "NO_SUCH_KEY"), value=" given-000 ").known() == (SECRET, "given-000")
    assert bearer(value=lambda: pytest.fail("it was called")).known() == ()
