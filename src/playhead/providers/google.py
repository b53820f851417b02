"""Google's two doors: AI Studio with a key, and Vertex AI with a project, a location and an access token.

https://ai.google.dev/api, https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference. Vertex AI
serves Claude as well, in Anthropic's wire; ``vertex:`` takes the wire by the model's name. An access token is good for
an hour; ``gcloud auth print-access-token`` prints one. Where none is set they are made of application default
credentials, which may name the project, too.
"""

from __future__ import annotations

import os

import msgspec

from playhead.providers.base import Provider

GOOGLE = Provider(
    name="google",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    profile={},
    options="GeminiOptions",
    dialect="gemini",
    key_header="x-goog-api-key",
)

_HOSTS = ("aiplatform.googleapis.com",)
_TOKEN = ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN")
_FORM = "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}"
_PARTS: dict[str, tuple[str, ...]] = {
    "project": ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
    "location": ("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"),
}

VERTEX = Provider(
    name="vertex",
    base_url="",
    key_env=_TOKEN,
    profile={"call_ids": False, "file_names": True},
    options="GeminiOptions",
    dialect="gemini",
    hosts=_HOSTS,
    auth="google",
    url_form=f"{_FORM}/publishers/google",
    url_parts=_PARTS,
)

VERTEX_CLAUDE = Provider(
    name="vertex",
    base_url="",
    key_env=_TOKEN,
    profile={"service": "vertex", "version": "vertex-2023-10-16"},
    options="AnthropicOptions",
    dialect="anthropic_messages",
    hosts=_HOSTS,
    auth="google",
    url_form=_FORM,
    url_parts=_PARTS,
)


def project_of_credentials() -> str | None:
    """The project of the service account whose file ``GOOGLE_APPLICATION_CREDENTIALS`` names; None where it names none.
    Only the file is looked at: a URL is needed in a replay, too, which asks no server."""
    try:
        with open(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""), "rb") as file:
            found = msgspec.json.decode(file.read())
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    project = found.get("project_id") or found.get("quota_project_id") if isinstance(found, dict) else None
    return project if isinstance(project, str) else None
