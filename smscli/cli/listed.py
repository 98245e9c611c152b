"""The options of every command that reads a list, or writes what became of its rows."""

from __future__ import annotations

from typing import Annotated

import typer

Map = Annotated[
    str | None, typer.Option("--map", metavar="NAME=COLUMN", help="Which column is which: to=phone,name=first_name.")
]
Delimiter = Annotated[
    str | None, typer.Option("--delimiter", metavar="CHAR", help="Between cells, where it shall not be told; or tab.")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", metavar="NAME", help="Of the list, where it is not UTF-8 (windows-1251).")
]
ResultFile = Annotated[
    str | None,
    typer.Option("--results", metavar="FILE", help="Write what became of each row: FILE.csv or FILE.jsonl."),
]
