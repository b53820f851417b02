"""Which dialect a URL is of, and where its base URL ends: the reverse of what each dialect puts after a base URL.

::

    {base}/chat/completions                                   openai_chat
    {base}/responses                                          openai_responses
    {base}/messages                                           anthropic_messages
    {base}/publishers/anthropic/models/{model}:rawPredict     anthropic_messages   :streamRawPredict
    {base}/model/{model}/invoke                               anthropic_messages   /invoke-with-response-stream
    {base}/model/{model}/converse                             bedrock_converse     /converse-stream
    {base}/models/{model}:generateContent                     gemini               :streamGenerateContent

``split("https://api.x.ai/v1/chat/completions") -> ("openai_chat", "https://api.x.ai/v1")``
"""

from __future__ import annotations

#: What stands after the base URL where the model is said in the body.
PATHS = {"openai_chat": "/chat/completions", "openai_responses": "/responses", "anthropic_messages": "/messages"}

_VERTEX = "/publishers/anthropic/models/"


def split(url: str) -> tuple[str, str] | None:
    """The dialect and the base URL; None where the URL is of none that is spoken here."""
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    for dialect, end in PATHS.items():
        if path.endswith(end):
            return dialect, path.removesuffix(end)
    if path.endswith((":rawPredict", ":streamRawPredict")):
        base, found, _ = path.rpartition(_VERTEX)
        return ("anthropic_messages", base) if found else None
    if path.endswith(("/invoke", "/invoke-with-response-stream")):
        base, found, _ = path.rpartition("/model/")
        return ("anthropic_messages", base) if found else None
    if path.endswith(("/converse", "/converse-stream")):
        base, found, _ = path.rpartition("/model/")
        return ("bedrock_converse", base) if found else None
    if path.endswith((":generateContent", ":streamGenerateContent")):
        from playhead.dialects.gemini.place import split_url

        place = split_url(path)
        return ("gemini", place.base_url) if place is not None else None
    return None


def without_path(base_url: str, dialect: str) -> str:
    """A base URL that was given with the dialect's path still on it, without it."""
    end = PATHS.get(dialect)
    base = base_url.rstrip("/")
    return base.removesuffix(end) if end else base
