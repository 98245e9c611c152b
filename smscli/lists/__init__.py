"""Lists of recipients as people have them: tables, JSON Lines and plain numbers, each row read or its problem named.

This package is pure but for reading the binary stream it is given. It sends nothing, knows no vendor, and guesses
nothing that could text a stranger: an encoding, a column or a digit that is not certain is a problem with a place.
Every row that goes in comes out, good or bad; one at a time is in memory.

::

    _decoding.py   bytes -> lines
    _forms.py      a sample -> table (of which dialect), JSON Lines or numbers
    _records.py    lines -> records: cells, or why there are none
    _columns.py    which column is which
    _cells.py      a cell -> the number in it, and what was repaired
    _seen.py       recipients that were seen before
    _reading.py    records -> rows
    _survey.py     all rows together
    _template.py   a text with places for cells
"""

from __future__ import annotations

from smscli.lists._columns import TO, Columns, parse_map
from smscli.lists._reading import RecipientList, read
from smscli.lists._survey import Survey, survey
from smscli.lists._template import Template
from smscli.lists._values import Form, Remark, Repair, Row

__all__ = ["TO", "Columns", "Form", "RecipientList", "Remark", "Repair", "Row", "Survey", "Template", "parse_map",
           "read", "survey"]  # fmt: skip
