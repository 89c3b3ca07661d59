"""Read one table of a TOML file strictly: every error names file and field, and unknown keys are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.design.examples import EXAMPLES

__all__ = ["Fields"]

_MISSING: Final = object()
_DURATION: Final = re.compile(r"(\d{1,5})([dh])")
_HOUR_US: Final = DAY_US // 24


class Fields:
    """The keys of one table. Each is taken once; what is left at `done` is unknown.

    Every method raises `BadInput`, naming file and field, where a value is missing or of the wrong kind.
    """

    def __init__(self, values: object, *, file: str, place: str = "") -> None:
        self._file = file
        self._place = place
        if not isinstance(values, dict):
            raise BadInput("not a table", where=self._where(""), mend="write it as [table] with key = value lines")
        self._values: dict[str, Any] = values
        self._known: list[str] = []
        self._asked: list[str] = []  # by `has` alone, so not taken yet

    def has(self, key: str) -> bool:
        """Whether the key is present."""
        self._asked.append(key)
        return key in self._values

    def refuse(self, key: str, problem: str, mend: str | None = None) -> NoReturn:
        """Raise `BadInput` about one field; without a mend it shows how the key is written."""
        raise BadInput(problem, where=self._where(key), mend=mend or EXAMPLES.get(key))

    def text(self, key: str, default: Any = _MISSING, *, longest: int = 1_000) -> str:  # noqa: ANN401 (a sentinel)
        """A string that is not empty."""
        value = self._take(key, default)
        if value is default and default is not _MISSING:
            return str(value)
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            self.refuse(key, f"must be a text of 1 to {longest} characters")
        return value

    def texts(self, key: str, *, longest: int = 1_000) -> tuple[str, ...]:
        """A list of strings that are not empty; an absent one is empty."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(
            isinstance(item, str) and item.strip() and len(item) <= longest for item in value
        ):
            self.refuse(key, f"must be a list of texts of 1 to {longest} characters")
        return tuple(value)

    def choice(self, key: str, options: Sequence[str], default: Any = _MISSING, *, later: Sequence[str] = ()) -> str:  # noqa: ANN401 (a sentinel)
        """One of the options; those of `later` are named as not there yet."""
        value = self._take(key, default)
        if isinstance(value, str) and value in later:
            self.refuse(key, f"{value!r} comes later", f"use one of: {', '.join(options)}")
        if not isinstance(value, str) or value not in options:
            self.refuse(key, f"must be one of: {', '.join(options)}", f'write it like {key} = "{options[0]}"')
        return value

    def number(self, key: str, default: Any = _MISSING, *, above: float, below: float, top: bool = False) -> float:  # noqa: ANN401 (a sentinel)
        """A number with above < number < below (with `top`: ≤ below)."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, "must be a number")
        number = float(value)
        if not above < number < below and not (top and number == below):
            self.refuse(key, f"must be above {above:g} and {'at most' if top else 'below'} {below:g}")
        return number

    def optional_number(self, key: str, *, above: float, below: float) -> float | None:
        """A number between the bounds, or None where the key is absent."""
        self._known.append(key)
        return self.number(key, above=above, below=below) if key in self._values else None

    def whole(self, key: str, default: Any = _MISSING, *, most: int) -> int:  # noqa: ANN401 (a sentinel)
        """A whole number from 0 to `most`."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self.refuse(key, f"must be a whole number from 0 to {most}")
        return int(value)

    def optional_whole(self, key: str, *, least: int, most: int) -> int | None:
        """A whole number between the bounds, or None where the key is absent."""
        self._known.append(key)
        if key not in self._values:
            return None
        number = self.whole(key, most=most)
        if number < least:
            self.refuse(key, f"must be at least {least}")
        return number

    def duration_us(self, key: str, default: Any = _MISSING) -> int:  # noqa: ANN401 (a sentinel)
        """A duration such as "14d" or "12h", in microseconds."""
        value = self._take(key, default)
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.refuse(key, "must be a duration", 'write it like "14d" or "12h"')
        return int(match[1]) * (DAY_US if match[2] == "d" else _HOUR_US)

    def optional_duration_us(self, key: str) -> int | None:
        """A duration, or None where the key is absent."""
        self._known.append(key)
        return self.duration_us(key) if key in self._values else None

    def table(self, key: str) -> Fields:
        """A sub-table; an absent one is empty."""
        return Fields(self._take(key, {}), file=self._file, place=self._join(f"[{key}]"))

    def tables(self, key: str, *, names_later: str | None = None) -> list[Fields]:
        """An array of tables, at least one; `names_later` says that names in their place are not there yet."""
        value = self._take(key, _MISSING)
        if names_later is not None and isinstance(value, list) and any(isinstance(item, str) for item in value):
            self.refuse(key, names_later, f"write [[{key}]]")
        if not isinstance(value, list) or not value:
            self.refuse(key, "must be an array of tables", f"write one or more [[{key}]]")
        return [
            Fields(item, file=self._file, place=self._join(f"[[{key}]] {number}"))
            for number, item in enumerate(value, start=1)
        ]

    def matches(self, key: str, columns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """A table of column = text or list of texts; the columns must be among those given."""
        inner = self.table(key)
        out: dict[str, tuple[str, ...]] = {}
        for column in inner._values:  # noqa: SLF001 (the same class)
            if column not in columns:
                inner.refuse(column, "cannot be asked for", f"use one of: {', '.join(columns)}")
            value = inner._values[column]  # noqa: SLF001 (the same class)
            listed = value if isinstance(value, list) else [value]
            if not listed or not all(isinstance(item, str) and item for item in listed):
                inner.refuse(column, "must be a text or a list of texts", f'write it like {column} = ["web", "app"]')
            out[column] = tuple(sorted(listed))
        return dict(sorted(out.items()))

    def done(self) -> None:
        """Refuse every key that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                there = sorted({*self._known, *self._asked})
                near = get_close_matches(key, there, n=1)
                keys = f"leave it out; the keys here are: {', '.join(there)}"
                self.refuse(key, "unknown key", f"did you mean {near[0]}?" if near else keys)

    def _take(self, key: str, default: object) -> Any:  # noqa: ANN401 (whatever TOML holds)
        self._known.append(key)
        value = self._values.get(key, default)
        if value is _MISSING:
            self._refuse_missing(key)
        return value

    def _refuse_missing(self, key: str) -> NoReturn:
        """A key that no file has may be this one, misspelt."""
        near = get_close_matches(key, [other for other in self._values if other not in EXAMPLES], n=1)
        self.refuse(key, "missing", f"there is {near[0]}: did you mean {key}?" if near else None)

    def _join(self, name: str) -> str:
        return f"{self._place} {name}".strip()

    def _where(self, key: str) -> str:
        return ": ".join(part for part in (self._file, self._place, key) if part)
