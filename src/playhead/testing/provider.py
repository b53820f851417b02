"""The fake provider: a script of answers, served on loopback to whoever asks, in the wire that they ask in.

One provider speaks every wire at one address, since a request's URL says which it is in. What it was asked is on
:attr:`FakeProvider.requests`, what it charged on :attr:`FakeProvider.billed`. Keys are not looked at: a test that wants
one refused scripts ``refuse(401)``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from playhead.dialects.embeddings.base import EmbedRequest
from playhead.errors import ConfigError, ModelError, RateLimitError
from playhead.model import Model
from playhead.providers.catalog import PROVIDERS
from playhead.request import Request
from playhead.response import Response, Usage
from playhead.testing.answers import Answer, Said, Scripted, as_answer, refuse
from playhead.testing.bill import Gate, Price, counted
from playhead.testing.http_server import HTTPServer, Sending
from playhead.testing.received import Received
from playhead.testing.speech import speak
from playhead.testing.vectors import ReceivedTexts, received_texts
from playhead.wire import HTTPRequest

#: The key that models of a fake provider send.
FAKE_KEY = "sk-fake-0123456789abcdef"

_NOTHING = Usage(0, 0, cost=Decimal(0))


class FakeProvider:
    """A provider on loopback, for tests; ``with`` or ``async with`` starts and stops it.

    Args:
        name: who it is where a model is named without its provider: a provider of the catalog ("anthropic"), or a
            dialect ("anthropic_messages").
        answer: what is said when the script is used up: an answer, or a function of the request; None refuses with
            status 400, so that a test sees that more was asked than it expected.
        rate: requests in a second that are let in; what comes above is refused with 429 and a Retry-After, and is not
            taken from the script. None lets in all.
        price: US dollars for a million tokens of input, and of output; None leaves costs out.
        port: where it listens, 0 for any that is free. A tape holds the URL that was asked, so that a run which is
            taken up in another process needs the same.

    Attributes:
        requests: the conversations that were asked, in order, refused requests among them.
        embedded: what embeddings were asked of, in order. Such a request is answered with a vector for each text, and
            takes nothing from the script but a refusal that is next on it.
        billed: the usage of all answers that left, added up.
        answered: how many answers left, refusals aside.
        refused: how many requests were refused, by the script or by the rate.

    Raises:
        ConfigError: no provider and no dialect has this name, or there is no such port; when it is started, that the
            port is another's.
    """

    def __init__(
        self,
        name: str = "openai",
        *,
        answer: Scripted | None = None,
        rate: float | None = None,
        price: tuple[float | str | Decimal, float | str | Decimal] | None = None,
        port: int = 0,
    ) -> None:
        if type(port) is not int or not 0 <= port <= 65535:
            raise ConfigError(
                f"FakeProvider: port is {port!r}; a number from 0 (any that is free) to 65535 is expected"
            )
        self.provider = _provider(name)
        self.requests: list[Received] = []
        self.embedded: list[EmbedRequest] = []
        self.answered = 0
        self.refused = 0
        self.billed = _NOTHING
        self._answer = answer
        self._script: deque[Scripted] = deque()
        self._gate = None if rate is None else Gate(rate)
        self._price = None if price is None else Price(*(Decimal(str(dollars)) for dollars in price))
        self._counting = threading.Lock()
        self._numbers = 0
        self._server = HTTPServer(self._reply, port)

    def __enter__(self) -> FakeProvider:
        self._server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.stop()

    async def __aenter__(self) -> FakeProvider:
        return self.__enter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.__exit__()

    @property
    def url(self) -> str:
        """The base URL, for every wire: ``http://127.0.0.1:41234``."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return len(self._server.open)

    def script(self, *answers: Scripted) -> None:
        """Put answers at the end of the script; each request takes one, in the order that they come."""
        for said in answers:
            if not callable(said):
                as_answer(said)
        self._script.extend(answers)

    @property
    def left(self) -> int:
        """How many answers of the script were not asked for yet."""
        return len(self._script)

    def model(self, name: str = "fake-model", **settings: Any) -> Model:
        """A model at this provider: ``fake.model("claude-x")``, or ``fake.model("vertex:claude-x")`` as another one.

        ``settings`` are those of :meth:`playhead.Model.of`; the base URL and a key are given.
        """
        word, colon, rest = name.partition(":")
        id = name if colon and rest and word in PROVIDERS else f"{self.provider}:{name}"
        return Model.of(id, **{"base_url": self.url, "api_key": FAKE_KEY, **settings})

    def _reply(self, http: HTTPRequest) -> Sending:
        """What to send for a request; called on the server's thread."""
        self._numbers += 1
        number = self._numbers
        try:
            texts = received_texts(http)
            asked = Received(http) if texts is None else texts
        except ModelError as error:
            self.refused += 1
            body = b'{"error":{"message":"%b"}}' % error.message.replace('"', "'").encode()
            return Sending(error.status or 400, (("Content-Type", "application/json"),), (body,))
        if isinstance(asked, ReceivedTexts):
            self.embedded.append(asked.embed)
        else:
            self.requests.append(asked)
        now = self._server.loop.time()
        if self._gate is not None and (wait := self._gate.wait(now)):
            # Whole seconds, as RFC 9110 has it; the milliseconds beside them are what OpenAI's clients read first.
            exact = (("retry-after-ms", str(int(wait * 1000) + 1)),)
            refusal = refuse(RateLimitError("too many requests"), retry_after=-(-wait // 1), headers=exact)
            return self._sending(refusal, asked, None, number)
        usage: Usage | None = None
        if isinstance(asked, ReceivedTexts):
            answer = self._refusal()
            if answer is None:
                usage = asked.usage(self._price)
                answer = asked.answer(usage)
        else:
            answer = self._next(asked)
            if isinstance(answer.says, Response):
                usage = counted(answer.says, len(asked.http.body), self._price)
        return self._sending(answer, asked, usage, number)

    def _refusal(self) -> Answer | None:
        """The refusal that is next on the script; None where something else is."""
        said = self._script[0] if self._script else None
        if said is None or callable(said):
            return None
        answer = as_answer(said)
        if isinstance(answer.says, Response):
            return None
        self._script.popleft()
        return answer

    def _next(self, asked: Received) -> Answer:
        try:
            said: Scripted | None = self._script.popleft()
        except IndexError:
            said = self._answer
        if said is None:
            return refuse(400, f"the script is used up: request {len(self.requests)} has no answer in it")
        try:
            return as_answer(_asked_for(said, asked.request) if callable(said) else said)
        except ModelError as error:
            return refuse(error)
        except Exception as error:
            return refuse(400, f"the script's function failed: {type(error).__name__}: {error}")

    def _sending(self, answer: Answer, asked: Received, usage: Usage | None, number: int) -> Sending:
        if answer.bare and isinstance(answer.says, bytes):
            return Sending(0, (), (answer.says,), bare=True, delay=answer.delay)
        spoken = speak(answer, asked, usage, number)
        headers = spoken.headers
        if self._gate is not None:
            headers += self._gate.headers(time.time(), asked.dialect_name)

        def left() -> None:
            with self._counting:
                if usage is None:
                    self.refused += isinstance(answer.says, ModelError)
                else:
                    self.answered += 1
                    self.billed += usage

        return Sending(
            spoken.status,
            headers,
            spoken.chunks,
            asked.stream and not isinstance(answer.says, ModelError),
            answer.delay,
            answer.pause,
            answer.cut_after if answer.error is None else None,
            answer.reset,
            answer.hold,
            left=left,
        )


def _asked_for(function: Callable[[Request], Said], request: Request) -> Said:
    return function(request)


def _provider(name: str) -> str:
    """The catalog's name for a provider, or for the first that speaks a dialect."""
    if name in PROVIDERS:
        return name
    found = next((provider.name for provider in PROVIDERS.values() if provider.dialect == name), None)
    if found is None:
        raise ConfigError(f'no provider and no dialect is called "{name}"; known are {", ".join(sorted(PROVIDERS))}')
    return found
