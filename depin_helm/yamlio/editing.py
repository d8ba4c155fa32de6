"""Changes to YAML that people keep: whatever is not changed stays as it was written, comments included."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any


def edited(text: str, change: Callable[[Any], None]) -> str:
    """The document `text` after `change` has worked on its content in place, with its comments and style."""
    from ruamel.yaml import YAML  # the only reader that keeps comments; 35 ms to import, needed when writing

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096  # no line is broken that its writer did not break
    document = editor.load(text)
    change(document)
    buffer = io.StringIO()
    editor.dump(document, buffer)
    return buffer.getvalue()
