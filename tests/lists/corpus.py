"""Damaged lists, each with the verdict for every row: what people's spreadsheets, exports and editors make of numbers.

A verdict is the recipient, or words of the problem; row numbers are those of a spreadsheet. Text is UTF-8 unless
``encoding`` says otherwise. A list that cannot be read as a whole has the words of its refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from smscli.lists import Form

A, B, C = "+79161234567", "+79161234568", "+79161234569"
LT, TR = "+37061234567", "+905321000000"


class Case(NamedTuple):
    """A list, the options it is read with, and what has to come of it: rows by number, or why it is refused."""

    name: str
    data: str | bytes
    rows: Mapping[int, str] | str
    options: Mapping[str, Any] = {}
    encoding: str = "utf-8"

    @property
    def content(self) -> bytes:
        """The bytes of the list."""
        return self.data if isinstance(self.data, bytes) else self.data.encode(self.encoding)


RU = {"region": "RU"}


def cell(name: str, written: str, verdict: str, **options: Any) -> Case:
    """Return a table of which one number is damaged; a good row before and after it must stay good."""
    quoted = '"' + written.replace('"', '""') + '"'
    return Case(name, f"phone;name\n{A};Jo\n{quoted};Žana\n{C};Ann\n", {2: A, 3: verdict, 4: C}, options)


CELLS = [
    cell("exponent with its digits", "7.9161234568E+10", B),
    cell("exponent with a comma", "7,9161234568E+10", B),
    cell("exponent of pandas", "7.9161234568e+10", B),
    cell("exponent with zeros behind", "7.916123456800E+10", B),
    cell("exponent with decimals", "7.91612345681E+10", "rounded it"),
    cell("exponent that lost digits", "7.9E+10", "rounded it"),
    cell("exponent that lost one digit", "7.916123457E+10", "rounded it"),
    cell("exponent without a point", "8E+10", "rounded it"),
    cell("negative exponent", "-7.9161234568E+10", "rounded it"),
    cell("a float", "79161234568.0", B),
    cell("a float with two zeros", "79161234568.00", B),
    cell("a float with a comma", "79161234568,0", B),
    cell("a float with blanks", "79 161 234 568.0", B),
    cell("a float that lost a digit", "3706123456.0", "ends like a decimal number"),
    cell("a float that is a number either way", "3906123456.00", "ends like a decimal number"),
    cell("a leading apostrophe", "'+79161234568", B),
    cell("a typographic apostrophe", "’79161234568", B),
    cell("a formula of text", '="79161234568"', B),
    cell("a formula", "=+79161234568", B),
    cell("a formula of more", "=A1+79161234568", "'=' has no place"),
    cell("a lost plus", "79161234568", B),
    cell("full-width digits", "＋７９１６１２３４５６８", B),
    cell("Arabic-Indic digits", "٧٩١٦١٢٣٤٥٦٨", B),
    cell("Persian digits", "۷۹۱۶۱۲۳۴۵۶۸", B),
    cell("no-break spaces", "+7\u00a0916\u00a0123\u00a045\u00a068", B),
    cell("narrow no-break spaces", "+7\u202f916\u202f1234568", B),
    cell("zero-width space", "+7916\u200b1234568", B),
    cell("a byte order mark in the cell", "\ufeff+79161234568", B),
    cell("marks of direction", "\u202a+79161234568\u202c", B),
    cell("soft hyphens", "+7916\u00ad123\u00ad4568", B),
    cell("thousands by comma", "79,161,234,568", B),
    cell("thousands by comma with decimals", "79,161,234,568.00", B),
    cell("thousands by dot", "79.161.234.568", B),
    cell("thousands by dot with decimals", "79.161.234.568,00", B),
    cell("thousands by blank", "79 161 234 568", B),
    cell("thousands by apostrophe", "79'161'234'568", B),
    cell("thousands that do not add up", "79,16,1234,568", "',' has no place"),
    cell("trunk 8 with a region", "8 (916) 123-45-68", B, region="RU"),
    cell("trunk 8 without a region", "89161234568", "no region is set"),
    cell("the 8 of an area code", "+7 812 123-45-67", "+78121234567", region="RU"),
    cell("00 before the country code", "0079161234568", B),
    cell("a leading zero lost in Turkey", "5321000000", TR, region="TR"),
    cell("a leading zero kept in Turkey", "0532 100 00 00", TR, region="TR"),
    cell("digits cut off", "+7916123456", "too short"),
    cell("a digit too many", "+791612345678", "has that many digits"),
    cell("two numbers in a cell", "+79161234568, +79161234569", "',' has no place"),
    cell("two numbers on two lines", "+79161234568\n+79161234569", "'+' has no place"),
    cell("an extension", "+79161234568 доб. 12", "'д' has no place"),
    cell("letters for digits", "+7916l234568", "'l' has no place"),
    cell("a column too narrow", "########", "too narrow"),
    cell("a failed look-up", "#N/A", "'#' has no place"),
    cell("nothing", "", "is empty"),
    cell("a blank", " ", "is empty"),
    cell("a dash for nothing", "-", "is empty"),
    cell("no number", "n/a", "'n' has no place"),
]

TABLES = [
    Case("CR LF", f"phone,name\r\n{A},Jo\r\n{B},Ann\r\n", {2: A, 3: B}),
    Case("lone CR", f"phone,name\r{A},Jo\r{B},Ann\r", {2: A, 3: B}),
    Case("line breaks of all kinds", f"phone,name\n{A},Jo\r{B},Ann\r\n{C},Eva", {2: A, 3: B, 4: C}),
    Case("blank lines", f"\n\nphone,name\n\n{A},Jo\n  \n{B},Ann\n\n\n", {5: A, 7: B}),
    Case("rows of nothing but delimiters", f"phone;name\n{A};Jo\n;\n{B};Ann\n;\n;\n", {2: A, 4: B}),
    Case("a line break in quotes", f'phone,text\n{A},"one\ntwo"\n{B},x\n', {2: A, 3: B}),
    Case("a CR LF in quotes", f'phone,text\r\n{A},"one\r\ntwo"\r\n{B},x\r\n', {2: A, 3: B}),
    Case("a delimiter in quotes", f'phone;text\n{A};"one; two"\n{B};"three, four"\n', {2: A, 3: B}),
    Case("doubled quotes", f'phone,text\n{A},"say ""hi"", or"\n{B},x\n', {2: A, 3: B}),
    Case("blanks before quotes", f'phone, text\n{A}, "one, two"\n{B}, "x"\n', {2: A, 3: B}),
    Case("a blank and a quote in quotes", f'phone,text\n{A}," ""hi"", he said"\n{B}, x\n', {2: A, 3: B}),
    Case("blanks between cells", f'phone text\n{A} " ""hi"""\n{B} x\n', {2: A, 3: B}, {"delimiter": " "}),
    Case("a blank line before a long one", f"\nphone,name\n{A},{'x' * 100_000}\n", {3: A}),
    Case("a blank line before a long row of names", f"\nphone,{'x' * 100_000}\n{A},Jo\n", {3: A}),
    Case("quotes with a backslash", f'phone,text\n{A},"say \\"hi\\", or"\n{B},x\n', {2: A, 3: B}),
    Case("single quotes", f"'phone','text'\n'{A}','one, two'\n'{B}','x'\n", {2: A, 3: B}),
    Case("quotes that are not doubled", f'phone,text\n{A},"say "hi" or"\n{B},x\n', {2: "not doubled", 3: B}),
    Case("an open quote", f'phone,text\n{A},"one\n{B},two\n{C},three\n', {2: "not closed", 3: B, 4: C}),
    Case(
        "an open quote and a closed one", f'phone,text\n{A},"one\n{B},two\n{C},"three"\n', {2: "not closed", 3: B, 4: C}
    ),
    Case("an open quote at the end", f'phone,text\n{A},one\n{B},"', {2: A, 3: "not closed"}),
    Case(
        "an open quote that another row closes", f'phone,text\n{A},"one\n{B},two"\n{C},x\n', {2: A, 3: C}
    ),  # nobody can tell that from a text of two lines
    Case(
        "an open quote that makes a row too long",
        f'phone,text,x\n{A},"one,1\n{B},two",2,3\n{C},y,4\n', {2: "takes lines 2 to 3", 3: C},
    ),
    Case("too few cells", f"phone,name,city\n{A},Jo,Kaunas\n{B}\n{C},Eva,\n", {2: A, 3: "name, city is missing", 4: C}),
    Case("too many cells", f"phone,name\n{A},Jo,Kaunas\n{B},Ann\n", {2: "1 too many", 3: B}),
    Case("empty cells beyond the last column", f"phone,name\n{A},Jo,,\n{B},Ann\n", {2: A, 3: B}),
    Case("a NUL", f"phone,name\n{A},J\0o\n{B},Ann\n", {2: "NUL", 3: B}),
    Case("a cell beyond the limit", f"phone,name\n{A},{'x' * 140_000}\n{B},Ann\n", {2: "longer than 131072", 3: B}),
    Case("a line beyond the limit", f"phone,name\n{A},{'x' * 2_200_000}\n{B},Ann\n", {2: "longer than 1048576", 3: B}),
    Case("a byte of another encoding", b"phone,name\n+79161234567,Jos\xe9\n+79161234568,Jos\xc3\xa9\n",
         {2: "byte 0xE9 is not", 3: B}),
    Case("semicolons and decimal commas", f"phone;sum\n{A};12,50\n{B};7,00\n", {2: A, 3: B}),
    Case("semicolons and commas in every text", f"phone;text\n{A};Hi, Jo\n{B};Hi, Ann\n", {2: A, 3: B}),
    Case("tabs", f"phone\tname\n{A}\tJo, the first\n{B}\tAnn\n", {2: A, 3: B}),
    Case("inches in tabs", f'phone\tsize\n{A}\t5"\n{B}\t7"\n', {2: A, 3: B}),
    Case("bars", f"phone|name\n{A}|Jo\n{B}|Ann\n", {2: A, 3: B}),
    Case("Excel's own first line", f"sep=;\r\nphone;name, all\r\n{A};Jo\r\n{B};Ann\r\n", {2: A, 3: B}),
    Case("a delimiter that was named", f"phone#name\n{A}#Jo\n{B}#Ann\n", {2: A, 3: B}, {"delimiter": "#"}),
    Case("tab by name", f"phone\tname\n{A}\tJo\n", {2: A}, {"delimiter": "tab"}),
    Case("one column with thousands", "phone\n79,161,234,567\n79,161,234,568\n", {2: A, 3: B}),
    Case("no row of names", f"{A},Jo\n{B},Ann\n", {1: A, 2: B}),
    Case("no row of names, first number cut off", f"+79161,Jo\n{B},Ann\n{C},Eva\n", {1: "too short", 2: B, 3: C}),
    Case("no row of names, a letter in the first", f"+7916l234567,Jo\n{B},Ann\n{C},Eva\n",
         {1: "'l' has no place", 2: B, 3: C}),
    Case("no row of names, first row too short", f"{A}\n{B},Ann\n{C},Eva\n", {1: "2 is missing", 2: B, 3: C}),
    Case("only a row of names", "phone,name\n", {}),
    Case("a row of names that somebody knows", f"98,99\n{A},1\n", {2: A}, {"is_headed": True}),
    Case("Russian names", f"Имя;Номер телефона\nЖан;{A}\n", {2: A}),
    Case("Turkish names", f"AD;TELEFON NO\nŞükrü;{TR}\n", {2: TR}),
    Case("Lithuanian names", f"Vardas;Telefonas\nŽygimantas;{LT}\n", {2: LT}),
    Case("a column by its content", f"kam;vardas\n{A};Jo\n{B};Ann\n", {2: A, 3: B}),
    Case("a column by its content among dates", f"a;b;c\n2026-11-26;{A};1\n2026-11-27;{B};2\n", {2: A, 3: B}),
    Case("of two by name the one with numbers", f"number,phone\n17,{A}\n18,{B}\n", {2: A, 3: B}),
    Case("our own name wins", f"phone,to\n{B},{A}\n", {2: A}),
    Case("a mapped column", f"mobile,office\n{B},{A}\n", {2: A}, {"columns": {"to": "office"}}),
    Case("a mapped column by number", f"{B},{A}\n", {1: A}, {"columns": {"to": "2"}}),
    Case("a mapped column by number beside names", f"x,y\n{B},{A}\n", {2: A}, {"columns": {"to": "2"}}),
    Case("a repeated recipient", f"phone,name\n{A},Jo\n8 916 123-45-67,Jo\n", {2: A, 3: A}, RU),
]  # fmt: skip

ENCODINGS = [
    Case("UTF-8 with its mark", f"телефон;имя\n{A};Жан\n", {2: A}, {}, "utf-8-sig"),
    Case("UTF-16", f"телефон;имя\n{A};Жан\n", {2: A}, {}, "utf-16"),
    Case("UTF-16, big end first", f"\ufeffтелефон;имя\n{A};Жан\n", {2: A}, {}, "utf-16-be"),
    Case("UTF-32", f"телефон;имя\n{A};Жан\n", {2: A}, {}, "utf-32"),
    Case("UTF-16 that ends in half a character", f"телефон;имя\n{A};Жан\n{B};X".encode("utf-16") + b"\x16",
         {2: A, 3: "is not of the list's encoding"}),
    Case("cp1251 by name", f"телефон;имя\n{A};Жан\n", {2: A}, {"encoding": "cp1251"}, "cp1251"),
    Case("UTF-16 by name without a mark", f"телефон;имя\n{A};Жан\n", {2: A}, {"encoding": "utf-16-le"}, "utf-16-le"),
    Case("UTF-8 by name with its mark", f"phone;имя\n{A};Жан\n", {2: A}, {"encoding": "UTF8"}, "utf-8-sig"),
]  # fmt: skip

OTHER_FORMS = [
    Case("numbers", f"{A}\n{B}\n\n79161234569\n", {1: A, 2: B, 3: C}),
    Case("numbers between commas", f"{A},{B}, {C}", {1: A, 2: B, 3: C}),
    Case("numbers of several lines", f"{A}, {B},\n{C}\n", {1: A, 2: B, 3: C}),
    Case("numbers and comments", f"# friends\n{A} # Jo\n#{B}\n{C}\n", {1: A, 2: C}),
    Case("numbers and what a narrow column left", f"{A}\n{B}\n#####\n#N/A\n", {1: A, 2: B, 3: "narrow", 4: "'#' has"}),
    Case("numbers and words", f"{A}\n{B}\nJo\n{C}\n", {1: A, 2: B, 3: "'J' has no place", 4: C}),
    Case("numbers, one with a NUL", f"{A}\n{B}\n+7916\x001234569\n", {1: A, 2: B, 3: "NUL"}),
    Case("numbers when one is damaged first", f"7.9E+10\n{B}\n{C}\n", {1: "rounded it", 2: B, 3: C}),
    Case("numbers by name", f"{A},{B}\n{C},{LT}\n", {1: A, 2: B, 3: C, 4: LT}, {"form": Form.NUMBERS}),
    Case("JSON Lines", f'{{"to": "{A}"}}\n\n{{"to": 79161234568}}\n', {1: A, 3: B}),
    Case("JSON with long numbers", '{"to": 7.9161234567E+10}\n{"to": 79161234568.0}\n{"to": 7.9e10}\n',
         {1: A, 2: B, 3: "rounded it"}),
    Case("JSON by other names", f'{{"name": "Jo", "phone": "{A}"}}\n{{"phone": "{B}"}}\n', {1: A, 2: B}),
    Case("JSON without a recipient", f'{{"to": "{A}"}}\n{{"name": "x"}}\n{{"to": null}}\n',
         {1: A, 2: "is missing", 3: "is empty"}),
    Case("JSON that is none", f'{{"to": "{A}"}}\n{{"to": \n"{B}"\n[1]\n{{"to": NaN}}\n',
         {1: A, 2: "not JSON", 3: "not a JSON object", 4: "not a JSON object", 5: "NaN is not JSON"}),
    Case("JSON with a name twice", f'{{"to": "{A}"}}\n{{"to": "{A}", "to ": "{B}"}}\n', {1: A, 2: "twice"}),
    Case("JSON with values that are no text", f'{{"to": "{A}", "x": true}}\n{{"to": ["{B}"]}}\n{{"to": "\\ud83d"}}\n',
         {1: A, 2: "no text", 3: "no text"}),
    Case("JSON nested beyond reason", f'{{"to": "{A}"}}\n{{"to": {"[" * 200_000}\n', {1: A, 2: "nested"}),
    Case("JSON with a stray byte", b'{"to": "+79161234567", "n": "\xc3\xa9"}\n{"to": "+79161234568", "n": "\xe9"}\n',
         {1: A, 2: "byte 0xE9"}),
]  # fmt: skip

REFUSALS = [
    Case("nothing at all", b"", "the list is empty"),
    Case("nothing but blank lines", b"\n\r\n \n", "the list is empty"),
    Case("nothing but delimiters", b",,\n,,\n", "the list is empty"),
    Case("nothing but named delimiters", b"##\n##\n", "the list is empty", {"delimiter": "#"}),
    Case("a workbook", b"PK\x03\x04\x14\x00", "a workbook"),
    Case("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel workbook"),
    Case("compressed", b"\x1f\x8b\x08\x00", "compressed"),
    Case("cp1251", f"телефон;имя\n{A};Жан\n", "not UTF-8", {}, "cp1251"),
    Case("UTF-16 without a mark", f"phone;name\n{A};Jo\n", "not UTF-8", {}, "utf-16-le"),
    Case("an encoding that is none", f"phone\n{A}\n", "no encoding 'latin-99'", {"encoding": "latin-99"}),
    Case("an encoding of no text", f"phone\n{A}\n", "no encoding 'base64'", {"encoding": "base64"}),
    Case("an encoding of no files", f"phone\n{A}\n", "no encoding 'unicode_escape'", {"encoding": "unicode_escape"}),
    Case("an encoding against the mark", f"телефон\n{A}\n", "mark of UTF-8", {"encoding": "cp1251"}, "utf-8-sig"),
    Case("a delimiter of two", f"phone\n{A}\n", "no delimiter", {"delimiter": ",,"}),
    Case("a quote for Excel's own delimiter", f'sep="\nphone\n{A}\n', "no delimiter"),
    Case("a delimiter of digits", f"phone\n{A}\n", "no delimiter", {"delimiter": "7"}),
    Case("an open quote in the first row", b'"phone,name\n1,2\n', "not closed"),
    Case("two columns of one name", f"phone,name,name\n{A},Jo,Ann\n", "two columns are called 'name'"),
    Case("two columns of numbers", f"a,b\n{A},{B}\n", "may be in a or b"),
    Case("two columns of numbers without names", f"{A},{B}\n{C},{LT}\n", "may be in 1 or 2"),
    Case("two columns by name, both with numbers", f"phone,mobile\n{A},{B}\n", "may be in phone or mobile"),
    Case("two columns by name, none with numbers", b"phone,mobile\n1,2\n", "may be in phone or mobile"),
    Case("no column of numbers", b"a,b\n1,2\n", "no column holds phone numbers"),
    Case("national numbers without a region", b"a,b\n8 916 123-45-67,2\n", "no column holds phone numbers"),
    Case("no column of numbers in the region", b"a,b\nx,y\n", "no column holds phone numbers", RU),
    Case("a mapped column that is not there", f"phone\n{A}\n", "no column 'fone'", {"columns": {"to": "fone"}}),
    Case("a mapped number that is not there", f"phone\n{A}\n", "no column '2'", {"columns": {"to": "2"}}),
    Case("a JSON array", f'[{{"to": "{A}"}}]', "not a JSON object"),
    Case("a JSON object of several lines", f'{{\n"to": "{A}"\n}}\n', "not JSON"),
]

READ = [*CELLS, *TABLES, *ENCODINGS, *OTHER_FORMS]
