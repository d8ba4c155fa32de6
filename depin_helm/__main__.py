"""The program: runs a command; the one place where exceptions become exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

from depin_helm.errors import DepinHelmError


def main() -> None:
    """Run the command line in `sys.argv` and exit with its code."""
    from depin_helm.cli import app

    try:
        app(prog_name="depin-helm")
    except DepinHelmError as error:
        from depin_helm import report

        report.standard(as_json=_wants_json(sys.argv)).error(error)
        sys.exit(error.exit_code)
    except Exception:
        import tempfile
        import traceback

        # Not on the terminal: a traceback says nothing to whoever runs the command.
        with tempfile.NamedTemporaryFile(
            "w", prefix="depin-helm-bug-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exc(file=file)
        sys.stderr.write(f"Error: this is a bug in depin-helm. Please report it with {Path(file.name)}\n")
        sys.exit(DepinHelmError.exit_code)


def _wants_json(arguments: list[str]) -> bool:
    return "--output=json" in arguments or any(
        pair == ("--output", "json") for pair in zip(arguments, arguments[1:], strict=False)
    )


if __name__ == "__main__":
    main()
