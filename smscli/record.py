"""A frozen value with named fields, cheap to declare.

The program declares a hundred values before it does anything, and ``@dataclass`` compiles six methods for each of
them at every start: for ``sign`` alone that took as long as importing Typer does (see ``benchmarks/``). A named tuple
is cheaper, but it is a tuple: it unpacks, adds, and equals any other tuple. A record has one set of methods, written
here once. Type checkers treat it as the frozen dataclass with slots that it stands in for (PEP 681).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Self, dataclass_transform

_MISSING = object()


class _Layout(type):
    """Turns the annotations of a class body into slots, which has to be done before the class is made."""

    __match_args__: tuple[str, ...] = ()
    _usual: Mapping[str, Any] = {}
    _required = 0
    _writers: Sequence[Callable[[object, object], None]] = ()
    values_of: Callable[[Any], tuple[Any, ...]]

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Layout:
        usual: dict[str, Any] = {}
        for base in bases:
            usual |= getattr(base, "_usual", {})
        inherited = set(usual)
        for field, annotation in body.get("__annotations__", {}).items():
            if field.startswith("_") or "ClassVar" in str(annotation) or "InitVar" in str(annotation):
                raise TypeError(f"{name}.{field}: {annotation} can be no field of a record; leave the type out")
            usual[field] = body.pop(field, _MISSING)
            if usual[field] is _MISSING and any(value is not _MISSING for value in usual.values()):
                raise TypeError(f"{name}.{field} has no default, behind one that has")
        body["__slots__"] = [field for field in usual if field not in inherited]
        body["__match_args__"] = tuple(usual)
        made = super().__new__(cls, name, bases, body)
        made._usual = usual
        made._required = sum(value is _MISSING for value in usual.values())
        # What a slot's own descriptor writes does not go through __setattr__, which refuses.
        made._writers = [getattr(made, field).__set__ for field in usual]
        # Of fewer than two names it gives no tuple.
        made.values_of = (
            attrgetter(*usual) if len(usual) > 1 else lambda record: tuple(getattr(record, f) for f in usual)
        )
        return made


@dataclass_transform(frozen_default=True)
class Record(metaclass=_Layout):
    """The base of a value: annotations in the class body are its fields, assigned values their defaults.

    Equal when type and fields are; hashable when its fields are. ``__post_init__`` may refuse what was given.
    What is annotated and would be no field of a dataclass either (ClassVar, InitVar, a private name) is refused when
    the class is made. Whoever subclasses it writes ``from __future__ import annotations``.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        given = values if len(values) == len(cls._writers) and not named else _completed(cls, values, named)
        for write, value in zip(cls._writers, given, strict=False):
            write(self, value)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuse nothing."""

    def _values(self) -> tuple[Any, ...]:
        return type(self).values_of(self)

    def _replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        values = [changes.pop(name) if name in changes else getattr(self, name) for name in type(self).__match_args__]
        return type(self)(*values, **changes)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), self._values()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        fields = zip(type(self).__match_args__, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in fields)})"


def _completed(cls: _Layout, values: tuple[Any, ...], named: Mapping[str, Any]) -> Iterable[Any]:
    """Return a value for each field; raise TypeError as the call of a function would."""
    # A large job makes millions of these: what is refused is only looked for where something may be.
    fields, count = cls.__match_args__, len(values)
    state = dict(cls._usual)
    state.update(zip(fields, values, strict=False))
    state.update(named)
    if count > len(fields) or len(state) > len(fields) or not named.keys().isdisjoint(fields[:count]):
        raise TypeError(f"{cls.__name__} takes {', '.join(fields)}, each once")
    if count < cls._required and (lacking := [name for name, value in state.items() if value is _MISSING]):
        raise TypeError(f"{cls.__name__} lacks {', '.join(lacking)}")
    return state.values()
