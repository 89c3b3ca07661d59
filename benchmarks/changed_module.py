"""Lets a changed text take a module's place in this process; the module's own file stays as it is."""

from __future__ import annotations

import importlib.abc
import importlib.util
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

__all__ = ["ChangedModule"]


class ChangedModule(importlib.abc.MetaPathFinder):
    """Finds one module in another file. It says it is where it was: it may look for files beside it."""

    def __init__(self, module: str, path: Path, text: Path) -> None:
        self._module, self._path, self._text = module, path, text

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 (the finders' protocol)
        """The module's spec where it is the one; None leaves every other to Python."""
        if name != self._module:
            return None
        loader = _Changed(name, self._path, self._text)
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


class _Changed(SourceFileLoader):
    def __init__(self, name: str, path: Path, text: Path) -> None:
        super().__init__(name, str(path))
        self._text = text

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the loaders' protocol)
        """The changed code; never what is cached of the unchanged one."""
        return compile(self._text.read_bytes(), self.path, "exec", dont_inherit=True)
