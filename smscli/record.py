"""A frozen value with named fields, cheap to declare.

The program declares some forty values before it does anything, and ``@dataclass`` compiles six methods for each of
them at every start: that alone took as long as importing Typer does (see ``benchmarks/``). A named tuple is cheaper,
but it is a tuple: it unpacks, adds, and equals any other tuple. A record has one set of methods, written here once.
Type checkers treat it as the frozen dataclass that it stands in for (PEP 681).
"""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, Self, dataclass_transform

_MISSING = object()


@dataclass_transform(frozen_default=True)
class Record:
    """The base of a value: annotations in the class body are its fields, assigned values their defaults.

    Equal when type and fields are; hashable when its fields are. ``__post_init__`` may refuse what was given.
    What is annotated and would be no field of a dataclass either (ClassVar, InitVar, a private name) is refused when
    the class is made.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _usual: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        annotations = get_annotations(cls)
        for name, annotation in annotations.items():
            if name.startswith("_") or "ClassVar" in str(annotation) or "InitVar" in str(annotation):
                raise TypeError(f"{cls.__name__}.{name}: {annotation} can be no field of a record; leave the type out")
        cls._fields = tuple(dict.fromkeys((*cls._fields, *annotations)))
        cls._usual = {name: getattr(cls, name, _MISSING) for name in cls._fields}

    def __init__(self, *values: Any, **named: Any) -> None:
        # A large job makes millions of these: what is refused is only looked for where something may be.
        fields, state = self._fields, self.__dict__
        state.update(self._usual)
        state.update(zip(fields, values, strict=False))
        if named:
            state.update(named)
        if (
            len(values) > len(fields)
            or len(state) > len(fields)
            or (named and named.keys() & set(fields[: len(values)]))
        ):
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}, each once")
        if len(values) + len(named) < len(fields):
            lacking = [name for name in fields if state[name] is _MISSING]
            if lacking:
                raise TypeError(f"{type(self).__name__} lacks {', '.join(lacking)}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuse nothing."""

    def _replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
