"""Rollouts over small plans, with a Helm and a cluster that only note what they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from depin_helm import rollout
from depin_helm.assemble import Assembly
from depin_helm.cluster import Cluster
from depin_helm.errors import ClusterError, DepinHelmError, HelmError, LockedError
from depin_helm.helm import Helm, WebhookError
from depin_helm.plan import Layer, Plan
from depin_helm.project import Project
from depin_helm.rollout import Progress, State
from depin_helm.values import Environment, load_environment
from depin_helm.workspace import Workspace
from tests.tier import ROOT


def layer(name: str, *after: str, hooks: bool = True) -> Layer:
    return Layer(name, f"in-{name}", (name,), after, hooks)


#: base → left, right → top; alone.
WHOLE = Plan(
    (
        layer("base"),
        layer("left", "base"),
        layer("right", "base", hooks=False),
        layer("top", "left", "right"),
        layer("alone"),
    )
)


WHOLE_NAMES = [each.name for each in WHOLE.layers]


async def quick() -> None:
    await asyncio.sleep(0.01)


@dataclass
class FakeHelm:
    """Notes when it begins and ends with a release; `works` says what happens to some of them."""

    works: Mapping[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    recovered: list[tuple[str, bool]] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    together: set[frozenset[str]] = field(default_factory=set)

    async def upgrade_install(
        self, chart: Path, release: str, namespace: str, values: Path, **options: Any
    ) -> int:
        self.arguments[release] = {"chart": chart, "namespace": namespace, "values": values, **options}
        await self._work(release)
        return 1

    async def uninstall(self, release: str, namespace: str, **options: Any) -> bool:
        self.arguments[release] = {"namespace": namespace, **options}
        await self._work(release)
        return True

    async def recover(
        self, cluster: Cluster, release: str, namespace: str, *, abandoned: bool = False
    ) -> None:
        self.recovered.append((release, abandoned))

    async def _work(self, release: str) -> None:
        name = release.removeprefix("depin-")
        self.events.append(f"{name} begins")
        self.at_work.add(name)
        self.together.add(frozenset(self.at_work))
        try:
            await self.works.get(name, quick)()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # Helm takes its time to record the failure
            self.events.append(f"{name} stopped")
            raise
        finally:
            self.at_work.remove(name)
        self.events.append(f"{name} ends")


@dataclass
class FakeCluster:
    """`causes` are what it says of a release's objects, `not_ready` how often they are not."""

    causes: tuple[str, ...] = ()
    not_ready: int = 0
    fails: DepinHelmError | None = None
    waits: list[float] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, list[Any]] = field(default_factory=dict)

    def forget_failed_jobs(self, release: str, namespace: str) -> None:
        self.forgotten.append((release, namespace))

    def forget_other_jobs(
        self, release: str, namespace: str, objects: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.kept[release] = list(objects)

    def release_objects(self, release: str, namespace: str) -> Sequence[Mapping[str, Any]]:
        if self.fails:
            raise self.fails
        return [{"kind": "Certificate"}]

    def wait_ready(self, objects: Sequence[Mapping[str, Any]], timeout: float) -> None:
        self.waits.append(timeout)
        if self.not_ready:
            self.not_ready -= 1
            raise HelmError("not ready after a moment", causes=["Certificate a/b: no issuer"])

    def why_not_ready(self, objects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        return self.causes

    def release_pods(self) -> dict[str, tuple[int, int]]:
        return {"depin-base": (1, 3)}


@dataclass
class Run:
    """A rollout and what its observer was told."""

    helm: FakeHelm = field(default_factory=FakeHelm)
    cluster: FakeCluster = field(default_factory=FakeCluster)
    plan: Plan = WHOLE
    sets: tuple[str, ...] = ()
    seen: list[Progress] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        environment: Environment = load_environment(Project(ROOT), "sandbox", (), self.sets)
        environment = replace(environment, overrides={"global": {}, "base": {"a": 1}, "left": {"b": 2}})
        assembly = Assembly(Path("assembled"), "sha256:1", ())
        return Workspace(Project(ROOT), environment, assembly, WHOLE, self.plan, cast(Helm, self.helm))

    async def install(self, **options: Any) -> dict[str, Progress]:
        options = {"abandoned": False, **options}
        cluster = cast(Cluster, self.cluster)
        return self._ends(await rollout.install(self.workspace, cluster, self.seen.append, **options))

    async def uninstall(self, **options: Any) -> dict[str, Progress]:
        cluster = cast(Cluster, self.cluster)
        return self._ends(await rollout.uninstall(self.workspace, cluster, self.seen.append, **options))

    def _ends(self, ends: Sequence[Progress]) -> dict[str, Progress]:
        assert [end.layer for end in ends] == [layer.name for layer in self.plan.layers]
        return {end.layer: end for end in ends}

    def states(self, name: str) -> list[State]:
        return [progress.state for progress in self.seen if progress.layer == name]

    def at(self, event: str) -> int:
        return self.helm.events.index(event)


def failing(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def fail() -> None:
        raise error

    return fail


def states(ends: Mapping[str, Progress]) -> dict[str, str]:
    return {name: str(end.state) for name, end in ends.items()}


def test_jobs_that_failed_before_run_again_with_their_layer() -> None:
    run = Run()
    asyncio.run(run.install())
    assert sorted(run.cluster.forgotten) == sorted((each.release, each.namespace) for each in WHOLE.layers)


def test_a_layer_keeps_no_jobs_but_those_of_its_release() -> None:
    run = Run()
    asyncio.run(run.install())
    assert run.cluster.kept == {each.release: [{"kind": "Certificate"}] for each in WHOLE.layers}
    asyncio.run(run.uninstall())
    assert run.cluster.kept == {each.release: [] for each in WHOLE.layers}


def test_a_layer_begins_when_all_that_it_waits_for_are_done() -> None:
    run = Run()
    assert set(states(asyncio.run(run.install())).values()) == {"deployed"}
    for earlier, later in (("base", "left"), ("base", "right"), ("left", "top"), ("right", "top")):
        assert run.at(f"{earlier} ends") < run.at(f"{later} begins")


def test_layers_that_do_not_wait_for_each_other_run_at_the_same_time() -> None:
    early, late = asyncio.Barrier(2), asyncio.Barrier(2)  # each waits there for the other
    run = Run(FakeHelm({"base": early.wait, "alone": early.wait, "left": late.wait, "right": late.wait}))
    ends = asyncio.run(asyncio.wait_for(run.install(), 10))
    assert set(states(ends).values()) == {"deployed"}


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_no_more_layers_run_at_once_than_the_environment_allows(parallel: int) -> None:
    flat = Plan(tuple(layer(name) for name in ("base", "left", "right", "top", "alone")))
    helm = FakeHelm(dict.fromkeys(WHOLE_NAMES, lambda: asyncio.sleep(0.2)))
    run = Run(helm, plan=flat, sets=(f"depinHelm.parallel={parallel}",))
    asyncio.run(run.install())
    assert max(map(len, run.helm.together)) == parallel


def test_a_failure_stops_only_what_waits_for_it() -> None:
    error = HelmError("no such image", hint="mend it")
    run = Run(FakeHelm({"left": failing(error)}))
    ends = asyncio.run(run.install())
    expected = {
        "base": "deployed",
        "left": "failed",
        "right": "deployed",
        "top": "blocked",
        "alone": "deployed",
    }
    assert states(ends) == expected
    assert ends["top"].blocked_by == ("left",)
    assert ends["left"].error is not None
    assert (ends["left"].error.message, ends["left"].error.hint) == ("no such image", "mend it")
    assert "top begins" not in run.helm.events


def test_what_waits_for_a_blocked_layer_is_blocked_too() -> None:
    run = Run(FakeHelm({"base": failing(LockedError("another Helm"))}))
    ends = asyncio.run(run.install())
    assert states(ends) == dict.fromkeys(WHOLE_NAMES, "blocked") | {"base": "failed", "alone": "deployed"}
    assert ends["top"].blocked_by == ("left", "right")


def test_a_layer_that_is_left_out_counts_as_done_and_is_waited_through() -> None:
    run = Run(plan=WHOLE.select(["base", "top"]))
    assert states(asyncio.run(run.install())) == {"base": "deployed", "top": "deployed"}
    assert run.helm.events == ["base begins", "base ends", "top begins", "top ends"]


def test_uninstalling_begins_with_what_nothing_waits_for() -> None:
    both = asyncio.Barrier(2)
    run = Run(FakeHelm({"left": both.wait, "right": both.wait}))
    ends = asyncio.run(asyncio.wait_for(run.uninstall(), 10))
    assert set(states(ends).values()) == {"removed"}
    for earlier, later in (("top", "left"), ("top", "right"), ("left", "base"), ("right", "base")):
        assert run.at(f"{earlier} ends") < run.at(f"{later} begins")


def test_what_a_layer_that_could_not_be_uninstalled_needs_stays() -> None:
    run = Run(FakeHelm({"left": failing(HelmError("it will not go"))}))
    ends = asyncio.run(run.uninstall())
    assert states(ends) == {
        "base": "blocked",
        "left": "failed",
        "right": "removed",
        "top": "removed",
        "alone": "removed",
    }
    assert ends["base"].blocked_by == ("left",)


def test_an_interruption_stops_every_running_layer_and_waits_for_it() -> None:
    async def long() -> None:
        await asyncio.sleep(60)

    run = Run(FakeHelm({"left": long, "right": long, "alone": long}))

    async def interrupted() -> None:
        task = asyncio.ensure_future(run.install())
        while len(run.helm.at_work) < 3:  # noqa: ASYNC110 - nothing there to wait for
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert run.helm.at_work == set()

    asyncio.run(interrupted())
    assert {event for event in run.helm.events if "stopped" in event} == {
        *("left stopped", "right stopped", "alone stopped")
    }
    assert "top begins" not in run.helm.events


def test_an_interruption_does_not_wait_for_objects_to_become_ready() -> None:
    run = Run(cluster=FakeCluster(not_ready=1000))

    async def interrupted() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):  # long enough to begin to wait, on a busy machine too
                await run.install(timeout=60.0)

    asyncio.run(asyncio.wait_for(interrupted(), 30))
    assert max(run.cluster.waits) <= rollout.POLL_INTERVAL


def test_the_observer_sees_each_layers_states_in_their_order() -> None:
    run = Run(FakeHelm({"left": failing(HelmError("bad"))}))
    ends = asyncio.run(run.install())
    assert run.states("base") == [State.WAITING, State.RUNNING, State.DEPLOYED]
    assert run.states("left") == [State.WAITING, State.RUNNING, State.FAILED]
    assert run.states("top") == [State.WAITING, State.BLOCKED]
    assert [progress.state for progress in run.seen[: len(WHOLE_NAMES)]] == [State.WAITING] * len(WHOLE_NAMES)
    assert all(end in run.seen for end in ends.values())
    assert 0 < ends["base"].seconds < 5


def test_the_observer_sees_the_pods_of_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "POLL_INTERVAL", 0.01)

    def looked() -> list[Progress]:
        return [each for each in run.seen if each.state is State.RUNNING and each.pods]

    async def slow() -> None:
        while not looked():  # noqa: ASYNC110 - who looks tells nobody
            await asyncio.sleep(0.01)

    run = Run(FakeHelm({"base": slow}), plan=WHOLE.select(["base", "alone"]))
    asyncio.run(asyncio.wait_for(run.install(), 60))
    assert {(each.layer, each.pods) for each in looked()} == {("base", (1, 3))}


def test_the_causes_of_a_failure_are_helms_and_the_clusters_each_once() -> None:
    error = HelmError("timed out", hint="wait", causes=("image x", "event y"))
    run = Run(FakeHelm({"base": failing(error)}), FakeCluster(causes=("event y", "pod z")))
    found = asyncio.run(run.install())["base"].error
    assert isinstance(found, HelmError)
    assert (found.message, found.hint, found.causes) == ("timed out", "wait", ("image x", "event y", "pod z"))


def test_a_cluster_that_cannot_be_asked_for_causes_hides_no_failure() -> None:
    run = Run(FakeHelm({"base": failing(HelmError("timed out"))}), FakeCluster(fails=ClusterError("gone")))
    found = asyncio.run(run.install())["base"].error
    assert found is not None
    assert found.message == "timed out"


def test_a_layer_is_done_when_what_helm_does_not_wait_for_is_ready() -> None:
    run = Run(cluster=FakeCluster(not_ready=2), plan=WHOLE.select(["base"]))
    assert states(asyncio.run(run.install())) == {"base": "deployed"}
    assert len(run.cluster.waits) == 3


def test_objects_that_are_not_ready_in_time_fail_the_layer_and_say_why() -> None:
    run = Run(cluster=FakeCluster(not_ready=1000), plan=WHOLE.select(["base"]))
    error = asyncio.run(run.install(timeout=0.5))["base"].error
    assert isinstance(error, HelmError)
    assert (error.message, error.causes) == ("not ready in time", ("Certificate a/b: no issuer",))


def test_a_layer_is_tried_again_until_the_webhooks_before_it_answer() -> None:
    refusals = [WebhookError("no answer"), WebhookError("no answer")]

    async def refused_twice() -> None:
        if refusals:
            raise refusals.pop()

    run = Run(FakeHelm({"base": refused_twice}), plan=WHOLE.select(["base"]))
    assert states(asyncio.run(run.install())) == {"base": "deployed"}
    assert refusals == []


def test_a_webhook_that_never_answers_fails_the_layer_in_time() -> None:
    run = Run(FakeHelm({"base": failing(WebhookError("no answer"))}), plan=WHOLE.select(["base"]))
    found = asyncio.run(run.install(timeout=0.6))["base"].error
    assert found is not None
    assert found.message == "no answer"
    assert run.helm.events.count("base begins") == 2


def test_a_look_at_the_pods_that_goes_wrong_in_any_way_stops_nothing() -> None:
    class Odd(FakeCluster):
        def release_pods(self) -> dict[str, tuple[int, int]]:
            raise KeyError("status")

    async def long() -> None:
        await asyncio.sleep(rollout.POLL_INTERVAL * 1.5)

    run = Run(FakeHelm({"base": long}), Odd(), plan=WHOLE.select(["base"]))
    assert states(asyncio.run(run.install())) == {"base": "deployed"}
    assert [each.pods for each in run.seen if each.state == "running"] == [None, None]


def test_a_bug_is_not_swallowed_and_stops_the_others() -> None:
    async def scenario() -> None:
        begun = asyncio.Event()

        async def bug() -> None:
            await begun.wait()
            raise ZeroDivisionError("a bug")

        async def long() -> None:
            begun.set()
            await asyncio.sleep(60)

        run.helm.works = {"base": bug, "alone": long}
        await asyncio.wait_for(run.install(), 5)

    run = Run()
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(scenario())
    assert raised.value.subgroup(ZeroDivisionError) is not None
    assert "alone stopped" in run.helm.events


def test_a_bug_in_the_observer_is_not_swallowed() -> None:
    run = Run(plan=WHOLE.select(["base"]))

    def observe(progress: Progress) -> None:
        raise ZeroDivisionError

    work = rollout.install(run.workspace, cast(Cluster, run.cluster), observe, abandoned=False)
    with pytest.raises((ZeroDivisionError, ExceptionGroup)):
        asyncio.run(work)


def test_helm_gets_each_layers_own_values_chart_and_limits() -> None:
    sets = (
        *("depinHelm.timeouts.default=7m", "depinHelm.timeouts.layers.left=90s"),
        "depinHelm.onFailure=rollback",
    )
    run = Run(sets=sets)
    asyncio.run(run.install())
    left, right = run.helm.arguments["depin-left"], run.helm.arguments["depin-right"]
    assert (left["chart"], left["namespace"]) == (Path("assembled/layers/left"), "in-left")
    assert (left["timeout"], right["timeout"]) == (90.0, 420.0)
    assert (left["no_hooks"], right["no_hooks"]) == (False, True)
    assert left["rollback_on_failure"]
    assert left["wait"]
    assert not left["values"].exists()


def test_a_limit_of_the_command_counts_for_every_layer() -> None:
    run = Run(sets=("depinHelm.timeouts.layers.left=90s",))
    asyncio.run(run.install(timeout=5.0))
    assert {arguments["timeout"] for arguments in run.helm.arguments.values()} == {5.0}
    run = Run()
    asyncio.run(run.uninstall(timeout=5.0))
    assert {arguments["timeout"] for arguments in run.helm.arguments.values()} == {5.0}
    assert run.helm.arguments["depin-right"]["no_hooks"]


def test_what_a_killed_rollout_left_is_taken_over_in_every_layer_before_anything_begins() -> None:
    run = Run(plan=WHOLE.select(["top"]))
    asyncio.run(run.install(abandoned=True))
    assert run.helm.recovered == [*((f"depin-{name}", True) for name in WHOLE_NAMES), ("depin-top", False)]


def test_what_may_be_somebody_elses_is_not_taken_over() -> None:
    run = Run(plan=WHOLE.select(["top"]))
    asyncio.run(run.install())
    assert run.helm.recovered == [("depin-top", False)]
