"""Adding, removing and choosing a profile: every comment stays, or nothing is changed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import profiles
from smscli.errors import ConfigError, InputError
from smscli.profiles import Document
from tests.accounts import FULL, document, save


def comments(text: str) -> list[str]:
    """Return the comments of a text, in order."""
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


def content(tree: object) -> object:
    """Return a tree in words, the keys of each table sorted: nan equals nan there, and 1 is not true."""
    if isinstance(tree, Mapping):
        return {key: content(value) for key, value in sorted(tree.items())}
    return repr(tree)


def test_add_appends_a_table_and_leaves_every_other_byte_alone() -> None:
    """Comments, order, spaces: the file stays its owner's."""
    edit = profiles.add(
        document(), "new", {"provider": "lightsms", "login": 'a"b\\c', "to": ["+1"]}, make_default=False
    )
    assert edit.text.startswith(FULL)
    assert tomllib.loads(edit.text)["profiles"]["new"] == {"provider": "lightsms", "login": 'a"b\\c', "to": ["+1"]}


@pytest.mark.parametrize("text", ["", "# only this", FULL, FULL.rstrip("\n"), FULL.replace("\n", "\r\n")])
def test_add_can_make_the_new_profile_the_default(text: str) -> None:
    """In a new file, a file without a last line break, one from another system."""
    edit = profiles.add(document(text), "new", {"provider": "lightsms"}, make_default=True)
    assert tomllib.loads(edit.text)["default"] == "new"
    assert comments(edit.text) == comments(text)


@pytest.mark.parametrize("name", ["work", "a b", "", "a.b", "č", "x" * 65, "a\n"])
def test_add_refuses_a_name_that_is_taken_or_is_none(name: str) -> None:
    """Letters, digits, - and _; never over an existing account."""
    with pytest.raises(InputError):
        profiles.add(document(), name, {}, make_default=False)


def test_use_changes_one_word() -> None:
    """The comment on that line stays too."""
    edit = profiles.use(document(), "turkey")
    assert edit.text == FULL.replace('default = "work"', 'default = "turkey"')


def test_use_puts_a_default_below_the_heading_comment() -> None:
    """A file that had none."""
    text = '# My accounts\n\n# the first\n[profiles.a]\nprovider = "lightsms"\n'
    edit = profiles.use(document(text), "a")
    assert edit.text == text.replace("# My accounts\n", '# My accounts\ndefault = "a"\n')


@pytest.mark.parametrize("name", ["work", "russia", "turkey"])
def test_remove_takes_the_table_and_leaves_all_around_it(name: str) -> None:
    """A comment above the next table belongs to that one."""
    edit = profiles.remove(document(), name)
    left = document(edit.text)
    assert list(left.tables) == [other for other in ("work", "russia", "turkey") if other != name]
    assert left.default == (None if name == "work" else "work")
    for comment in ('# My accounts. Ask Jonas before changing "work".', "# for experiments", "# the end"):
        assert comment in edit.text


UNUSUAL = {
    "inline tables": 'default = "a"\nprofiles = { a = { provider = "lightsms" }, b = { provider = "payforsms" } }\n',
    "inline tables with dotted keys": 'default = "a"\nprofiles = { a.login = "x", b.login = "y", a.sender = "z" }\n',
    "dotted keys": 'default = "a"\nprofiles.a.provider = "lightsms"\nprofiles.b.provider = "payforsms"\n',
    "dotted keys apart": (
        'profiles.a.provider = "lightsms"  # goes with a\ndefault = "a"  # goes with a\n'
        'profiles.b.provider = "payforsms"\nprofiles.a.login = "x"\n'
    ),
    "mixed": """\
default = '''a'''
[profiles]  # precious
a = { provider = 'lightsms' }
# precious
b = { provider = 'payforsms' }
""",
    "a table out of order": """\
default = "a"
[profiles.b]
login = "x"

# precious
[profiles]
a.provider = "lightsms"
# precious
a.login = "y"
""",
    "headers in other words": """\
"default" = "a"
[ profiles . "a" ]  # goes with a
# precious
["prof\\u0069les".'b']
login = "x"
# precious
""",
    "headers inside a string": '''\
"default" = "a"
[profiles.a]
login = """
[profiles.b]
default = "x"
"""
[profiles.b]
login = "y"
''',
    "values that equal nothing, or too much": """\
default = "a"
[profiles.a]
timeout = nan
[profiles.b]
timeout = nan
batch_size = 1
store_text = true
""",
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "no last one", "byte order mark"])
@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("action", ["add", "use", "remove"])
def test_an_unusual_file_is_edited_right_and_keeps_its_comments_and_line_ends(
    text: str, action: str, ends: str
) -> None:
    """Whatever the spelling: the result reads as wanted, and only what is taken out is gone."""
    text = "# precious\n\n" + text
    text = text.rstrip("\n") if ends == "no last one" else text.replace("\n", "\r\n") if ends == "\r\n" else text
    before = document(f"\ufeff{text}" if ends == "byte order mark" else text)
    tables = {name: dict(table) for name, table in before.tables.items()}
    if action == "add":
        edit = profiles.add(before, "c", {"provider": "lightsms"}, make_default=True)
        wanted: dict[str, Any] = {"default": "c", "profiles": {**tables, "c": {"provider": "lightsms"}}}
    elif action == "use":
        edit, wanted = profiles.use(before, "b"), {"default": "b", "profiles": tables}
    else:
        edit, wanted = profiles.remove(before, "a"), {"profiles": {"b": tables["b"]}}
    assert content(tomllib.loads(edit.text)) == content(wanted)
    assert content(edit.tables) == content(wanted["profiles"])
    assert comments(edit.text) == [one for one in comments(text) if not (action == "remove" and one == "# goes with a")]
    assert ends != "\r\n" or edit.text.count("\n") == edit.text.count("\r\n")


@pytest.mark.parametrize("action", [profiles.use, profiles.remove])
def test_an_unknown_profile_cannot_be_used_or_removed(action: Callable[[Document, str], object]) -> None:
    """The hint knows the nearest name."""
    with pytest.raises(ConfigError) as caught:
        action(document(), "trukey")
    assert "did you mean turkey?" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "read",
    [
        Document("[profiles.a", {"a": {}}),
        Document("[profiles.a]\ntimeout = 1\n", {"a": {"timeout": True}}),
        Document("[profiles.a]\n[profiles.b]\n", {"a": {}}),
        Document("", {"a": {}}),
    ],
    ids=["not TOML", "another value", "one profile more", "one less"],
)
def test_an_edit_that_does_not_read_as_wanted_is_refused_and_the_file_stays(tmp_path: Path, read: Document) -> None:
    """Two libraries may understand one text in two ways; then nobody knows what a changed text would mean."""
    file = tmp_path / "config.toml"
    save(file, FULL)
    actions: list[Callable[[Document], Document]] = [
        lambda _: profiles.add(read, "new", {"provider": "lightsms"}, make_default=True),
        lambda _: profiles.use(read, "a"),
    ]
    for action in actions:
        with pytest.raises(ConfigError, match="cannot be edited here") as caught:
            profiles.change(file, action)
        assert "editor" in (caught.value.hint or "")
        assert file.read_text() == FULL


def test_removing_the_only_profile_leaves_nothing_but_comments() -> None:
    """No header, no default, no gap at the top."""
    new = profiles.add(Document(), "a", {"provider": "lightsms"}, make_default=True)
    assert new.text == 'default = "a"\n\n[profiles.a]\nprovider = "lightsms"\n'
    assert profiles.remove(new, "a").text == ""
    assert profiles.remove(document(f"{new.text}# the end\n"), "a").text == "# the end\n"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_adds_and_removes_profiles_the_comments_of_the_others_stay(data: st.DataObject) -> None:
    """Any order of headers, comments and blank lines, and any order of changes."""
    names = data.draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1))
    gap = st.sampled_from(["", "\n", "# note\n", "\n# note\n\n", "  # note\n"])
    text = data.draw(gap) + "".join(
        f'[profiles.{name}]\n# {name}\nlogin = "{name}"  # {name}\n{data.draw(gap)}' for name in names
    )
    read = document(text)
    for name in data.draw(st.permutations(names)):
        read = profiles.use(profiles.remove(profiles.add(read, "z", {"login": "z"}, make_default=True), "z"), name)
        expected = [comment for comment in comments(read.text) if comment != f"# {name}"]
        read = profiles.remove(read, name)
        assert comments(read.text) == expected
    assert (read.tables, read.default, read.text.count("note")) == ({}, None, text.count("note"))
