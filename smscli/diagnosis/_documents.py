"""Mistakes of those who sign a whole document: JSON, a query string, or a map as a language prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake
from smscli.diagnosis._order import as_given, java_hash_map
from smscli.diagnosis._recipe import Place, Recipe
from smscli.diagnosis._respelling import PERCENT, html_safe, rawurlencode
from smscli.model import Pairs

Fields = dict[str, str | list[str]]
"""The parameters as a program keeps them: a list where a name repeats."""


def _arrangements(recipe: Recipe, case: Case) -> dict[Pairs, str]:
    """Return the parameters in the orders in which a document may hold them."""
    orders = {recipe.pairs: "sorted"}
    orders.setdefault(tuple(as_given(recipe, case)), "in the order given")
    orders.setdefault(tuple(sorted(recipe.pairs, key=lambda pair: pair[0].encode())), "sorted by name")
    return orders


def _fields(pairs: Pairs) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        before = fields.get(name)
        if before is None:
            fields[name] = value
        else:
            fields[name] = [*(before if isinstance(before, list) else [before]), value]
    return fields


def _signed(recipe: Recipe, case: Case, text: str) -> Iterator[Recipe]:
    """Give the recipes that hash this text, the key where the rule puts it, behind any of the usual separators."""
    whole = recipe._replace(pairs=(("", text),), glue=None, head="", escape=str)
    separators = ("",) if recipe.key_place is Place.NOWHERE else ("", case.rule.before_key, "&", ";", "&key=")
    for separator in dict.fromkeys(separators):
        yield whole._replace(key_separator=separator)


def _attempts(
    recipe: Recipe, case: Case, texts: Iterable[tuple[str, tuple[str, ...]]], spare: Sequence[str] = ()
) -> Iterator[Attempt]:
    """Give the attempts over distinct texts; those in ``spare`` are other mistakes, or none."""
    seen = {recipe.text(""), *spare}
    for text, facts in texts:
        if text not in seen:
            seen.add(text)
            for changed in _signed(recipe, case, text):
                yield changed, facts


# --- JSON ------------------------------------------------------------------------------------------------------------


def _php(text: str) -> str:
    return text.replace("/", "\\/")


_JSON: tuple[tuple[str, Callable[[object], str]], ...] = (
    ("JavaScript's JSON.stringify", lambda tree: json.dumps(tree, separators=(",", ":"), ensure_ascii=False)),
    ("PHP's json_encode", lambda tree: _php(json.dumps(tree, separators=(",", ":")))),
    ("PHP's json_encode", lambda tree: _php(json.dumps(tree, separators=(",", ":"), ensure_ascii=False))),
    ("compact JSON in ASCII", lambda tree: json.dumps(tree, separators=(",", ":"))),
    ("Python's json.dumps", json.dumps),
    ("Python's json.dumps in UTF-8", lambda tree: json.dumps(tree, ensure_ascii=False)),
    ("Go's json.Marshal", lambda tree: html_safe(json.dumps(tree, separators=(",", ":"), ensure_ascii=False))),
    ("indented JSON", lambda tree: json.dumps(tree, indent=2, ensure_ascii=False)),
    ("Go's json.MarshalIndent", lambda tree: html_safe(json.dumps(tree, indent=2, ensure_ascii=False))),
    ("indented JSON", lambda tree: json.dumps(tree, indent=4, ensure_ascii=False)),
    ("indented JSON", lambda tree: json.dumps(tree, indent="\t", ensure_ascii=False)),
    ("PHP's JSON_PRETTY_PRINT", lambda tree: _php(json.dumps(tree, indent=4))),
    (
        "Perl's pretty JSON",
        lambda tree: json.dumps(tree, indent=3, ensure_ascii=False, separators=(",", " : ")) + "\n",
    ),
)


def _whole_numbers(fields: Fields) -> dict[str, object]:
    return {
        name: int(value) if isinstance(value, str) and re.fullmatch("0|[1-9][0-9]{0,17}", value) else value
        for name, value in fields.items()
    }


def _json_texts(recipe: Recipe, case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pairs, order in _arrangements(recipe, case).items():
        fields = _fields(pairs)
        trees: tuple[object, ...] = (fields, _whole_numbers(fields), list(fields.values()), {"data": fields})
        for words, write in _JSON:
            for tree in trees:
                yield write(tree), (words, order)
                yield write(tree) + "\n", (f"{words}, with a line feed", order)


@mistake(
    "json-signed",
    Stage.JOIN,
    "The parameters were signed as JSON ({0}, {1}).",
    "Join {pieces}, {order}; what a request's body looks like does not matter to the signature.",
    alone=True,
)
def json_signed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    yield from _attempts(recipe, case, _json_texts(recipe, case))


# --- query strings ---------------------------------------------------------------------------------------------------


def _query_texts(recipe: Recipe, case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pairs, order in _arrangements(recipe, case).items():
        for library, escape in PERCENT.items():
            for names in (str, escape):
                pieces = [f"{names(name)}={escape(value)}" for name, value in pairs]
                for separator in ("&", "&amp;", ";"):
                    yield separator.join(pieces), (library, order)
        yield "&amp;".join(f"{name}={value}" for name, value in pairs), ("&amp;", order)
        numbered = _numbered(pairs)
        if numbered != pairs:
            for library in ("PHP's urlencode", "PHP's rawurlencode"):
                escape = PERCENT[library]
                yield "&".join(f"{rawurlencode(name)}={escape(value)}" for name, value in numbered), (library, order)


def _numbered(pairs: Pairs) -> Pairs:
    """Return the parameters with the places of a PHP array: ``to[]`` twice is ``to[0]`` and ``to[1]``."""
    counts: dict[str, int] = {}
    numbered = []
    for name, value in pairs:
        if name.endswith("[]"):
            counts[name] = counts.get(name, -1) + 1
            name = f"{name[:-2]}[{counts[name]}]"
        numbered.append((name, value))
    return tuple(numbered)


@mistake(
    "query-signed",
    Stage.JOIN,
    "The query string was signed, encoded as it travels (as by {0}, {1}).",
    "Join {pieces}, {order}: decoded, and not what http_build_query, urlencode or Values.Encode make of them.",
    alone=True,
)
def query_signed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign the encoded query string; one that needs no encoding is "names included"."""
    plain = ["&".join(f"{name}={value}" for name, value in pairs) for pairs in _arrangements(recipe, case)]
    yield from _attempts(recipe, case, _query_texts(recipe, case), plain[:1])


# --- maps and lists, printed -----------------------------------------------------------------------------------------


def _double(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _single(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _each(write: Callable[[str, str], str], between: str, around: tuple[str, str]) -> Callable[[Pairs], str]:
    return lambda pairs: around[0] + between.join(write(name, value) for name, value in pairs) + around[1]


def _inspected(name: str, value: str) -> str:
    """Write a member as Node's util.inspect does; it takes the quotes that the text has none of."""
    bare = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    line = value.replace("\\", "\\\\").replace("\n", "\\n")
    mark = next((mark for mark in "'\"`" if mark not in line), "'")
    return f"{name if bare else _single(name)}: {mark}{line.replace(mark, chr(92) + mark)}{mark}"


def _serialized(pairs: Pairs) -> str:
    def text(one: str) -> str:
        return f's:{len(one.encode())}:"{one}";'

    return f"a:{len(pairs)}:{{" + "".join(text(name) + text(value) for name, value in pairs) + "}"


def _values(pairs: Pairs) -> list[str]:
    return [value for _, value in pairs]


_PRINTED: tuple[tuple[str, Callable[[Pairs], str]], ...] = (
    ("Java's Map.toString", _each("{}={}".format, ", ", ("{", "}"))),
    ("Java's List.toString", lambda pairs: f"[{', '.join(_values(pairs))}]"),
    ("JavaScript's [object Object]", lambda _: "[object Object]"),
    ("Node's util.inspect", _each(_inspected, ", ", ("{ ", " }"))),
    ("Node's util.inspect", _each(lambda name, value: f"  {_inspected(name, value)}", ",\n", ("{\n", "\n}"))),
    ("PHP's word Array", lambda _: "Array"),
    ("PHP's serialize", _serialized),
    ("PHP's print_r", _each("    [{}] => {}\n".format, "", ("Array\n(\n", ")\n"))),
    (
        "PHP's var_export",
        _each(lambda name, value: f"  {_single(name)} => {_single(value)},\n", "", ("array (\n", ")")),
    ),
    ("Python's dict", lambda pairs: repr(dict(pairs))),
    ("Python's list of pairs", lambda pairs: repr(list(pairs))),
    ("Python's list", lambda pairs: repr(_values(pairs))),
    ("Ruby's Hash", _each(lambda name, value: f"{_double(name)}=>{_double(value)}", ", ", ("{", "}"))),
    ("Ruby's Hash", _each(lambda name, value: f"{_double(name)} => {_double(value)}", ", ", ("{", "}"))),
    ("Ruby's Hash of symbols", _each(lambda name, value: f":{name}=>{_double(value)}", ", ", ("{", "}"))),
    ("Ruby's Hash of symbols", _each(lambda name, value: f"{name}: {_double(value)}", ", ", ("{", "}"))),
    ("Ruby's Array of pairs", _each(lambda name, value: f"[{_double(name)}, {_double(value)}]", ", ", ("[", "]"))),
    ("Ruby's Array", lambda pairs: f"[{', '.join(map(_double, _values(pairs)))}]"),
    ("Go's map", _each("{}:{}".format, " ", ("map[", "]"))),
    ("Go's url.Values", _each("{}:[{}]".format, " ", ("map[", "]"))),
    ("Go's slice", lambda pairs: f"[{' '.join(_values(pairs))}]"),
    (
        "Perl's Data::Dumper",
        _each(
            lambda name, value: f"          {_single(name)} => {_single(value)}",
            ",\n",
            ("$VAR1 = {\n", "\n        };\n"),
        ),
    ),
    ("Perl's Data::Dumper", _each(lambda name, value: f"{_single(name)} => {_single(value)}", ",", ("{", "}"))),
    ("C#'s Dictionary", lambda _: "System.Collections.Generic.Dictionary`2[System.String,System.String]"),
    ("C#'s List", lambda _: "System.Collections.Generic.List`1[System.String]"),
    ("C#'s array", lambda _: "System.String[]"),
)  # fmt: skip


def _printed_texts(recipe: Recipe, case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    orders = _arrangements(recipe, case)
    for slots in (16, 8):
        orders.setdefault(tuple(java_hash_map(as_given(recipe, case), slots)), "in the order of a HashMap")
    for pairs, order in orders.items():
        for words, write in _PRINTED:
            yield write(pairs), (words, order)


@mistake(
    "map-printed",
    Stage.JOIN,
    "What was signed is the map or list as it is printed ({0}, {1}).",
    "Join {pieces}, {order}.",
    alone=True,
)
def map_printed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    yield from _attempts(recipe, case, _printed_texts(recipe, case))


DOCUMENTS = (query_signed, json_signed, map_printed)
