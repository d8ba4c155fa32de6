"""Values that were found right are not looked at again while nothing changes that the answer depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from depin_helm.charts import CachedChart
from depin_helm.values import Environment

PACKAGE = Path(__file__).parents[1]
#: The modules whose code decides; of the others none does.
CODE = ("errors.py", "grammar.py", "yamlio", "values", "schema.py", "charts", "upstream", "checks")


@dataclass(frozen=True)
class Verdict:
    """An empty file in the cache, named by the digest of values, schema, charts and the checks' own code."""

    cache: Path
    environment: Environment
    schema: Path
    charts: Mapping[str, CachedChart]

    def passed(self) -> bool:
        """Whether the same was checked before and nothing was wrong with it."""
        return not self.environment.findings and self._file.exists()

    def keep(self) -> None:
        """Note that nothing is wrong; where the cache cannot be written, it is looked at again."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        except OSError:
            return

    @property
    def _file(self) -> Path:
        digest = hashlib.sha256()
        given = [self.environment.overrides, self.environment.values]
        digest.update(json.dumps(given, sort_keys=True, default=str).encode())
        digest.update(self.schema.read_bytes())
        for name, chart in sorted(self.charts.items()):
            digest.update(f"{name} {chart.digest}\n".encode())
        for file in sorted(_code()):
            status = file.stat()
            digest.update(f"{file} {status.st_mtime_ns} {status.st_size}\n".encode())
        return self.cache / "verdicts" / digest.hexdigest()


def _code() -> Iterator[Path]:
    for name in CODE:
        path = PACKAGE / name
        yield from path.rglob("*.py") if path.is_dir() else [path]
