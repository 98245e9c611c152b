"""Mistakes in the joining: names, escapes, the separator, and what is done to the joined string."""

from __future__ import annotations

from collections.abc import Iterator

from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake, separator_in_words
from smscli.diagnosis._recipe import Place, Recipe
from smscli.diagnosis._respelling import PERCENT, Spelling
from smscli.signing import Escape

_SEPARATOR_FIX = "Put {separator}, and nowhere else."


@mistake(
    "names-included",
    Stage.JOIN,
    "The names were joined with the values, as {0}, with {1} between them.",
    "Join {pieces}.",
)
def names_included(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Join ``name=value`` as in a query string, with one separator before the key or the rule's."""
    for glue in ("=", "", ":", ",", ";") if case.wide else ("=", "", ":"):
        if glue == case.rule.glue:
            continue
        for separator in dict.fromkeys((recipe.separator, "&", ";", ",", *((", ",) if case.wide else ()), "")):
            facts = (f"name{glue}value", separator_in_words(separator))
            changed = recipe._replace(glue=glue, separator=separator)
            yield changed, facts
            if separator != recipe.key_separator and recipe.key_place is not Place.NOWHERE:
                yield changed.with_separators(separator, separator), facts


@mistake("names-left-out", Stage.JOIN, "The values were joined without their names.", "Join {pieces}.")
def names_left_out(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    if case.rule.glue is not None:
        yield recipe._replace(glue=None), ()


@mistake("escaped-otherwise", Stage.JOIN, "The values were joined {0}.", "{values}.")
def escaped_otherwise(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Leave values as they are, or escape them as another library does, where the rule has them escaped."""
    if case.rule.escape is Escape.NONE:
        return
    right = recipe.text(recipe.key)
    escapes: dict[str, Spelling] = {"unescaped": str, **{f"escaped as by {name}": one for name, one in PERCENT.items()}}
    for words, escape in escapes.items():
        other = recipe._replace(escape=escape)
        if other.text(recipe.key) != right:
            yield other, (words,)


@mistake("separator-missing", Stage.JOIN, "The separator was missing {0}.", _SEPARATOR_FIX)
def separator_missing(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    if recipe.separator:
        yield recipe._replace(separator="", key_separator="", head=""), ("everywhere",)
        if recipe.head:
            yield recipe._replace(head=""), ("at the beginning",)
        yield recipe._replace(separator=""), ("between the values",)
        yield recipe._replace(key_separator=""), ("before the key",)


@mistake("separator-doubled", Stage.JOIN, "The separator was doubled {0}.", _SEPARATOR_FIX)
def separator_doubled(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    if recipe.separator:
        values, key = recipe.separator * 2, recipe.key_separator * 2
        yield recipe._replace(separator=values), ("between the values",)
        yield recipe._replace(key_separator=key), ("before the key",)
        yield recipe._replace(separator=values, key_separator=key), ("everywhere",)


@mistake("separator-at-end", Stage.JOIN, "A {0} stood {1} of the string.", _SEPARATOR_FIX)
def separator_at_end(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for separator in dict.fromkeys((case.rule.separator, ";", "&", ",")):
        if separator:
            yield recipe._replace(tail=separator), (separator, "at the end")
            if separator != case.rule.head:
                yield recipe._replace(head=separator), (separator, "at the beginning")


@mistake(
    "padded-string",
    Stage.JOIN,
    "The string was hashed with {0} behind it.",
    "Hash the string alone: printf %s instead of echo, and no line end read from a file.",
)
def padded_string(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Hash a line; where the key stands last, that is a key with a line end."""
    if recipe.key_place is not Place.BEHIND:
        for end, words in (("\n", "a line feed"), ("\r\n", "CRLF"), (" ", "a space")):
            yield recipe._replace(tail=end), (words,)


@mistake("separator-other", Stage.JOIN, "The separator was {0} {1}.", _SEPARATOR_FIX)
def separator_other(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for separator in (";", ",", "&", "|", ":", " ", "\n", "-", "_", ".", "/", "+", "; ", ", "):
        if separator != recipe.separator:
            words = separator_in_words(separator)
            yield recipe.with_separators(separator, separator), (words, "between all parts")
            yield recipe.with_separators(separator, recipe.key_separator), (words, "between the values")
        if separator != recipe.separator or case.rule.before_key != case.rule.separator:
            before_key = recipe.with_separators(recipe.separator, separator)
            yield before_key, (separator_in_words(separator), "before the key")


@mistake(
    "joined-percent-encoded",
    Stage.JOIN,
    "The whole string was percent-encoded before hashing, separators too (as by {0}).",
    "Hash the string as it is; {encoding}.",
)
def joined_percent_encoded(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Percent-encode the whole text, separators and all; without separators that is what happens to the values."""
    if recipe.separator or recipe.glue:
        for library in (
            "PHP's rawurlencode",
            "PHP's urlencode",
            "encodeURIComponent",
            "lower-case hex",
            ".NET's UrlEncode",
        ):
            yield recipe._replace(finish=PERCENT[library]), (library,)


JOINING = (
    names_included,
    names_left_out,
    escaped_otherwise,
    separator_missing,
    separator_doubled,
    separator_at_end,
    padded_string,
    separator_other,
    joined_percent_encoded,
)
