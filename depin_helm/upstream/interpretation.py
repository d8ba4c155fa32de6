"""Follows a chart's templates with all values at once, and notes which parts of the values they use."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from depin_helm.upstream import functions, rendering
from depin_helm.upstream.abstract import NOTHING, OPAQUE, Value, text, union
from depin_helm.upstream.frame import Frame, Placed
from depin_helm.upstream.layout import QUOTED, Spot
from depin_helm.upstream.reads import ANY, Print, Reads, Recorder
from depin_helm.upstream.syntax import (
    Branch,
    Call,
    Dot,
    Field,
    Function,
    Node,
    Operand,
    Output,
    Pipeline,
    Text,
    Variable,
)
from depin_helm.upstream.templates import TemplateError, parse

#: What templates get as `.`.
ROOT = Value(roots=frozenset({()}))

#: A template that includes itself with ever longer paths stops here; what it got is then read whole.
_MAX_DEPTH = 24
_MAX_KEYS = 16
#: A loop that changes its own variables is followed so often; what they are then is read whole.
_ROUNDS = 3


def interpret(
    templates: Sequence[tuple[Node, ...]], defines: Mapping[str, tuple[Node, ...]], *, alone: bool = False
) -> Reads:
    """What `templates` read of `.Values`, with `defines` at hand.

    Others that they include may read all that they are handed; but if `alone`, nothing of the chart itself.
    """
    interpreter = _Interpreter(defines, alone)
    for nodes in templates:
        interpreter.file(nodes)
    return interpreter.recorder.reads()


class _Interpreter:
    """One run over a chart; implements `functions.Reader`."""

    def __init__(self, defines: Mapping[str, tuple[Node, ...]], alone: bool) -> None:
        self.recorder = Recorder()
        self._alone = alone
        self._defines = defines
        self._done: dict[tuple[str, Value], tuple[Placed, ...]] = {}
        self._frames: list[Frame] = []

    def file(self, nodes: tuple[Node, ...]) -> None:
        """Follow one template file."""
        for keys, spot in self._run(nodes, ROOT):
            place = spot.place()
            if place is None:
                continue
            if not spot.printed:
                self.recorder.place(keys, place)
            elif place.kind:  # of a manifest that nobody knows a single word says nothing
                self.recorder.printed(keys, Print(place, spot.printed == QUOTED))

    # --- what is read -------------------------------------------------------------------------

    def node(self, value: Value, *, kinds: bool = False) -> None:
        for path in value.paths:
            self.recorder.read(path, kinds=kinds)

    def compared(self, value: Value, words: frozenset[str]) -> None:
        if words:
            for path in value.paths:
                self.recorder.compare(path, words)

    def whole(self, value: Value) -> None:
        for path in value.nodes():
            without = value.without if path in value.paths else frozenset[str]()
            self.recorder.read(path, whole=True, without=without)

    def written(self, value: Value) -> None:
        for path in value.paths:
            self.recorder.write(path)
        if value.fields or value.items or value.roots or value.charts:
            self.whole(replace(value, paths=frozenset()))

    def include(self, name: Value, context: Value) -> Value:
        names = list(self._matching(name))
        if not names:
            self.whole(replace(context, roots=frozenset()) if self._alone else context)
        for each in names:
            self._call(each, context)
        return OPAQUE

    def evaluated(self, source: Value, context: Value) -> Value:
        self.written(source)
        for content in source.texts:
            if "{{" in content:
                try:
                    template = parse(content)
                except TemplateError:
                    self.whole(context)
                else:
                    self._run(template.nodes, context)
        return replace(OPAQUE, yaml=source.yaml, printed=source if source.paths else source.printed)

    def _matching(self, name: Value) -> Iterator[str]:
        """The templates that may have the name, which may hold `*`."""
        if name.literal is None:
            return
        for each in name.literal:
            if each in self._defines:
                yield each
            elif ANY in each:
                yield from fnmatch.filter(self._defines, each)

    def _call(self, name: str, context: Value) -> None:
        key = (name, context)
        if key not in self._done:
            self._done[key] = ()  # for a template that includes itself: nothing new is read
            deep = any(len(path) > _MAX_KEYS for path in context.nodes())
            if deep or len(self._frames) > _MAX_DEPTH:
                self.whole(context)
                return
            self._done[key] = tuple(self._run(self._defines[name], context))
        placed = self._done[key]
        frame = self._frames[-1]
        for site in frame.spots() if placed else ():
            for keys, spot in placed:
                kind = spot.kind if spot.kind is not None and not site.keys else site.kind
                item = spot.item if spot.keys else site.item or spot.item
                frame.placed[keys, Spot(kind, site.keys + spot.keys, item, spot.printed)] = None

    # --- nodes --------------------------------------------------------------------------------

    def _run(self, nodes: Sequence[Node], context: Value) -> dict[Placed, None]:
        """Follow a template; gives what it renders whole."""
        frame = Frame(context, context, [{"$": context}])
        self._frames.append(frame)
        self._nodes(nodes, frame)
        self._frames.pop()
        return frame.placed

    def _nodes(self, nodes: Sequence[Node], frame: Frame, ends: bool = True) -> None:
        """Follow nodes; `ends` says whether the line is at its end after them."""
        for index, node in enumerate(nodes):
            if isinstance(node, Text):
                frame.layout.text(node.text)
            elif isinstance(node, Output):
                self._output(node.pipeline, frame, nodes[index + 1 :], ends)
            elif isinstance(node, Branch):
                self._branch(node, frame, rendering.ended(nodes[index + 1 :], "", ends))
            elif isinstance(node, Call):
                self._output(rendering.included(node), frame)

    def _output(
        self, pipeline: Pipeline, frame: Frame, after: Sequence[Node] = (), ends: bool = True
    ) -> None:
        if pipeline.names:
            frame.site = None
            self._pipeline(pipeline, frame)
            return
        indent, newline = rendering.indentation(pipeline)
        frame.site = (indent, newline) if rendering.transparent(pipeline) else None
        value = self._pipeline(pipeline, frame)
        self.written(value)
        if value.yaml is not None:
            for spot in frame.spots():
                frame.render(value.yaml, spot)
        elif paths := value.prints():
            quote = frame.layout.opened()
            if quote is not None and rendering.ended(after, quote, ends):
                frame.printed(paths, rendering.quoted(pipeline))
        literal = value.literal
        if literal is not None and len(literal) == 1 and indent is None:
            frame.layout.text(next(iter(literal)))
        else:
            frame.layout.output(indent, newline)

    def _branch(self, node: Branch, frame: Frame, ends: bool) -> None:
        frame.site = None
        frame.scopes.append({})
        value = self._pipeline(node.pipeline, frame)
        self.node(value)
        branches = frame.layout.branches(2 if node.otherwise else 1)
        next(branches)
        dot = frame.dot
        if node.word == "range":
            self._range(node, value, frame, ends)
        else:
            if node.word == "with":
                frame.dot = value
            self._nodes(node.body, frame, ends)
        frame.dot = dot
        if node.otherwise:
            next(branches)
            self._nodes(node.otherwise, frame, ends)
        next(branches, None)
        frame.scopes.pop()

    def _range(self, node: Branch, value: Value, frame: Frame, ends: bool) -> None:
        element = value.child(ANY)
        self.node(element)
        names = node.pipeline.names
        if names:
            self._assign(node.pipeline, names[-1], element, frame)
        if len(names) > 1:
            keys = union(text(key) for key, _ in value.fields)
            other = value.paths or value.items or value.opaque
            self._assign(node.pipeline, names[0], OPAQUE if other else keys, frame)
        frame.dot = element
        for _ in range(_ROUNDS):
            before = [dict(scope) for scope in frame.scopes]
            frame.scopes.append({})
            self._nodes(node.body, frame, ends)
            frame.scopes.pop()
            if frame.scopes == before:
                return
        for old, new in zip(before, frame.scopes, strict=True):
            for name, each in new.items():
                if old.get(name) != each:
                    self.whole(each)

    # --- expressions --------------------------------------------------------------------------

    def _pipeline(self, pipeline: Pipeline, frame: Frame) -> Value:
        value: Value | None = None
        for command in pipeline.commands:
            value = self._command(command, value, frame)
        result = value or NOTHING
        if len(pipeline.names) == 1:
            self._assign(pipeline, pipeline.names[0], result, frame)
        return result

    def _assign(self, pipeline: Pipeline, name: str, value: Value, frame: Frame) -> None:
        if pipeline.declares:
            frame.scopes[-1][name] = value
            return
        for scope in reversed(frame.scopes):
            if name in scope:  # whether the branch that it stands in is taken is not known
                scope[name] = union([scope[name], value])
                return

    def _command(self, command: Sequence[Operand], piped: Value | None, frame: Frame) -> Value:
        first, *rest = command
        if not isinstance(first, Function):
            value = self._operand(first, frame)
            # A method's arguments, as in `.Capabilities.APIVersions.Has "v1"`.
            for argument in [*(self._operand(each, frame) for each in rest), *([piped] if piped else [])]:
                self.whole(argument)
            return value
        arguments = [self._operand(each, frame) for each in rest] + ([piped] if piped is not None else [])
        if first.name == "include" and rest:
            arguments[0] = union([self._name(rest[0], frame) or arguments[0]])
        result = functions.call(self, first.name, arguments)
        if first.name in functions.CHANGING and rest and isinstance(rest[0], Variable):
            self._assign(Pipeline((), declares=False), rest[0].name, result, frame)
        return result

    def _operand(self, operand: Operand, frame: Frame) -> Value:
        if isinstance(operand, Dot):
            return frame.dot
        if isinstance(operand, Variable):
            return next(
                (scope[operand.name] for scope in reversed(frame.scopes) if operand.name in scope), OPAQUE
            )
        if isinstance(operand, Field):
            return self._operand(operand.base, frame).below(operand.names)
        if isinstance(operand, Pipeline):
            return self._pipeline(operand, frame)
        if isinstance(operand, Function):
            return functions.call(self, operand.name, ())
        literal = operand.value
        if isinstance(literal, str | int) and not isinstance(literal, bool):
            return text(str(literal))
        return NOTHING if literal is None else OPAQUE

    def _name(self, operand: Operand, frame: Frame) -> Value | None:
        """A template's name that is put together: what is not known of it is `*`."""
        if not (isinstance(operand, Pipeline) and len(operand.commands) == 1):
            return None
        first, *rest = operand.commands[0]
        if not isinstance(first, Function) or first.name not in ("print", "printf"):
            return None
        parts = [(value.literal or {ANY}) for value in (self._operand(each, frame) for each in rest)]
        if any(len(part) > 1 for part in parts):
            return text(ANY)
        known = [next(iter(part)) for part in parts]
        if first.name == "printf" and known:
            return text(known[0].replace("%s", ANY).replace("%v", ANY))
        return text("".join(known))
