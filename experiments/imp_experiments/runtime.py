"""What experiments provides to the runtime: the assigner of a workspace."""

from __future__ import annotations

from imp_core.context import Context
from imp_core.ports import Assignment
from imp_experiments.design.assign import assign
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.load import load_experiment, registration_of
from imp_experiments.design.registration import FIRST_PHASE, check_unchanged

__all__ = ["WorkspaceAssigner", "open_assigner"]


def open_assigner(ctx: Context) -> WorkspaceAssigner:
    """The assigner of the context's workspace."""
    return WorkspaceAssigner(ctx)


class WorkspaceAssigner:
    """Assigns by the workspace's experiment files; each is read once. Asking enrols nobody."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[str, tuple[Experiment, int]] = {}

    def assign(self, experiment: str, unit: str) -> Assignment:
        """The variant owed to a unit; None outside the traffic share.

        Raises:
            BadInput: there is no such experiment, or its file cannot be taken.
            CheckFailed: its definition has changed since it was started.
        """
        if experiment not in self._known:
            loaded = load_experiment(self._ctx, experiment)
            registration = registration_of(self._ctx, experiment)
            if registration is not None:
                check_unchanged(loaded.experiment, registration)
            self._known[experiment] = (loaded.experiment, registration.phase if registration else FIRST_PHASE)
        definition, phase = self._known[experiment]
        return assign(definition, unit, phase=phase)
