"""Texts to vectors: ``embed`` and ``embed_sync``, one small call for every provider::

    answer = await playhead.embed("openai:text-embedding-3-small", ["a", "b"])
    answer.vectors[0]  # array('f', [0.0123, …])

What goes out takes the way of every model call, retry → tape → auth → http, so that it is recorded and replayed, and no
key reaches the tape. Texts that are more than the provider takes in one request go in several, a few at once; the
vectors stand in the order of the texts.

Nothing that was paid for is lost. Where a request fails for good, those under way are waited for and no new one is
sent, and what came is on the error as ``error.partial``; with a tape it is there as well, and ``tape_mode="resume"``
asks only for the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, get_args

import msgspec

from playhead.dialects.embeddings.base import Embeddings, EmbedRequest, Task, as_vector
from playhead.errors import ConfigError, ProtocolError, nearest
from playhead.given import check, check_there
from playhead.model import Model
from playhead.response import Usage
from playhead.surrogates import joined
from playhead.wire import Headers

if TYPE_CHECKING:
    from playhead.call import Call
    from playhead.providers.embeddings import Embedder
    from playhead.tapes import Mode, Tape
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts
    from playhead.transport.retry import Clock, RetryPolicy

__all__ = ["Embeddings", "embed", "embed_sync"]

#: Requests under way at once: enough to hide the way there and back, too few for a storm.
CONCURRENCY = 4

#: What a tokenizer may add to each text, in tokens: a beginning, an end, a blank before.
_ADDED = 4


class EmbedSettings(TypedDict, total=False):
    """What :func:`embed` may be given besides the model and the texts."""

    dimensions: int | None
    task: Task | None
    options: Mapping[str, Any] | None
    batch: int | None
    concurrency: int
    base_url: str | None
    api_key: str | None
    retry: RetryPolicy | None
    timeouts: Timeouts | None
    transport: Transport | None
    clock: Clock | None
    random: Callable[[], float] | None
    tape: str | os.PathLike[str] | Tape | None
    tape_mode: Mode | None


_OF_THE_MODEL = ("base_url", "api_key", "retry", "timeouts", "transport", "clock", "random")


async def embed(model: str | Model, texts: Sequence[str], **settings: Unpack[EmbedSettings]) -> Embeddings:
    """The vectors of some texts, in their order.

    Args:
        model: "provider:model", or a :class:`playhead.Model` made before.
        texts: at least one, none of them empty. Half of a character is sent as U+FFFD.
        dimensions: the length of each vector, where the model can make other lengths than its own.
        task: what the vectors are for: "document" for texts that are searched, "query" for what they are searched with,
            "similarity", "classification" or "clustering"; a warning where the provider knows no such thing.
        options: the provider's own options, under its own names; checked before anything is sent.
        batch: texts in one request; None means as many as the provider takes.
        concurrency: requests under way at once.
        base_url, api_key, retry, timeouts, transport, clock, random: as for :class:`playhead.Agent`.
        tape, tape_mode: as for :meth:`playhead.Agent.run`.

    Raises:
        ConfigError: no text, an empty one, an unknown option, or a provider without embeddings.
        PlayheadError: of whatever class fits; ``error.partial`` are the vectors that came, ``error.partial.missing``
            the places of those that did not.
    """
    for name in settings:
        if name not in EmbedSettings.__annotations__:
            raise ConfigError(nearest(f"embed: unknown argument {name!r}", name, EmbedSettings.__annotations__))
    from playhead.providers.embeddings import check_embedding_options, embedder

    check("embed", tape=settings.get("tape"), options=settings.get("options"))
    bound = _bound(model, {name: settings.get(name) for name in _OF_THE_MODEL})
    given = _texts(texts)
    _check(settings)
    row = embedder(bound.provider, bound.name)
    options = check_embedding_options(bound.provider, row, dict(settings.get("options") or {}))
    request = EmbedRequest(bound.name, given, settings.get("dimensions"), settings.get("task"), options)
    batch = min(settings.get("batch") or row.texts, row.texts)
    work = _Work(bound, row, request, tuple(_batches(given, batch, row.size)))
    await work.run(settings.get("tape"), settings.get("tape_mode"), settings.get("concurrency") or CONCURRENCY)
    return work.answer()


def embed_sync(model: str | Model, texts: Sequence[str], **settings: Unpack[EmbedSettings]) -> Embeddings:
    """:func:`embed`, for code that is not async. Safe from several threads at once.

    Raises:
        ConfigError: called inside a running event loop, which it would block; await ``playhead.embed`` there.
    """
    from playhead.blocking import block_on

    return block_on(embed(model, texts, **settings), "embed_sync", "await playhead.embed(…)")


class _Work:
    """One call: its requests, and what came of them so far."""

    def __init__(self, model: Model, row: Embedder, request: EmbedRequest, batches: tuple[range, ...]) -> None:
        from playhead.providers.embeddings import embedding_endpoint, embedding_wire

        self._model = model
        self._request = request
        self._batches = batches
        self._wire = embedding_wire(row)
        self._endpoint = embedding_endpoint(model.endpoint, row)
        self._came: dict[int, Embeddings] = {}  # by the number of the batch
        self._warnings: dict[str, None] = {}  # in order, each once
        self._requests = [
            self._wire.encode_request(self._of(places), self._endpoint) for places in batches
        ]  # at once, so that nothing is sent where one of them cannot be

    def _of(self, places: range) -> EmbedRequest:
        texts = self._request.texts[places.start : places.stop]
        return msgspec.structs.replace(self._request, texts=texts)

    async def run(self, tape: str | os.PathLike[str] | Tape | None, mode: Mode | None, concurrency: int) -> None:
        """Ask for all of it.

        Raises:
            PlayheadError: it failed; ``partial`` on it is what came.
        """
        for encoded in self._requests:
            self._warnings |= {f"{warning.where}: {warning.message}": None for warning in encoded.warnings}
        session = None
        try:
            if tape is None and mode not in (None, "off"):
                raise ConfigError(f"tape_mode={mode!r} needs a tape: pass tape= as well")
            if tape is not None:
                from playhead.tapes import default_mode, open_session

                mode = mode or default_mode(os.environ)
                if mode != "off":
                    session = open_session(tape, mode, secrets=self._model.secrets())
                    self._warnings |= dict.fromkeys(session.tape.warnings)
            try:
                await self._all(self._model.call(session), concurrency)
            finally:
                if session is not None:
                    session.close()
                    self._warnings |= dict.fromkeys(session.notes)
        except BaseException as error:
            _attach(error, self.answer())
            raise

    async def _all(self, call: Call, concurrency: int) -> None:
        waiting = iter(range(len(self._batches)))
        if len(self._batches) == 1:
            await self._one(call, 0)
            return
        import asyncio

        failed: list[BaseException] = []

        async def worker() -> None:
            for number in waiting:
                if failed:
                    return
                try:
                    await self._one(call, number)
                except Exception as error:
                    failed.append(error)

        workers = [asyncio.ensure_future(worker()) for _ in range(min(concurrency, len(self._batches)))]
        for end in await asyncio.gather(*workers, return_exceptions=True):  # so that a cancelled call waits for all
            if end is not None:
                raise end
        if failed:
            raise failed[0]

    async def _one(self, call: Call, number: int) -> None:
        """Ask one request, and keep what it gives."""
        places = self._batches[number]

        def take(body: bytes, headers: Headers) -> None:
            answer = self._wire.decode_response(body, headers, self._endpoint, len(places))
            length = len(answer.vectors[0])
            other = next((len(one.vectors[0]) for one in self._came.values()), length)
            if length != other:
                raise ProtocolError(
                    f"vectors of one length expected; those of text {places.start} on have {length} numbers, others "
                    f"{other}",
                    provider=self._endpoint.provider,
                    body=body,
                )
            self._came[number] = answer

        await call.exchange(self._requests[number].http, take, step=number + 1)

    def answer(self) -> Embeddings:
        """What came, in the order of the texts."""
        came = [self._came.get(number) for number in range(len(self._batches))]
        nothing = as_vector(())
        vectors = tuple(
            nothing if answer is None else answer.vectors[place]
            for answer, places in zip(came, self._batches, strict=True)
            for place in range(len(places))
        )
        there = [answer for answer in came if answer is not None]
        warnings = dict(self._warnings)
        for answer, places in zip(came, self._batches, strict=True):
            if answer is not None:
                start = f" (texts from {places.start} on)" if places.start else ""
                warnings |= {warning + start: None for warning in answer.warnings}
        asked = self._request.dimensions
        if asked is not None and there and len(there[0].vectors[0]) != asked:
            warnings[f"dimensions: {asked} were asked for, {len(there[0].vectors[0])} came"] = None
        usages = [answer.usage for answer in there if answer.usage is not None]
        usage = reduce(add, usages) if usages else None
        if usage is not None and len(usages) < len(there):
            usage += Usage()  # a bill that lacks a part is no bill
        return Embeddings(
            vectors,
            there[0].model if there else None,
            usage,
            tuple(warnings),
            tuple(place for place, vector in enumerate(vectors) if not vector),
        )


def _bound(model: str | Model, settings: dict[str, Any]) -> Model:
    if not isinstance(model, Model):
        return Model.of(model, **settings)
    for name, value in settings.items():
        if value is not None:
            raise ConfigError(f"{name} belongs to the model: give it to Model.of(…), not beside a made Model")
    return model


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise ConfigError("embed: a list of texts is expected; for one text write [text]")
    check_there("embed", "texts", texts)
    given = tuple(texts)
    if not given:
        raise ConfigError("embed: there is no text; give at least one")
    for place, text in enumerate(given):
        if not isinstance(text, str):
            raise ConfigError(f"embed: texts[{place}] is no text but of type {type(text).__name__}")
        if not text.strip():
            raise ConfigError(f"embed: texts[{place}] is empty, and an empty text has no vector; leave it out")
    return tuple([joined(text) for text in given])


def _check(settings: EmbedSettings) -> None:
    for name in ("dimensions", "batch", "concurrency"):
        number = settings.get(name)
        if number is not None and (type(number) is not int or number < 1):
            raise ConfigError(f"embed: {name} is {number!r}; a whole number of at least 1 is expected")
    task = settings.get("task")
    if task is not None and task not in get_args(Task):
        raise ConfigError(nearest(f"embed: no task is called {task!r}", str(task), get_args(Task)))


def _batches(texts: tuple[str, ...], most: int, size: int | None) -> Iterator[range]:
    """The places of the texts of each request: at most ``most`` of them, and ``size`` bytes unless it is one alone."""
    start = held = 0
    for place, text in enumerate(texts):
        weight = 0 if size is None else len(text.encode()) + _ADDED
        if place > start and (place - start == most or (size is not None and held + weight > size)):
            yield range(start, place)
            start, held = place, 0
        held += weight
    yield range(start, len(texts))


def _attach(error: BaseException, partial: Embeddings) -> None:
    try:
        error.partial = partial  # type: ignore[attr-defined]
    except AttributeError:  # an exception class with slots: it goes on without
        return
