"""Turns what Helm says when it fails into our errors: which object, which reason, what to do.

The patterns are the messages of Helm 4.3 and 3.22 on an API server of Kubernetes 1.35. Values never get into
a message; what Helm said in full is in the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from depin_helm.errors import ClusterError, DepinHelmError, HelmError, LockedError
from depin_helm.helm.redaction import redact, without_values

_LONGEST = 300


class WebhookError(HelmError):
    """An admission webhook does not answer, which may pass by itself."""


class ReleaseNotFoundError(HelmError):
    """There is no such release, or not that revision of it."""


def failure(what: str, stderr: str) -> DepinHelmError:
    """The error for a Helm command that failed; `what` says what was tried, as in "release depin-issuers"."""
    text = _said(stderr)
    for pattern, explain in _EXPLANATIONS:
        if found := re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return explain(what, text, found)
    return HelmError(f"{what}: {_short(text) or 'Helm failed and did not say why'}")


def _said(stderr: str) -> str:
    """Helm's error itself, without its log lines and the words before the error."""
    lines = [
        line for line in stderr.splitlines() if not re.match(r"(level=|W\d{4} |E\d{4} |WARNING: )", line)
    ]
    text = "\n".join(lines).strip()
    return re.sub(r"^(Error: |UPGRADE FAILED: |INSTALLATION FAILED: )+", "", text)


def _short(text: str, hide: Callable[[str], str] = redact) -> str:
    line = " ".join(hide(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _unique(causes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(causes))


def _object(namespace: str, kind: str, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _error(lead: str, causes: Iterable[str], hint: str) -> HelmError:
    """One cause stands in the message itself, several beside it."""
    several = _unique(causes)
    if len(several) == 1:
        return HelmError(f"{lead}: {several[0]}", hint=hint)
    return HelmError(lead, hint=hint, causes=several)


def _unreachable(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return ClusterError(
        f"{what}: the cluster cannot be reached: {_short(found['reason'])}",
        hint="is the API server running, and is this its context? --context and --kubeconfig choose another",
    )


def _not_found(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return ReleaseNotFoundError(
        f"{what}: {_short(found[0])}", hint="`depin-helm status` lists what is installed"
    )


def _in_progress(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return LockedError(
        f"{what}: another Helm operation is in progress",
        hint="wait for it to end; if none is running, `depin-helm unlock` clears what it left",
    )


def _webhook(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return WebhookError(
        f"{what}: the admission webhook {found['name']} does not answer: {_short(found['reason'])}",
        hint="the pods behind that webhook must be ready first",
    )


def _owned(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    pattern = r'(\S+) "([^"]+)" in namespace "([^"]*)" exists and cannot be imported[^;]*;([^\n]*)'
    causes = []
    for kind, name, namespace, why in re.findall(pattern, text):
        owner = re.search(r'release-name" must equal "[^"]*": current value is "([^"]*)"', why)
        reason = f"belongs to release {owner[1]}" if owner else "was not made by Helm"
        causes.append(f"{_object(namespace, kind, name)} {reason}")
    return _error(
        f"{what}: objects of the same name exist already",
        causes,
        "uninstall or delete what owns them, or install this release where it was first installed",
    )


def _unknown_kinds(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    kinds = re.findall(r'no matches for kind "([^"]+)" in version "([^"]+)"', text)
    names = ", ".join(_unique(f"{kind} ({version})" for kind, version in kinds))
    return HelmError(
        f"{what}: the cluster does not know {names}",
        hint="their CRDs are missing: `depin-helm crds --apply` applies them",
    )


def _conflict(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    causes = []
    pattern = r"object (\S+) \S+, Kind=(\w+): Apply failed with \d+ conflicts?: (.*?)(?=conflict occurred|\Z)"
    for path, kind, rest in re.findall(pattern, text, re.DOTALL):
        managers = " and ".join(_unique(re.findall(r'conflicts? with "([^"]+)"', rest)))
        fields = ", ".join(_unique(re.findall(r"(?::|^-) (\.\S+)", rest, re.MULTILINE)))
        causes.append(f"{kind} {path.lstrip('/')}: {fields} was set by {managers}")
    return _error(
        f"{what}: somebody else changed what this release sets",
        causes or [_short(text)],
        "take the change into the environment's values, or take the field back with --force-conflicts",
    )


def _not_ready(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    causes = []
    pattern = r"resource (\w+)/(?:([^/\s]*)/)?(\S+) not ready\. status: (\w+)(?:, message: ([^\n]*))?"
    for kind, namespace, name, status, message in re.findall(pattern, text):
        causes.append(f"{_object(namespace, kind, name)}: {_short(message) or status}")
    hook = re.match(r"failed ((?:pre|post)-\w+)|((?:pre|post)-\w+) hooks failed", text)
    stage = f"its {hook[1] or hook[2]} hook was" if hook else "its objects were"
    return HelmError(
        f"{what}: {stage} not ready in time",
        hint="the same command continues from here; --timeout gives it longer",
        causes=_unique(causes),
    )


def _refused(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    causes = _unique(_refusals(text))
    hint = ""
    if "field is immutable" in text or "updates to statefulset spec" in text:
        hint = "such a field cannot be changed in place: delete the object, then run this again"
    elif re.search(r'User "[^"]+" cannot', text):
        return ClusterError(
            f"{what}: the cluster does not allow it: {causes[0] if causes else _short(text)}",
            hint="use a context that may do this",
        )
    return _error(f"{what}: the cluster refused an object", causes or [_short(text)], hint)


def _refusals(text: str) -> Iterable[str]:
    """`Kind namespace/name: reason` for each object that the API server refused."""
    for line in text.splitlines():
        named = re.search(r"for object (?:([^/\s]*)/)?(\S+) \S+, Kind=(\w+): (.*)", line)  # Helm 4
        patched = re.search(r'cannot (?:patch|create) "([^"]+)" with kind (\w+): (.*)', line)  # Helm 3
        if named:
            subject, reason = _object(named[1], named[3], named[2]), named[4]
        elif patched:
            subject, reason = f"{patched[2]} {patched[1]}", patched[3]
        elif plain := re.search(r'(\S+) "([^"]+)" is (?:invalid|forbidden): (.*)', line):
            subject, reason = f"{plain[1].split('.')[0]} {plain[2]}", plain[3]
        elif unowned := re.search(r'User "[^"]+" cannot .*', line):
            subject, reason = "", unowned[0]
        else:
            continue
        reason = re.sub(r'^\S+ "[^"]+" is (?:invalid|forbidden): ', "", reason)
        reason = re.sub(r"^failed to create typed patch object \([^)]*\): ", "", reason)
        yield ": ".join(filter(None, (subject, _short(reason, without_values))))


def _schema(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    causes = [_short(line[2:]) for line in text.splitlines() if line.startswith("- ")]
    return _error(
        f"{what}: the chart's schema refuses the values",
        causes,
        "`depin-helm validate` says in which file and line",
    )


def _template(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    reason = f": {_short(found['reason'])}" if found["reason"] else ""
    return HelmError(f"{what}: the template {found['file']} fails{reason}")


def _no_namespace(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return HelmError(f"{what}: there is no namespace {found[1]}", hint="the layer before this one makes it")


def _interrupted(what: str, text: str, found: re.Match[str]) -> DepinHelmError:
    return HelmError(f"{what}: Helm was interrupted", hint="the same command continues from here")


_Explain = Callable[[str, str, re.Match[str]], DepinHelmError]

# First match wins, so what is said about one object stands before what a whole connection can suffer.
_EXPLANATIONS: tuple[tuple[str, _Explain], ...] = (
    (r"release: not found|release has no \d+ version", _not_found),
    (r"another operation \([^)]*\) is in progress", _in_progress),
    (r'secrets "sh\.helm\.release\.v1\.[^"]+" already exists', _in_progress),
    (r'failed calling webhook "(?P<name>[^"]+)": (?P<reason>[^\n]*)', _webhook),
    (r"cannot be imported into the current release", _owned),
    (r"no matches for kind", _unknown_kinds),
    (r"Apply failed with \d+ conflict", _conflict),
    (r"cluster unreachable: (?P<reason>[^\n]*)", _unreachable),
    (r"values don't meet the specifications", _schema),
    (r"execution error at \((?P<file>[^\s:]+)[^)]*\): (?P<reason>[^\n]*)", _template),
    (r"(?:YAML )?parse error (?:on|at) \(?(?P<file>[^\s:)]+)[^\s]*: (?P<reason>[^\n]*)", _template),
    (r"(?<!\S)(?P<file>[^\s:]+):\d+:\d+:?\s+executing [^\n]* at <[^\n]*?>:\s*(?P<reason>[^\n]*)", _template),
    (r"is (?:invalid|forbidden): |server-side apply failed|denied the request", _refused),
    (r'cannot (?:patch|create) "', _refused),
    (r'namespaces "([^"]+)" not found', _no_namespace),
    (r"context deadline exceeded|timed out waiting|not ready\. status:", _not_ready),
    (r"context canceled", _interrupted),
    (r"(?P<reason>dial tcp [^\n]*|etcdserver: [^\n]*|TLS handshake timeout|Unauthorized)", _unreachable),
)
