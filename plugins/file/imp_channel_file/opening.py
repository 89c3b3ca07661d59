"""From a path to the table inside: which format, which encoding, where the header stands."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from imp_channel_file.delimited import DelimitedTable, Preamble
from imp_channel_file.jsonlines import JsonLinesTable
from imp_channel_file.keys import UTF_8
from imp_channel_file.table import Format, Table, detect, opened, text_stream

__all__ = ["open_table"]

_HEAD = 1 << 16
_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_table(
    path: Path,
    stack: ExitStack,
    *,
    mapped: bool = True,
    encodings: Sequence[str] = (UTF_8,),
    delimiter: str | None = None,
    preamble: Preamble | None = None,
) -> Table:
    """Open a file as a table; it is closed with the stack. Of several encodings the first that fits its head.

    Raises:
        BadInput: the file as a whole cannot be read.
    """
    where = str(path)
    content, packed = stack.enter_context(opened(path))
    found = detect(path, content, packed=packed)
    if found is Format.PARQUET:
        from imp_channel_file.parquet import ParquetTable  # noqa: PLC0415 (pyarrow takes longer to import than a small CSV to read)

        return ParquetTable(path)
    stream = stack.enter_context(text_stream(content, encoding=_fitting(content, encodings), where=where))
    if found is Format.JSON_LINES:
        return JsonLinesTable(stream, mapped=mapped, where=where)
    cut = delimiter or ("\t" if ".tsv" in path.suffixes else ",")
    return DelimitedTable(stream, delimiter=cut, where=where, preamble=preamble)


def _fitting(content: BinaryIO, encodings: Sequence[str]) -> str:
    if len(encodings) == 1:
        return encodings[0]
    head = content.read(_HEAD)
    content.seek(0)
    wide = head.startswith(_BOMS)
    for encoding in encodings:
        # UTF-16 takes nearly any bytes, so its mark decides.
        if (encoding == "utf-16") == wide and _decodes(head, encoding):
            return encoding
    return encodings[0]


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)  # the head may end inside a character
    except UnicodeDecodeError:
        return False
    return True
