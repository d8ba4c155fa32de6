"""One connection to an API server: requests and answers in JSON, its clock, and what its refusals mean."""

from __future__ import annotations

import copy
import email.utils
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx2
from lightkube.core.exceptions import ConfigError

from depin_helm.cluster import kubeconfig as kubeconfigs
from depin_helm.errors import ClusterError
from depin_helm.helm.redaction import redact, without_values

JSON = "application/json"

#: Seconds to connect, and to wait for an answer: applying the largest CRD takes the server half a second.
TIMEOUT = httpx2.Timeout(30.0, connect=10.0)

#: How often a request is made that got no answer or was told to come again later.
ATTEMPTS = 4

_CHOOSE = "--context and --kubeconfig choose another cluster"


class ApiError(ClusterError):
    """The API server refused a request.

    `status` is HTTP's, `reason` Kubernetes' word ("Conflict", "Invalid"), `fields` what is wrong where.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str,
        fields: tuple[tuple[str, str], ...] = (),
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.fields = fields


class Connection:
    """Requests to one API server; may be used by several threads. `context` is "" inside a cluster."""

    def __init__(self, kubeconfig: Path | None, context: str | None, environ: Mapping[str, str]) -> None:
        try:
            config, extra = kubeconfigs.choose(kubeconfig, context, environ)
            self.context = config.context_name if config.fname is None else ""
            self.server = config.cluster.server
            self._http = kubeconfigs.client(config, extra, TIMEOUT)
        except (ConfigError, OSError, ValueError, LookupError, TypeError) as error:
            raise ClusterError(f"the kubeconfig cannot be used: {_in_words(error)}", hint=_CHOOSE) from error
        name = extra.get("tls-server-name")
        self._extensions = {"sni_hostname": name} if name else None
        self._closed = threading.Event()
        self._attempts, self._timeout = ATTEMPTS, TIMEOUT
        self._reached = False
        self._skew = timedelta()

    def close(self) -> None:
        """End the connection; who waits in `pause` stops waiting."""
        self._closed.set()
        self._http.close()

    def hasty(self, seconds: float) -> Self:
        """The same connection for who cannot wait: one attempt, which ends after some such time."""
        other = copy.copy(self)
        other._attempts, other._timeout = 1, httpx2.Timeout(seconds)
        return other

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            ClusterError: the connection was closed meanwhile.
        """
        if self._closed.wait(seconds):
            raise ClusterError("the connection to the cluster was closed")

    def now(self) -> datetime:
        """The time by the server's clock, as of its last answer; to the second."""
        return datetime.now(UTC) + self._skew

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """The server's answer.

        Raises:
            ApiError: it refused.
            ClusterError: there is no answer.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, **({} if body is None else {"Content-Type": content_type})}
        for attempt in range(1, self._attempts + 1):
            try:
                response = self._http.request(
                    method,
                    path,
                    params=params,
                    content=content,
                    headers=headers,
                    timeout=self._timeout,
                    extensions=self._extensions,
                )
            except (ConfigError, OSError, KeyError, ValueError) as error:
                raise ClusterError(
                    f"{self}: the credentials cannot be had: {_in_words(error)}",
                    hint="the kubeconfig names a credential plugin; is it installed, and are you logged in?",
                ) from error
            except httpx2.TransportError as error:
                # Safe to repeat: reading, and applying or deleting, which end the same.
                if not self._reached or attempt == self._attempts or method not in ("GET", "PATCH", "DELETE"):
                    raise self._unreachable(error) from error
                self.pause(0.25 * 2**attempt)
                continue
            self._reached = True
            self._set_clock(response.headers.get("date"))
            later = response.headers.get("retry-after", "")
            if response.status_code in (429, 503) and later.isdecimal() and attempt < self._attempts:
                self.pause(min(int(later), 10))
                continue
            if response.is_success:
                return self._answer(response)
            raise self._refused(response)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def __str__(self) -> str:
        return f"cluster {self.server}" + (f" (context {self.context})" if self.context else "")

    def _answer(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(f"{self}: what answers there is no API server", hint=_CHOOSE)
        return answer

    def _set_clock(self, date: str | None) -> None:
        if date:
            self._skew = email.utils.parsedate_to_datetime(date) - datetime.now(UTC)

    def _unreachable(self, error: httpx2.TransportError) -> ClusterError:
        return ClusterError(
            f"{self} cannot be reached: {_in_words(error)}",
            hint=f"is the API server running, and can it be reached from here? {_CHOOSE}",
        )

    def _refused(self, response: httpx2.Response) -> ApiError:
        try:
            status = json.loads(response.content)
            message, reason = status["message"], status.get("reason", "")
            causes = (status.get("details") or {}).get("causes") or ()
        except (ValueError, KeyError, TypeError):
            message, reason, causes = response.text.strip().split("\n")[0], "", ()
        message = without_values(message) or response.reason_phrase
        fields = tuple((cause.get("field", ""), without_values(cause.get("message", ""))) for cause in causes)
        hint = ""
        if response.status_code == 401:
            message = "the credentials are not accepted"
            hint = f"log in to the cluster again; {_CHOOSE}"
        elif response.status_code == 403 and "User" in message:
            hint = "use a context that may do this"
        return ApiError(
            f"{self}: {message}", status=response.status_code, reason=reason, fields=fields, hint=hint
        )


def _in_words(error: BaseException) -> str:
    """What went wrong, without the wrapping and without secrets."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return redact(str(error).strip().split("\n")[0]) or type(error).__name__
