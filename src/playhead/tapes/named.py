"""What tells a credential: the name that it stands under, and the shape that its maker gives it.

One rule for every name, be it of a header, a query's key, a form's or multipart's field, or a field of JSON
(:func:`names_credential`). A name is read as its words (``clientSecret``, ``CLIENT_SECRET``, ``x-client-secret[]``),
and its last word decides, with the one before it: ``api_key`` and ``session_token`` name credentials, ``cache_key``,
``next_page_token`` and ``max_tokens`` do not.

JSON is read more narrowly (``spoken``), because it holds conversations: a bare ``token`` is what a model is sure of,
``signature`` what it signs its thoughts with, ``code`` a program, ``key`` anything; they need a word before them.

What stands for a key where a server wants none (:func:`is_placeholder`: ``lm-studio``, ``not-needed``) is none, or the
words of conversations would be replaced by it.

The shapes are those by which keys are known wherever they stand (:data:`KEYS`), for recording and for scrubbing alike.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Last words that say nothing of what the value is.
_TRAILING = frozenset(("value", "header", "string", "raw", "plain", "v", "b"))
#: Last words that need no other.
_ALWAYS = frozenset(("password", "passwords", "passwd", "passphrase", "authorization", "jwt", "csrf", "xsrf"))
#: Last words that need none in a header, a query or a form.
_FIELD = frozenset(
    """key token secret sig signature pass passcode pwd auth authentication bearer credential credentials assertion
    session sid sess sessid phpsessid""".split()  # noqa: SIM905 - it reads better as words
)
#: Words before the last by which it is none.
_HARMLESS = {
    "key": frozenset(
        """cache idempotency sort order primary foreign partition public routing group dedup dedupe surrogate object
        s storage websocket index row column field lookup search shortcut hot by issue epic ticket sprint board space
        component entity record item document file image menu feature flag translation locale""".split()  # noqa: SIM905
    ),
    "token": frozenset(
        """page next continuation continue cursor sync idempotency request stop eos bos pad unk mask sep start end max
        min first last special per""".split()  # noqa: SIM905
    ),
}
_MAKERS = """openai anthropic claude google gemini vertex azure groq mistral cohere hf huggingface hub aws bedrock
    stripe github gitlab openrouter deepseek xai perplexity together fireworks cerebras voyage jina tavily serper exa
    brave pinecone slack discord telegram twilio sendgrid notion linear langsmith langfuse helicone wandb replicate
    elevenlabs databricks npm pypi"""
_KINDS = """api access secret private auth oauth authorization bearer security subscription signing encryption master
    admin webhook ssh rsa deploy personal consumer"""
_ABOUT_KEY = frozenset(f"{_KINDS} {_MAKERS} account".split())
_ABOUT_TOKEN = frozenset(
    f"{_KINDS} {_MAKERS} refresh session id identity user bot app device login csrf xsrf jwt".split()
)
_ABOUT_SECRET = frozenset(f"{_KINDS} {_MAKERS} client app application shared hmac oauth totp".split())
#: Words before the last by which it is a credential in JSON, too.
_ABOUT = {
    "key": _ABOUT_KEY,
    "keys": _ABOUT_KEY - {"access", "personal"},
    "token": _ABOUT_TOKEN,
    "secret": _ABOUT_SECRET,
    "secrets": _ABOUT_SECRET,
    "auth": frozenset(("basic", "proxy", "digest", "http")),
    "assertion": frozenset(("client", "jwt")),
    "cookie": frozenset(("session", "auth")),
}
#: A code that is one is said to be; ``code`` alone is one of OAuth or a cloud's functions, but a program in JSON.
_CODES = frozenset(("auth", "authorization", "device", "verification", "otp", "login", "function", "functions"))
_IDS = frozenset(("key", "access", "session"))
#: Two words that are written as one: ``apikey``, ``AWSAccessKeyId``, ``phpsessionid``.
_SQUASHED = re.compile(
    rf"({'|'.join(sorted(_ABOUT_KEY | _ABOUT_TOKEN | _ABOUT_SECRET | _IDS, key=len, reverse=True))})"
    r"(key|token|secret|password|id)$"
)
_PREFIXES = ("x_amz_", "x_goog_")
#: Headers whose names sound like it and whose values are none.
_HARMLESS_HEADERS = frozenset(
    {
        "x-idempotency-key",
        "sec-websocket-key",
        "access-control-allow-credentials",
        "azureml-model-session",  # which machine answered
    }
)
_LONGEST = 128


def names_credential(name: str, *, spoken: bool = False) -> bool:
    """Whether what stands under this name is a credential: ``api-key``, ``hf_token``, ``X-Amz-Signature``. ``spoken``
    where the name stands in JSON, which may be of a conversation."""
    return _names(name if len(name) <= _LONGEST else name[-_LONGEST:], spoken)


def header_names_credential(name: str) -> bool:
    """The same of a header, ``Cookie`` and ``Set-Cookie`` aside, whose values have names of their own."""
    lowered = name.lower()
    # What x-amz- and x-goog- stand before is no credential for that; in a query, it is a signature's.
    own = lowered.startswith(("x-amz-", "x-goog-"))
    return lowered not in _HARMLESS_HEADERS and names_credential(name[name.index("-", 2) :] if own else name)


@lru_cache(2048)
def _names(name: str, spoken: bool) -> bool:
    if "%" in name:
        from urllib.parse import unquote

        name = unquote(name)
    if not spoken and name.lower().replace("-", "_").startswith(_PREFIXES):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _TRAILING:
        words.pop()
    if not words:
        return False
    if squashed := _SQUASHED.search(words[-1]):
        words[-1:] = squashed.groups()
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _ALWAYS or before in _ABOUT.get(last, ()):
        return True
    if spoken:
        return last == "secret" and not before
    if last == "code":
        return not before or before in _CODES
    if last == "id":
        return before in _IDS
    return last in _FIELD and before not in _HARMLESS.get(last, ())


_S = "[A-Za-z0-9_-]"
#: What the makers' keys look like: how they begin, and the pattern of what follows.
KEYS: dict[str, str] = {
    "sk-": rf"{_S}{{20,204}}",  # OpenAI's, Anthropic's and many others'
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_"), "[A-Za-z0-9]{16,200}"),
    "AIza": rf"{_S}{{35}}",
    "ya29.": rf"{_S}{{20,400}}",
    **dict.fromkeys(("hf_", "r8_", "jina_", "npm_", "shpat_", "dop_v1_"), "[A-Za-z0-9]{30,100}"),
    **dict.fromkeys(("fw_", "gsk_"), "[A-Za-z0-9]{20,100}"),
    **dict.fromkeys(("tgp_v1_", "pk-lf-", "sk-lf-"), rf"{_S}{{20,200}}"),
    **dict.fromkeys(("xai-", "pplx-", "csk-", "nvapi-", "tvly-", "glpat-", "pa-"), rf"{_S}{{20,200}}"),
    "dapi": "[a-f0-9]{32}(?:-[0-9])?",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "[A-Za-z0-9]{36,255}"),
    "github_pat_": "[A-Za-z0-9_]{22,255}",
    **dict.fromkeys(("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"), "[A-Za-z0-9-]{10,250}"),
    "SG.": rf"{_S}{{16,64}}\.{_S}{{16,64}}",
    "pypi-AgEI": rf"{_S}{{20,250}}",
    **dict.fromkeys(("lsv2_pt_", "lsv2_sk_"), "[A-Za-z0-9_]{20,200}"),
}
#: The words of what is given for a key to a server that looks at none, and in manuals.
_PLACEHOLDING = frozenset(
    """no not none needed necessary required used unused ignored nothing anything whatever null undefined empty key keys
    api sk apikey nokey noapikey notneeded notrequired lm studio lmstudio ollama llama cpp llamacpp llamafile vllm
    sglang localai koboldcpp tabbyapi xinference mlx jan local localhost dummy fake mock test testing tests example
    sample placeholder your here this is value x xx xxx xxxx""".split()  # noqa: SIM905 - it reads better as words
)
_PARTS = re.compile(r"[-_. ]+")


def is_placeholder(value: str) -> bool:
    """Whether a key is made of nothing but words that say that it is none: ``lm-studio``, ``sk-no-key-required``,
    ``EMPTY``, ``your_api_key_here``."""
    return len(value) <= _LONGEST and _PLACEHOLDING.issuperset(_PARTS.split(value.strip("-_. <>").lower()))


_RUN = re.compile(r"[A-Za-z0-9]{10,}")
#: Bits for each character that the random part of a key has at least: "xxxxxxxx" has none.
_ENTROPY = 3.0


def is_random(value: str) -> bool:
    """Whether what has the shape of a key can be one, and is no name of a class or a variable
    (``sk-estimator-doc-link-2``), nor what stands for a key in a manual (``sk-xxxxxxxxxxxxxxxxxxxxxxxx``)."""
    return is_varied(value) and any(not run.isalpha() for run in _RUN.findall(value))


def is_varied(value: str) -> bool:
    """Whether its end has digits and is no repetition."""
    from math import log2

    tail = value[-40:]
    if not any(sign.isdigit() for sign in tail):
        return False
    counts = [tail.count(sign) for sign in set(tail)]
    return -sum(count / len(tail) * log2(count / len(tail)) for count in counts) >= _ENTROPY
