"""What a value in a template may be, as far as can be said without rendering: parts of the values, or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from depin_helm.upstream.reads import ANY, Keys

#: Stands for `.Template.BasePath`, the folder of a chart's template files.
BASE = "<templates>"

_NONE: frozenset[Keys] = frozenset()


@dataclass(frozen=True)
class Value:
    """Everything that a value may be at the same time.

    paths   parts of the chart's values
    roots   what templates get as `.`, of the chart itself () or of a subchart (its name)
    charts  what `.Subcharts` is
    fields  keys of a dict that the template has made
    items   items of a list that it has made
    texts   literal text
    opaque  something else, too, which is not part of the values
    yaml    what this is as YAML text
    printed what this is the text of
    part    of `paths` only some keys
    without keys that `paths` lack
    """

    paths: frozenset[Keys] = _NONE
    roots: frozenset[Keys] = _NONE
    charts: frozenset[Keys] = _NONE
    fields: tuple[tuple[str, Value], ...] = ()
    items: tuple[Value, ...] = ()
    texts: frozenset[str] = frozenset()
    opaque: bool = False
    yaml: Value | None = None
    printed: Value | None = None
    part: bool = False
    without: frozenset[str] = frozenset()

    @property
    def literal(self) -> frozenset[str] | None:
        """The texts that this may be; None if it may be anything else."""
        other = self.paths or self.roots or self.charts or self.fields or self.items or self.opaque
        return self.texts if self.texts and not other else None

    def prints(self) -> frozenset[Keys]:
        """The parts of the values that come out as they are when this is printed."""
        return self.paths | self.printed.prints() if self.printed is not None else self.paths

    def nodes(self) -> Iterator[Keys]:
        """All parts of the values that are in it."""
        yield from self.paths
        yield from self.roots
        yield from self.charts
        for _, inner in self.fields:
            yield from inner.nodes()
        for inner in self.items:
            yield from inner.nodes()

    def child(self, key: str) -> Value:
        """What stands below `key`, or below any key."""
        if key == "AsMap":
            return self
        # What is read of one item of a list is read of none other in particular.
        below = ANY if key.isdigit() else key
        given = self.paths and key not in self.without
        found = [Value(paths=frozenset((*path, below) for path in self.paths))] if given else []
        if self.roots:
            found.append(self._of_root(key))
        if self.charts:
            found.append(Value(roots=frozenset((*path, key) for path in self.charts)))
        found += [inner for name, inner in self.fields if key in (name, ANY)]
        if self.items:
            found += [self.items[int(key)]] if key.isdigit() and int(key) < len(self.items) else self.items
        if self.opaque:
            found.append(OPAQUE)
        return union(found)

    def _of_root(self, key: str) -> Value:
        if key == "Values":
            return Value(paths=self.roots)
        if key == "Subcharts":
            return Value(charts=self.roots)
        if key == "Template":
            return Value(fields=(("BasePath", text(BASE)),))
        return OPAQUE if key != ANY else union([Value(paths=self.roots), OPAQUE])

    def below(self, names: tuple[str, ...]) -> Value:
        """What stands below `names`, one in the other."""
        made = self.fields or self.items or self.charts or self.opaque or self.without
        if not (made or "AsMap" in names):
            if not self.roots:
                return (
                    Value(paths=frozenset([path + names for path in self.paths])) if self.paths else NOTHING
                )
            if not self.paths and names[0] == "Values":
                return Value(paths=frozenset([path + names[1:] for path in self.roots]))
        found = self
        for name in names:
            found = found.child(name)
        return found

    def children(self, key: Value) -> Value:
        """What stands below a key that is itself computed."""
        return union(self.child(each) for each in key.literal or (ANY,))


OPAQUE = Value(opaque=True)
NOTHING = Value()


def text(content: str) -> Value:
    """Literal text."""
    return Value(texts=frozenset((content,)))


def union(values: Iterable[Value]) -> Value:
    """What may be any of `values`."""
    distinct = list(values)
    if len(distinct) > 1:
        distinct = list(dict.fromkeys(distinct))
    if len(distinct) < 2:
        return distinct[0] if distinct else NOTHING
    fields: dict[str, list[Value]] = {}
    for value in distinct:
        for key, inner in value.fields:
            fields.setdefault(key, []).append(inner)
    lists = [value.items for value in distinct if value.items]
    items = (
        lists[0] if len(set(lists)) == 1 else tuple(dict.fromkeys(item for each in lists for item in each))
    )
    yamls = [value.yaml for value in distinct if value.yaml is not None]
    printed = [value.printed for value in distinct if value.printed is not None]
    lacking = [value.without for value in distinct if value.paths]
    return Value(
        paths=_NONE.union(*(value.paths for value in distinct)),
        roots=_NONE.union(*(value.roots for value in distinct)),
        charts=_NONE.union(*(value.charts for value in distinct)),
        fields=tuple((key, union(fields[key])) for key in sorted(fields)),
        items=items,
        texts=frozenset().union(*(value.texts for value in distinct)),
        opaque=any(value.opaque for value in distinct),
        yaml=union(yamls) if yamls else None,
        printed=union(printed) if printed else None,
        part=any(value.part for value in distinct),
        without=frozenset.intersection(*lacking) if lacking else frozenset(),
    )


def with_field(value: Value, key: str, inner: Value) -> Value:
    """A dict with one more key, or another value for it."""
    fields = {**dict(value.fields), key: inner}
    return replace(value, fields=tuple(sorted(fields.items(), key=lambda each: each[0])))
