"""Writing a file so that a reader sees the old or the new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path

PARTIAL = "*.partial"


def write(file: Path, data: bytes) -> None:
    """Write `data` to `file` through a temporary file beside it (matched by `PARTIAL`) and a rename."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
