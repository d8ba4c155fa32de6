"""What a diff finds on a real API server, with the platform's own layers and with a small release."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from depin_helm import preparation, values, workspace
from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from depin_helm.diff import CRDS, Change, diff
from depin_helm.helm import Helm, find_helm
from depin_helm.plan import Layer
from depin_helm.project import Project
from depin_helm.workspace import Workspace
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import Kubectl, eventually
from tests.tier import Tier

T = TypeVar("T")

PROBE = Path(__file__).parent / "probe"
LAYERS = ("foundation", "cert-manager", "issuers", "elasticsearch", "fluent-bit")


class Recording(Cluster):
    """Counts what is sent to be applied."""

    applied = 0

    def apply(self, obj: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.applied += 1
        return super().apply(obj, **options)


@dataclass(frozen=True)
class Subject:
    """Some of the platform's layers on a sandbox of their own; `first` is the diff with the empty one."""

    work: Workspace
    cluster: Recording
    kubectl: Kubectl
    first: tuple[Change, ...] = ()

    def diff(self, *sets: str) -> tuple[Change, ...]:
        """What an upgrade would change with these settings."""
        environment = values.load_environment(self.work.project, "sandbox", (), sets)
        return self.compare(replace(self.work, environment=environment))

    def compare(self, work: Workspace) -> tuple[Change, ...]:
        cluster = self.cluster
        rendered = work.render(
            hooks=False, kube_version=cluster.version(), api_versions=cluster.api_versions()
        )
        return diff(asyncio.run(rendered), cluster, work.assembly.crds())

    def install(self) -> None:
        for layer in self.work.plan.layers:
            with values.write_for_helm(layer.prune(self.work.environment.overrides)) as file:
                upgrade = self.work.helm.upgrade_install(
                    self.work.assembly.layer_chart(layer),
                    layer.release,
                    layer.namespace,
                    file,
                    timeout=60,
                    wait=False,
                    no_hooks=True,
                    force_conflicts=True,
                )
                asyncio.run(upgrade)


@pytest.fixture(scope="module", name="empty")
def empty_cluster(
    tier: Tier, cache: Path, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    sandbox = sandboxes.up("diff", TOOLS, cache)
    scratch = tmp_path_factory.mktemp("diff")
    project = Project(tier.root)
    helm = Helm(
        find_helm({**os.environ, "PATH": ""}, lambda: binaries["helm"]),
        environ={},
        home=scratch / "helm",
        kubeconfig=sandbox.kubeconfig,
        context=sandbox.context,
    )
    environment = values.load_environment(project, "sandbox")
    with Recording.connect(sandbox.kubeconfig, environ={}) as cluster:
        work = workspace.load(project, tier.cache, helm, environment, LAYERS)
        yield Subject(work, cluster, Kubectl(binaries["kubectl"], sandbox.kubeconfig))
    sandboxes.down("diff", cache)


@pytest.fixture(scope="module")
def subject(empty: Subject) -> Subject:
    first = empty.compare(empty.work)
    preparation.prepare(empty.work, empty.cluster, make_secrets="")
    empty.install()
    return replace(empty, first=first)


def summary(changes: Sequence[Change]) -> list[tuple[str, str, str]]:
    return [(change.action.value, change.kind, change.name) for change in changes]


def fields(change: Change) -> dict[str, tuple[Any, Any]]:
    return {field.path: (field.old, field.new) for field in change.fields}


def test_on_an_empty_cluster_everything_is_created_whatever_is_missing(subject: Subject) -> None:
    assert {change.action for change in subject.first} == {"create"}
    assert [change.problem for change in subject.first if change.problem] == []
    assert {change.layer for change in subject.first} == {CRDS, *LAYERS}
    kinds = [change.kind for change in subject.first]
    assert kinds.count("CustomResourceDefinition") == len(subject.work.assembly.crds())
    places = {(change.kind, change.namespace) for change in subject.first}
    assert {namespace for kind, namespace in places if kind == "ClusterIssuer"} == {""}
    assert {"logging", "node-agents"} <= {namespace for kind, namespace in places if kind == "Certificate"}


def test_a_platform_that_was_just_installed_differs_nowhere(subject: Subject) -> None:
    assert subject.diff() == ()


def test_what_is_literally_there_is_not_sent(subject: Subject) -> None:
    before = subject.cluster.applied
    assert subject.diff() == ()
    assert subject.cluster.applied - before < len(subject.first) / 3


def test_looking_changes_nothing(subject: Subject) -> None:
    # The last thing that prometheus-operator makes by itself, after a while.
    assert eventually(
        lambda: subject.cluster.get("v1", "Service", "kube-prometheus-stack-kubelet", "kube-system")
    )
    before = live.versions(subject.cluster)
    subject.diff(
        "elasticsearch.volumeClaimTemplate.resources.requests.storage=200Gi", "cert-manager.replicaCount=2"
    )
    after = live.versions(subject.cluster)
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()


def test_a_scaled_deployment_is_shown_with_who_did_it(subject: Subject) -> None:
    subject.kubectl.run("scale", "-n", "cert-manager", "deployment/cert-manager", "--replicas=3")
    (change,) = subject.diff()
    assert summary([change]) == [("update", "Deployment", "cert-manager")]
    assert fields(change) == {"spec.replicas": (3, 1)}
    assert "spec.replicas by kubectl" in change.problem
    subject.kubectl.run("scale", "-n", "cert-manager", "deployment/cert-manager", "--replicas=1")
    assert subject.diff() == ()


def test_an_edited_config_map_is_shown_with_the_edited_key_alone(subject: Subject) -> None:
    config = subject.kubectl.get("-n", "node-agents", "configmap", "fluent-bit")
    key = sorted(config["data"])[0]
    patch = json.dumps({"data": {key: "edited by hand\n"}})
    subject.kubectl.run(
        "patch", "-n", "node-agents", "configmap/fluent-bit", "--type=merge", f"--patch={patch}"
    )
    (change,) = subject.diff()
    assert summary([change]) == [("update", "ConfigMap", "fluent-bit")]
    assert fields(change) == {f"data[{key}]": ("edited by hand\n", config["data"][key])}
    assert "edited by hand" in change.old_yaml
    assert "edited by hand" not in change.new_yaml
    subject.install()
    assert subject.diff() == ()


def test_a_deleted_service_is_to_be_created_again(subject: Subject) -> None:
    subject.kubectl.run("delete", "-n", "logging", "service", "elasticsearch-master")
    (change,) = subject.diff()
    assert summary([change]) == [("create", "Service", "elasticsearch-master")]
    assert change.problem == ""
    subject.install()
    assert subject.diff() == ()


def test_a_field_that_somebody_removed_is_shown(subject: Subject) -> None:
    path = "/spec/template/spec/containers/0/resources/limits/cpu"
    patch = json.dumps([{"op": "remove", "path": path}])
    subject.kubectl.run(
        "patch", "-n", "node-agents", "daemonset/fluent-bit", "--type=json", f"--patch={patch}"
    )
    (change,) = subject.diff()
    assert fields(change) == {
        "spec.template.spec.containers[name=fluent-bit].resources.limits.cpu": (None, "500m")
    }
    subject.install()
    assert subject.diff() == ()


def test_a_changed_value_is_shown_where_it_takes_effect(subject: Subject) -> None:
    (change,) = subject.diff("fluent-bit.resources.requests.memory=96Mi")
    assert summary([change]) == [("update", "DaemonSet", "fluent-bit")]
    assert fields(change) == {
        "spec.template.spec.containers[name=fluent-bit].resources.requests.memory": ("64Mi", "96Mi")
    }
    assert change.problem == ""


def test_a_job_that_does_something_else_is_shown_with_what_it_does(subject: Subject) -> None:
    changes = subject.diff("depin-elasticsearch.logs.delete.after=20d")
    assert [(change.action, change.kind) for change in changes] == [
        ("replace", "ConfigMap"),
        ("replace", "Job"),
    ]
    config, job = changes
    lines = set(config.new_yaml.splitlines()) - set(config.old_yaml.splitlines())
    assert any('"20d"' in line for line in lines)
    assert len(lines) < 10
    assert fields(job).keys() == {"metadata.name", "spec.template.spec.volumes[name=requests].configMap.name"}


def test_a_claim_templates_size_names_itself_and_what_becomes_of_claims_and_pods(subject: Subject) -> None:
    change, *claims = subject.diff("elasticsearch.volumeClaimTemplate.resources.requests.storage=200Gi")
    assert summary([change]) == [("replace", "StatefulSet", "elasticsearch-master")]
    assert change.problem.endswith("(100Gi → 200Gi); it is made anew around its pods, which run on")
    assert fields(change) == {
        "spec.volumeClaimTemplates[0].spec.resources.requests.storage": ("100Gi", "200Gi")
    }
    assert {claim.kind for claim in claims} == {"PersistentVolumeClaim"}
    assert {tuple(fields(claim).items()) for claim in claims} == {
        (("spec.resources.requests.storage", ("100Gi", "200Gi")),)
    }


def test_a_changed_pod_security_level_is_shown(subject: Subject) -> None:
    changes = subject.diff("depin-foundation.namespaces.logging.podSecurity=baseline")
    assert summary(changes) == [("update", "Namespace", "logging")]
    assert set(fields(changes[0]).values()) == {("restricted", "baseline")}


def test_an_edited_crd_is_shown_with_the_edited_field(subject: Subject) -> None:
    definition = subject.work.assembly.crds()[0]
    path = "/spec/versions/0/schema/openAPIV3Schema/description"
    patch = json.dumps([{"op": "add", "path": path, "value": "by hand"}])
    subject.kubectl.run("patch", "crd", definition["metadata"]["name"], "--type=json", f"--patch={patch}")
    (change,) = subject.diff()
    assert (change.layer, change.action, change.name) == (CRDS, "update", definition["metadata"]["name"])
    version = definition["spec"]["versions"][0]
    schema = f"spec.versions[name={version['name']}].schema.openAPIV3Schema"
    before = version["schema"]["openAPIV3Schema"].get("description")
    assert fields(change) == {f"{schema}.description": ("by hand", before)}
    subject.cluster.apply_crds([definition])
    assert subject.diff() == ()


class Release:
    """The probe chart as a release, in a namespace of its own."""

    def __init__(self, subject: Subject, namespace: str, scratch: Path) -> None:
        self.subject = subject
        self.layer = Layer("probe", namespace, ())
        self._values = scratch / "values.yaml"

    def upgrade(self, *, failing: bool = False, **settings: object) -> None:
        self._values.write_text(json.dumps(settings))
        work = self.subject.work.helm.upgrade_install(
            PROBE, self.layer.release, self.layer.namespace, self._values, timeout=20, wait=False
        )
        if failing:
            with pytest.raises(Exception, match=self.layer.release):
                asyncio.run(work)
        else:
            asyncio.run(work)

    def diff(self, **settings: object) -> tuple[Change, ...]:
        self._values.write_text(json.dumps(settings))
        work = self.subject.work.helm.template(PROBE, self.layer.release, self.layer.namespace, self._values)
        return diff([(self.layer, asyncio.run(work))], self.subject.cluster)

    def kubectl(self, *arguments: str) -> None:
        self.subject.kubectl.run("-n", self.layer.namespace, *arguments)


@pytest.fixture
def release(subject: Subject, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Release]:
    name = f"test-{zlib.crc32(request.node.nodeid.encode()):08x}"
    subject.kubectl.run("create", "namespace", name)
    yield Release(subject, name, tmp_path)
    subject.kubectl.run("delete", "namespace", name, "--wait=false")


def test_a_changed_secret_is_named_and_masked(release: Release) -> None:
    release.upgrade(data="first-secret")
    found = {change.kind: change for change in release.diff(data="second-secret")}
    assert set(found) == {"ConfigMap", "Secret", "Deployment"}
    assert fields(found["Secret"]) == {"data.key": ("(masked)", "(masked, changed)")}
    shown = repr(found["Secret"])
    assert not [text for text in ("first-secret", "second-secret", "Zmlyc3Q", "c2Vjb25k") if text in shown]


def test_what_is_no_longer_rendered_is_deleted_unless_it_is_to_be_kept(release: Release) -> None:
    release.upgrade(extra=True)
    assert summary(release.diff()) == [("delete", "ConfigMap", "depin-probe-extra")]
    nothing = diff([(release.layer, "")], release.subject.cluster)
    assert {change.kind for change in nothing} == {"ConfigMap", "Secret", "Deployment"}
    release.kubectl("delete", "configmap", "depin-probe-extra")
    assert release.diff() == ()


def test_a_hook_is_no_change(release: Release) -> None:
    release.upgrade()
    assert release.diff(hook=True) == ()


def test_a_selector_cannot_be_changed_in_place(release: Release) -> None:
    release.upgrade()
    (change,) = release.diff(selector="other")
    assert summary([change]) == [("replace", "Deployment", "depin-probe")]
    assert change.problem == "must be replaced: spec.selector: field is immutable"
    assert fields(change)["spec.selector.matchLabels.app"] == ("probe", "other")


def test_an_object_that_is_wrong_in_itself_is_not_to_be_replaced(release: Release) -> None:
    release.upgrade()
    (change,) = release.diff(replicas=-1)
    assert summary([change]) == [("update", "Deployment", "depin-probe")]
    assert change.problem.startswith("spec.replicas: ")
    assert change.fields == ()


def test_an_object_that_will_be_refused_is_created_with_a_problem(release: Release) -> None:
    (change,) = [change for change in release.diff(replicas=-1) if change.kind == "Deployment"]
    assert change.action == "create"
    assert change.problem.startswith("spec.replicas: ")


def test_a_kind_that_the_cluster_does_not_know_yet_is_created(release: Release) -> None:
    release.upgrade()
    assert summary(release.diff(unknown=True)) == [("create", "Gadget", "depin-probe")]


def test_an_object_that_was_there_before_is_said_to_stand_in_the_way(release: Release) -> None:
    release.kubectl("create", "configmap", "depin-probe", "--from-literal=key=one")
    (change,) = [change for change in release.diff() if change.kind == "ConfigMap"]
    assert change.action == "update"
    assert "was not made by Helm" in change.problem


def test_an_object_of_another_release_is_said_to_stand_in_the_way(release: Release) -> None:
    release.upgrade()
    other = Layer("depin-other", release.layer.namespace, ())
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: depin-probe\ndata:\n  key: one\n"
    (change,) = diff([(other, manifest)], release.subject.cluster)
    assert "belongs to release depin-probe" in change.problem


def test_what_a_failed_upgrade_left_behind_is_found(release: Release) -> None:
    release.upgrade()
    release.upgrade(failing=True, data="from the failed upgrade", selector="other")
    found = {change.kind for change in release.diff()}
    assert "ConfigMap" in found
    release.upgrade()
    assert release.diff() == ()


def test_a_field_that_a_failed_upgrade_added_is_found(release: Release) -> None:
    release.upgrade()
    added = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "depin-probe", "namespace": release.layer.namespace},
        "data": {"key": "one", "added": "by the failed upgrade"},
    }
    release.upgrade(failing=True, selector="other")
    release.subject.cluster.apply(added, field_manager="helm", force=True)
    (change,) = [change for change in release.diff() if change.kind == "ConfigMap"]
    assert ("data.added", "by the failed upgrade", None) in [
        (field.path, field.old, field.new) for field in change.fields
    ]
