"""The program: runs a command; the one place where exceptions become exit codes."""

from __future__ import annotations

import gc
import signal
import sys
from typing import NoReturn

from depin_helm.errors import DepinHelmError, UsageError

#: How many more objects there are before cycles are looked for. A command makes many that live till its end,
#: and hardly any cycle: with Python's own 700 a sixth of its time goes into looking.
_COLLECT_AFTER = 1_000_000


def main() -> None:
    """Run the command line in `sys.argv` and exit with its code."""
    gc.set_threshold(_COLLECT_AFTER)
    from depin_helm.cli import app

    # As Ctrl-C: what is under way is undone or waited for, locks are released.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen: dict[str, bool] = {}
    try:
        app(prog_name="depin-helm", obj=chosen)
    except DepinHelmError as error:
        _end(error, **chosen)
    except OSError as error:
        if not error.filename:
            _end(_bug(), **chosen)
        _end(UsageError(f"{error.filename}: {error.strerror}"), **chosen)
    except Exception:
        _end(_bug(), **chosen)


def _end(error: DepinHelmError, *, json: bool = False) -> NoReturn:
    from depin_helm import report

    report.standard(as_json=json).error(error)
    sys.exit(error.exit_code)


def _bug() -> DepinHelmError:
    """Put the traceback into a file: on the terminal it says nothing to whoever runs the command."""
    import tempfile
    import traceback

    from depin_helm.helm.redaction import redact

    with tempfile.NamedTemporaryFile(
        "w", prefix="depin-helm-bug-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(redact(traceback.format_exc()))
    return DepinHelmError("this is a bug in depin-helm", hint=f"please report it with {file.name}")


if __name__ == "__main__":
    main()
