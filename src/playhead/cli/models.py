"""What there is to ask: the providers, what each can do, and the models that one lists.

Without an argument: every provider with its wire, where it is, the variable that holds its key and whether that is set
here (never what it holds), and what it can do. With a provider: the models that it lists, asked of it now, with their
context and prices where it gives them. With a model: what is known of it, each difference from its wire's common hand
with the reason.

  playhead models
  playhead models openrouter
  playhead models openai:gpt-5
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.events import Attempt
    from playhead.providers.base import Provider, Quirk
    from playhead.providers.listing import ListedModel

SUMMARY = "list providers, what each can do, and their models"

_FILES = ("images", "documents", "audio", "video")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead models``."""
    parser.add_argument(
        "which", metavar="WHICH", nargs="?", help="a provider, whose models are listed; or provider:model"
    )
    parser.add_argument("--tape", metavar="FILE", help="record the listing on this tape; where it exists, play it")
    parser.add_argument("--base-url", metavar="URL", help="where the provider's wire is spoken, instead of its own URL")


def main(arguments: argparse.Namespace) -> int:
    """Show them."""
    from playhead.cli.ends import UsageError
    from playhead.cli.paint import Paint

    paint = Paint.of(sys.stdout, arguments.color)
    which = arguments.which
    if which is None and (arguments.tape or arguments.base_url):
        raise UsageError("--tape and --base-url go with a provider whose models are listed: playhead models openrouter")
    if which is None:
        document, lines = _providers(paint)
    elif ":" in which:
        document, lines = _one(paint, which)
    else:
        document, lines = _listed(paint, _named(which), arguments)
    if arguments.json:
        from playhead.cli.document import encode_json

        sys.stdout.write(encode_json(document, indent=True) + "\n")
    else:
        print("\n".join(lines))
    return 0


def _named(name: str) -> Provider:
    from playhead.cli.ends import UsageError
    from playhead.errors import nearest
    from playhead.providers.catalog import PROVIDERS

    if name not in PROVIDERS:
        raise UsageError(nearest(f"no provider is called {name!r}", name, sorted(PROVIDERS)))
    return PROVIDERS[name]


def _row(provider: Provider, model: str = "") -> dict[str, Any]:
    """What is known of a provider as JSON has it; ``key_set`` says whether one of the variables holds anything."""
    import msgspec

    from playhead.providers.abilities import abilities

    variables = (*provider.key_env, *provider.token_env)
    return {
        "name": provider.name,
        "wire": provider.dialect,
        "base_url": provider.base_url or provider.url_form or None,
        "base_url_env": list(provider.base_url_env) or None,
        "key_env": list(variables),
        "key_set": any(os.environ.get(name, "").strip() for name in variables),
        "key_required": provider.auth != "optional",
        "abilities": msgspec.to_builtins(abilities(provider, model)),
    }


def _providers(paint: Paint) -> tuple[dict[str, Any], list[str]]:
    from playhead.cli.table import table as in_columns
    from playhead.providers.catalog import PROVIDERS

    rows = [_row(provider) for provider in PROVIDERS.values()]
    table: list[tuple[str, ...]] = [("provider", "wire", "key", "", "tools", "answer", "takes", "reasoning", "more")]
    for row in rows:
        can = row["abilities"]
        more = [word for word, has in (("cache", can["cache_marks"]), ("cost", can["cost"])) if has]
        more += {True: ["embeddings"], None: ["embeddings?"]}.get(can["embeddings"], [])
        table.append(
            (
                row["name"],
                row["wire"],
                row["key_env"][0] if row["key_env"] else "",
                "set" if row["key_set"] else "no" if row["key_required"] else "",
                can["tools"] or "no",
                can["output"],
                _short(can),
                "+".join(can["reasoning"]) or "no",
                "+".join(more),
            )
        )
    lines = list(in_columns(table, paint, words=True))
    wheres = [(row["name"], row["base_url"] or " or ".join(row["base_url_env"] or ["--base-url"])) for row in rows]
    return {"providers": rows}, [*lines, "", *_wheres(paint, wheres)]


def _wheres(paint: Paint, wheres: Sequence[tuple[str, str]]) -> list[str]:
    """Each provider and where it is; an address is never shortened, and what has no room is told below its name."""
    from playhead.cli.paint import hung
    from playhead.cli.table import table as in_columns

    shown = in_columns([("provider", "where"), *wheres], type(paint)(paint.color), words=True)
    return list(shown) if paint.limit is None else [hung(line, paint.limit) for line in shown]


def _short(can: dict[str, Any]) -> str:
    return "+".join(name for name in _FILES if can[name]) or "text"


def _one(paint: Paint, name: str) -> tuple[dict[str, Any], list[str]]:
    """What is known of one model; nobody is asked."""
    import msgspec

    from playhead.cli.hand import in_words
    from playhead.cli.paint import clean, hung
    from playhead.providers.abilities import abilities, lack
    from playhead.providers.base import profile_for, quirks_of
    from playhead.providers.catalog import resolve

    provider, model = resolve(name)
    can = abilities(provider, model)
    quirks = _winning(list(quirks_of(provider, model)))
    without = lack(model)
    common = type(profile_for(provider, model))()
    changed = {field for changes, _ in quirks for field in changes}
    hand = {
        field: value
        for field, value in provider.profile.items()
        if field not in changed and getattr(common, field, None) != value
    }
    document = {
        **_row(provider, model),
        "model": model,
        "profile": hand,
        "reasons": {field: provider.reasons[field] for field in hand if provider.reasons.get(field)},
        "quirks": [{"changes": changes, "reason": reason} for changes, reason in quirks],
        "lacks": None if without is None else {"lacks": list(without.lacks), "reason": without.reason},
    }
    told = msgspec.to_builtins(can)
    where = clean(provider.base_url or provider.url_form)
    told = msgspec.to_builtins(can)
    where = clean(provider.base_url or provider.url_form)
    head = paint.bold(clean(name)) + f"  {provider.dialect}, {where}".rstrip(", ")
    lines = [
        *hung(head, paint.width).split("\n"),
        *_hung(
            f"  tools {told['tools'] or 'no'}, answers of a schema {told['output']}, takes {_short(told)}", paint.width
        ),
        *_hung(f"  reasoning settings: {', '.join(told['reasoning']) or 'none'}", paint.width),
    ]
    for field, value in hand.items():
        if words := in_words(field, value):
            lines += [*_hung(f"  {words}", paint.width), *_because(paint, provider.reasons.get(field))]
    for changes, reason in quirks:
        said = [words for field, value in changes.items() if (words := in_words(field, value))]
        for words in said:
            lines += _hung(f"  {words}", paint.width)
        lines += _because(paint, reason if said else None)
    if without is not None:
        none = [kind for kind in without.lacks if kind != "tools"]
        lines += [*_hung(f"  takes no {', '.join(none)}", paint.width)] if none else []
        lines += ["  calls no tools"] if "tools" in without.lacks else []
        lines += _because(paint, without.reason)
    return document, lines


def _because(paint: Paint, reason: str | None) -> list[str]:
    """The lines with a reason, where there is one."""
    from playhead.cli.paint import clean

    return [paint.dim(line) for line in _hung(f"    {clean(reason)}", paint.width)] if reason else []


def _hung(line: str, width: int) -> list[str]:
    """The line in lines of the terminal, those after the first further in."""
    from playhead.cli.paint import wrap

    first, *rest = wrap(line, width)
    inner = " " * (len(line) - len(line.lstrip(" ")) + 2)
    return [first, *(inner + one for one in wrap(" ".join(rest), width - len(inner)) if one)]


def _winning(quirks: Sequence[Quirk]) -> list[tuple[dict[str, Any], str]]:
    """Of the rows that hold for a model, the changes that no later row takes back, with their reasons."""
    last = {field: at for at, quirk in enumerate(quirks) for field in quirk.changes}
    won = (
        ({field: value for field, value in quirk.changes.items() if last[field] == at}, quirk.reason)
        for at, quirk in enumerate(quirks)
    )
    return [(changes, reason) for changes, reason in won if changes]


def _listed(paint: Paint, provider: Provider, arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    import asyncio

    import msgspec

    from playhead.cli.paint import clean, plural
    from playhead.cli.table import table as in_columns

    models = asyncio.run(_ask(provider, arguments.base_url, arguments.tape))
    document = {"provider": provider.name, "models": [msgspec.to_builtins(model, builtin_types=()) for model in models]}
    rows = [(clean(m.id), _tokens(m), _dollars(m.input), _dollars(m.output)) for m in models]
    head = ("model", "context", "$/M in", "$/M out")
    used = [n for n in range(len(head)) if n == 0 or any(row[n] for row in rows)]
    table = [tuple(row[n] for n in used) for row in (head, *rows)]
    return document, [*in_columns(table, paint), paint.dim(f"{plural(len(models), 'model')} of {provider.name}")]


def _tokens(model: ListedModel) -> str:
    return "" if model.context is None else f"{model.context:,}"


def _dollars(price: Any) -> str:
    return "" if price is None else f"{price:f}"


async def _ask(provider: Provider, base_url: str | None, tape: str | None) -> list[ListedModel]:
    """All pages of the listing, through the transports of every other call: tried again where that helps, though not
    for as long as an answer that costs something; recorded on the tape where there is one, no key in either.

    Raises:
        ConfigError: there is nothing to ask, or it is not known where.
        ModelError: the provider refused, or answered something else.
    """
    from contextlib import nullcontext

    from playhead.model import Model
    from playhead.providers.listing import MOST_PAGES, listing_request, read_listing
    from playhead.transport.retry import RetryPolicy

    listing_request(provider, base_url or provider.base_url)  # whether there is one at all, before anything else
    model = Model.of(
        f"{provider.name}:models", base_url=base_url, retry=RetryPolicy(attempts=3, cap=5.0, deadline=20.0)
    )
    found: list[ListedModel] = []
    after: str | None = None
    with _session(tape, model) if tape else nullcontext() as session:
        call = model.call(session)
        for page in range(MOST_PAGES):
            following: list[str | None] = []

            def take(body: bytes, _: Any, following: list[str | None] = following) -> None:
                models, after = read_listing(provider, body)
                found.extend(models)
                following.append(after)

            await call.exchange(
                listing_request(provider, model.endpoint.base_url, after), take, step=page + 1, told=_again
            )
            after = following[-1]
            if after is None:
                break
    return found


def _again(attempt: Attempt) -> None:
    """Say on stderr what failed, where another attempt follows."""
    if attempt.wait is not None:
        from playhead.cli.paint import clean, seconds

        print(f"playhead: {clean(attempt.error or '')}; again in {seconds(attempt.wait)}", file=sys.stderr)


def _session(tape: str, model: Any) -> Any:
    from playhead.tapes import default_mode, open_session

    return open_session(tape, default_mode(os.environ), secrets=model.secrets())
