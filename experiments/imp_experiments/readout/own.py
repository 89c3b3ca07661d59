"""What `analyze` may read: the analyst's own files, never what a workspace keeps behind its gate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput
from imp_core.workspace import CONFIG_NAME

__all__ = ["refuse_archive"]

_GATED: Final = ("archive", "tmp")


def refuse_archive(path: Path) -> None:
    """Refuse a file in the archive of a workspace, or in the folder where its uses spill.

    Both the path as written and what its links lead to are looked at: a link into the archive does not help, nor
    does an archive that lies elsewhere behind a link of its own.

    Raises:
        BadInput: people's rows are read through the gate, by a readout.
    """
    if "\0" in str(path):
        return  # no file is called so
    for place in (os.path.normpath(path.absolute()), os.path.realpath(path)):
        # os.path.exists takes what cannot be looked into for absent
        if any(
            folder.name in _GATED and os.path.exists(folder.parent / CONFIG_NAME)  # noqa: PTH110 (False for what may not be looked at; Path raises)
            for folder in Path(place).parents
        ):
            raise BadInput(
                "this file belongs to a workspace's archive",
                mend="read it out with imp experiment readout",
                where=path.name,
            )
