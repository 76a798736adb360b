"""Which providers there are, and the form of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast, get_args

from codemode.errors import UsageError
from codemode.host.transcript import anthropic, chat, gemini, responses
from codemode.host.transcript.pieces import Form

TranscriptFormat = Literal["openai.responses", "openai.chat", "anthropic", "gemini"]
"""Whose conversation is kept."""

FORMS: Mapping[TranscriptFormat, Form] = {
    "openai.responses": responses,
    "openai.chat": chat,
    "anthropic": anthropic,
    "gemini": gemini,
}


def checked_format(given: str) -> TranscriptFormat:
    """The format of that name; `openai` is the Responses API, as everywhere.

    Raises:
        UsageError: there is none.
    """
    name = "openai.responses" if given == "openai" else given
    if name not in FORMS:
        raise UsageError(f"{given!r} is no format; there are {', '.join(map(repr, get_args(TranscriptFormat)))}")
    return cast(TranscriptFormat, name)
