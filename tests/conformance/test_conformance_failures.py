"""What goes wrong, over every wire: each failure is the error that fits, says what a caller needs, and never a key."""

from __future__ import annotations

import asyncio
import math
import pickle
from typing import Any

import pytest
from services import AGAIN, ONCE, SERVICES, Service, agent_of, run

from playhead import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContextTooLongError,
    CutStreamError,
    Discard,
    ModelError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    ServerError,
    TimeoutExceeded,
    Timeouts,
    TransportError,
    user,
)
from playhead.testing import Answer, FakeProvider, garbage, raw, refuse, reply

KEY = "sk-secret-9f8e7d6c5b4a3210"

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.model)
both_ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


def failure(service: Service, streamed: bool, answer: Answer, **settings: Any) -> tuple[ModelError, FakeProvider]:
    """The error that one answer ends a run with."""
    with FakeProvider() as fake:
        fake.script(answer)
        with pytest.raises(ModelError) as caught:
            asyncio.run(run(agent_of(fake, service, **settings), streamed, "hi"))
        assert len(fake.requests) == 1
        return caught.value, fake


@pytest.mark.parametrize(
    ("answer", "kind", "status", "retryable"),
    [
        (refuse(400, "temperature must be below 2"), BadRequestError, 400, False),
        (refuse(401), AuthenticationError, 401, False),
        (refuse(402), PaymentRequiredError, 402, False),
        (refuse(403), PermissionDeniedError, 403, False),
        (refuse(404), NotFoundError, 404, False),
        (refuse(429, retry_after=7), RateLimitError, 429, True),
        (refuse(500), ServerError, 500, True),
        (refuse(503), OverloadedError, 503, True),
        (refuse(529), OverloadedError, 529, True),
        (
            refuse(ContextTooLongError("prompt is too long: 300000 tokens > 200000 maximum")),
            ContextTooLongError,
            400,
            False,
        ),
        (refuse(ContentFilteredError("the prompt was filtered")), ContentFilteredError, 400, False),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
@both_ways
@every_service
def test_a_refusal_is_the_error_that_fits(
    service: Service, streamed: bool, answer: Answer, kind: type[ModelError], status: int, retryable: bool
) -> None:
    error, fake = failure(service, streamed, answer)
    assert type(error) is kind
    assert isinstance(answer.says, ModelError)
    assert answer.says.message in error.message
    assert error.provider == service.model.partition(":")[0]
    assert error.status == status
    assert error.retryable is retryable
    assert error.retry_after == answer.says.retry_after
    assert error.request_id == "req_fake_1"
    assert answer.says.message.encode() in error.body
    assert error.run.messages == [user("hi")]
    assert [(attempt.status, attempt.request_id) for attempt in error.attempts] == [(status, "req_fake_1")]
    assert fake.refused == 1
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.body) == (kind, str(error), error.body)


@both_ways
@every_service
def test_the_key_is_in_no_error(service: Service, streamed: bool) -> None:
    """A provider that repeats the key in its refusal does not bring it into the error, its body, or the run."""
    answer = refuse(401, f"Incorrect API key provided: {KEY}", headers=(("x-request-id", f"id-{KEY}"),))
    error, fake = failure(service, streamed, answer, api_key=KEY)
    sent = fake.requests[0].http
    assert KEY in str(sent.headers)
    assert KEY not in sent.url
    assert KEY.encode() not in sent.body
    shown = [
        str(error),
        repr(error),
        repr(error.body),
        str(error.request_id),
        repr(error.attempts),
        repr(vars(error.run)),
    ]
    assert not any(KEY in text for text in shown)
    assert KEY.encode() not in pickle.dumps(error)
    assert "Incorrect API key provided" in error.message


@both_ways
@every_service
def test_refusals_are_tried_again_and_counted(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(refuse(429, retry_after=0.01), refuse(503), refuse(500), "ok")
        result = asyncio.run(run(agent_of(fake, service, AGAIN), streamed, "hi"))
        assert result.text == "ok"
        assert [attempt.status for attempt in result.attempts] == [429, 503, 500, 200]
        assert result.attempts[0].wait == 0.01


@every_service
def test_a_stream_that_is_cut_anywhere_is_asked_again(service: Service) -> None:
    """What was shown of it is taken back, and the answer stands once."""

    async def watched(agent: Any) -> tuple[Any, int]:
        async with agent.stream("hi") as stream:
            discards = sum([isinstance(event, Discard) async for event in stream])
            return stream.run, discards

    with FakeProvider() as fake:
        agent = agent_of(fake, service, AGAIN)
        discarded = 0
        for after in range(4):
            fake.script(reply("one two three four five", cut_after=after), "whole")
            result, discards = asyncio.run(watched(agent))
            discarded += discards
            assert result.text == "whole"
            assert [attempt.error is None for attempt in result.attempts] == [False, True]
        assert discarded >= 2
        assert fake.answered == 8


@every_service
def test_a_cut_stream_that_is_not_asked_again_leaves_what_came(service: Service) -> None:
    with FakeProvider() as fake:
        fake.script(reply("one two three four five", cut_after=4))
        with pytest.raises(CutStreamError) as caught:
            asyncio.run(run(agent_of(fake, service), True, "hi"))
        assert caught.value.run.partial
        assert caught.value.run.partial[0].text.startswith("one ")
        assert caught.value.retryable


@every_service
def test_an_error_in_a_stream_is_that_error(service: Service) -> None:
    with FakeProvider() as fake:
        fake.script(reply("one two three", error=OverloadedError("busy now")), "whole")
        result = asyncio.run(run(agent_of(fake, service, AGAIN), True, "hi"))
        assert result.text == "whole"
        assert "busy now" in str(result.attempts[0].error)
    error, _ = failure(service, True, reply("one two three", cut_after=3, error=OverloadedError("busy now")))
    assert type(error) is OverloadedError
    assert "busy now" in error.message
    assert error.retryable
    assert error.provider == service.model.partition(":")[0]
    assert error.run.partial


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (garbage(), (TransportError,)),
        (raw(b""), (CutStreamError,)),
        (raw(b"<html><h1>It works!</h1></html>", content_type="text/html"), (ProtocolError, CutStreamError)),
        (raw(b"<html><h1>It works!</h1></html>"), (ProtocolError, CutStreamError)),
        (raw(b'{"status": "fine"}', content_type="application/json"), (ProtocolError,)),
        (raw(b'{"choices": "none", "content": 3, "output": 1}', content_type="application/json"), (ProtocolError,)),
        (raw(b"[1, 2", content_type="application/json"), (ProtocolError, CutStreamError)),
        (raw(b"\xff\xfe\x00\x01" * 40), (ProtocolError, CutStreamError)),
        (raw(b"", status=502), (ServerError,)),
        (raw(b"<html>502 Bad Gateway</html>", status=502, content_type="text/html"), (ServerError,)),
        (raw(b"nothing here", status=404, content_type="text/plain"), (NotFoundError,)),
        (reply("late", delay=math.inf), (TimeoutExceeded,)),
        (reply("half", cut_after=0, reset=True), (TransportError,)),
    ],
)
@both_ways
@every_service
def test_nonsense_is_an_error_that_says_so(
    service: Service, streamed: bool, answer: Answer, kinds: tuple[type[ModelError], ...]
) -> None:
    patience = Timeouts(first_byte=0.3 if answer.delay else 60)
    error, _ = failure(service, streamed, answer, timeouts=patience)
    assert isinstance(error, kinds)
    assert error.message
    assert error.provider == service.model.partition(":")[0]


@every_service
def test_a_stream_that_falls_silent_is_given_up(service: Service) -> None:
    timeouts = Timeouts(between_chunks=0.1)
    error, _ = failure(service, True, reply("one two three", pause=30), timeouts=timeouts)
    assert isinstance(error, TimeoutExceeded)
    assert error.retryable


@every_service
def test_a_stream_that_never_ends_after_its_end_is_an_answer(service: Service) -> None:
    with FakeProvider() as fake:
        fake.script(reply("one two", hold=True), reply("three", hold=True))
        agent = agent_of(fake, service, timeouts=Timeouts(between_chunks=0.2))
        for words in ("one two", "three"):
            assert asyncio.run(run(agent, True, "hi")).text == words


@every_service
def test_the_attempts_are_given_up_with_the_last_error(service: Service) -> None:
    with FakeProvider(answer=refuse(503)) as fake:
        with pytest.raises(OverloadedError) as caught:
            asyncio.run(run(agent_of(fake, service, AGAIN), False, "hi"))
        assert len(caught.value.attempts) == AGAIN.attempts == len(fake.requests)
        assert ONCE.attempts == 1
