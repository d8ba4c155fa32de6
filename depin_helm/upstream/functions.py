"""What template functions do with values: read all of them, a part, only whether they are empty, or nothing.

A function that is not listed here uses all of its arguments, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from depin_helm.upstream.abstract import OPAQUE, Value, union, with_field
from depin_helm.upstream.reader import Reader
from depin_helm.upstream.reads import ANY

Arguments = Sequence[Value]
Handler = Callable[[Reader, Arguments], Value]


def call(reader: Reader, name: str, arguments: Arguments) -> Value:
    """The function's result."""
    handler = _HANDLERS.get(name)
    if handler is None or not arguments:
        return _all(reader, arguments)
    return handler(reader, arguments)


def _all(reader: Reader, arguments: Arguments) -> Value:
    for value in arguments:
        reader.whole(value)
    return OPAQUE


def _truth(reader: Reader, arguments: Arguments) -> Value:
    for value in arguments:
        reader.node(value)
    return OPAQUE


def _equal(reader: Reader, arguments: Arguments) -> Value:
    words = frozenset[str]().union(*(value.texts for value in arguments))
    for value in arguments:
        reader.node(value)
        reader.compared(value, words)
    return OPAQUE


def _and(reader: Reader, arguments: Arguments) -> Value:
    # Of all but the last only what is empty comes out.
    _truth(reader, arguments)
    return union([arguments[-1], OPAQUE])


def _one_of(reader: Reader, arguments: Arguments) -> Value:
    _truth(reader, arguments)
    return union(arguments)


def _ternary(reader: Reader, arguments: Arguments) -> Value:
    reader.node(arguments[-1])
    return union(arguments[:-1])


def _required(reader: Reader, arguments: Arguments) -> Value:
    _all(reader, arguments[:-1])
    reader.node(arguments[-1])
    return arguments[-1]


def _kind(reader: Reader, arguments: Arguments) -> Value:
    # `kindIs "invalid"` asks whether there is a value at all.
    kinds = arguments[0].texts != frozenset(["invalid"])
    for value in arguments:
        reader.node(value, kinds=kinds)
    return OPAQUE


def _printf(reader: Reader, arguments: Arguments) -> Value:
    if all("%T" in text for text in arguments[0].texts) and arguments[0].texts:
        return _kind(reader, arguments)
    return _all(reader, arguments)


def _has_key(reader: Reader, arguments: Arguments) -> Value:
    reader.node(arguments[0])
    for key in arguments[1:]:
        _key(reader, key)
        reader.node(arguments[0].children(key))
    return OPAQUE


def _key(reader: Reader, key: Value) -> None:
    """A computed key is used; a literal one is nobody's value."""
    reader.whole(key)


def _has(reader: Reader, arguments: Arguments) -> Value:
    reader.compared(arguments[0], union(arguments[-1].items).texts)
    return _all(reader, arguments)


def _index(reader: Reader, arguments: Arguments) -> Value:
    found = arguments[0]
    for key in arguments[1:]:
        _key(reader, key)
        found = found.children(key)
    return found


def _dig(reader: Reader, arguments: Arguments) -> Value:
    *keys, default, found = arguments
    found = _index(reader, [found, *keys])
    reader.node(found)
    return union([found, default])


def _pluck(reader: Reader, arguments: Arguments) -> Value:
    _key(reader, arguments[0])
    return Value(items=tuple(each.children(arguments[0]) for each in arguments[1:]))


def _pick(reader: Reader, arguments: Arguments) -> Value:
    found = Value()
    for key in arguments[1:]:
        if key.literal is None:
            return replace(arguments[0], part=True)
        for name in key.literal:
            found = with_field(found, name, arguments[0].child(name))
    return found


def _omit(reader: Reader, arguments: Arguments) -> Value:
    for key in arguments[1:]:
        if key.literal is None:
            return replace(arguments[0], part=True)
        for name in key.literal:
            reader.node(arguments[0].child(name))
    names = frozenset[str]().union(*(key.texts for key in arguments[1:] if len(key.texts) == 1))
    return replace(arguments[0], without=arguments[0].without | names)


def _set(reader: Reader, arguments: Arguments) -> Value:
    if len(arguments) != 3:
        return _all(reader, arguments)
    target, key, value = arguments
    _key(reader, key)
    if target.paths or target.roots or target.charts:
        reader.whole(value)  # it may come out wherever the target does
    names = key.literal
    if names is None:
        reader.whole(value)
        return target
    for name in names:
        old = dict(target.fields).get(name)
        target = with_field(target, name, value if old is None else union([old, value]))
    return target


def _dict(reader: Reader, arguments: Arguments) -> Value:
    found = Value()
    for at in range(0, len(arguments), 2):
        key = arguments[at]
        value = arguments[at + 1] if at + 1 < len(arguments) else Value()
        if key.literal is None:
            _key(reader, key)
            reader.whole(value)
            found = replace(found, opaque=True)
            continue
        for name in key.literal:
            found = with_field(found, name, value)
    return found


def _list(reader: Reader, arguments: Arguments) -> Value:
    return Value(items=tuple(arguments))


def _union(reader: Reader, arguments: Arguments) -> Value:
    return union(arguments)


def _append(reader: Reader, arguments: Arguments) -> Value:
    return union([arguments[0], Value(items=tuple(arguments[1:]))])


def _element(reader: Reader, arguments: Arguments) -> Value:
    reader.node(arguments[-1])
    return arguments[-1].child(ANY)


def _elements(reader: Reader, arguments: Arguments) -> Value:
    return Value(items=(_element(reader, arguments),))


def _keys(reader: Reader, arguments: Arguments) -> Value:
    for value in arguments:
        reader.node(value)
        reader.node(value.child(ANY))
    return OPAQUE


def _same(reader: Reader, arguments: Arguments) -> Value:
    return arguments[-1]


def _first_argument(reader: Reader, arguments: Arguments) -> Value:
    _all(reader, arguments[1:])
    return arguments[0]


def _to_yaml(reader: Reader, arguments: Arguments) -> Value:
    _all(reader, arguments)
    return replace(OPAQUE, yaml=arguments[-1])


def _from_yaml(reader: Reader, arguments: Arguments) -> Value:
    _all(reader, arguments)
    inner = arguments[-1].yaml
    return OPAQUE if inner is None else union([inner, OPAQUE])


def _text(reader: Reader, arguments: Arguments) -> Value:
    for value in arguments:
        reader.written(value)
    return OPAQUE


def _print(reader: Reader, arguments: Arguments) -> Value:
    """Text of a value that says the same."""
    _text(reader, arguments)
    return replace(OPAQUE, printed=arguments[0]) if len(arguments) == 1 else OPAQUE


def _join(reader: Reader, arguments: Arguments) -> Value:
    # One text does as well as a list of them.
    reader.node(arguments[-1], kinds=True)
    return _all(reader, arguments)


def _shape(reader: Reader, arguments: Arguments) -> Value:
    """Text of another indentation is still the same YAML."""
    _text(reader, arguments)
    return replace(OPAQUE, yaml=arguments[-1].yaml, printed=arguments[-1].printed)


def _include(reader: Reader, arguments: Arguments) -> Value:
    return reader.include(arguments[0], arguments[-1] if len(arguments) > 1 else Value())


def _tpl(reader: Reader, arguments: Arguments) -> Value:
    return reader.evaluated(arguments[0], arguments[-1])


_GROUPS: Mapping[Handler, str] = MappingProxyType(
    {
        _truth: "not empty lt le gt ge len all any isset",
        _equal: "eq ne",
        _and: "and",
        _one_of: "default coalesce or",
        _ternary: "ternary",
        _required: "required",
        _kind: "kindIs kindOf typeOf typeIs typeIsLike",
        _printf: "printf",
        _has_key: "hasKey",
        _has: "has mustHas",
        _index: "index get",
        _dig: "dig",
        _pluck: "pluck",
        _pick: "pick",
        _omit: "omit unset",
        _set: "set",
        _dict: "dict",
        _list: "list tuple",
        _union: "merge mustMerge mergeOverwrite mustMergeOverwrite concat",
        _append: "append mustAppend push mustPush prepend mustPrepend",
        _element: "first mustFirst last mustLast",
        _elements: "values",
        _keys: "keys",
        _same: "deepCopy mustDeepCopy uniq mustUniq reverse mustReverse compact mustCompact "
        "initial mustInitial rest mustRest",
        _first_argument: "slice mustSlice without mustWithout",
        _to_yaml: "toYaml mustToYaml toYamlPretty toJson mustToJson toRawJson mustToRawJson toPrettyJson "
        "mustToPrettyJson",
        _from_yaml: "fromYaml fromYamlArray fromJson fromJsonArray mustFromJson",
        _shape: "indent nindent trim trimSuffix trimPrefix trimAll",
        _print: "quote squote toString int int64 float64 atoi",
        _join: "join",
        _text: "trunc lower upper title replace b64enc",
        _include: "include",
        _tpl: "tpl",
    }
)
_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {name: handler for handler, names in _GROUPS.items() for name in names.split()}
)
#: What leaves YAML text the YAML text that it is, and where it is.
TRANSPARENT = frozenset({*_GROUPS[_to_yaml].split(), *_GROUPS[_shape].split(), "include", "tpl"})
#: Functions whose first argument is changed.
CHANGING = frozenset({"set", "unset", *_GROUPS[_union].split()} - {"concat"})
