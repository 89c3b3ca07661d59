"""`imp plugin new`: the folder of a new channel distribution, written from templates."""

from imp_core.scaffold.command import new
from imp_core.scaffold.write import Scaffold, scaffold

__all__ = ["Scaffold", "new", "scaffold"]
