"""What experiments provides to the runtime: the assigner of a workspace."""

from __future__ import annotations

from imp_core.context import Context
from imp_core.ports import Assignment, ExperimentTerms
from imp_experiments.design.assign import assign
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.load import load_experiment, registration_of
from imp_experiments.design.registration import FIRST_PHASE, Registration, check_unchanged

__all__ = ["WorkspaceAssigner", "open_assigner"]


def open_assigner(ctx: Context) -> WorkspaceAssigner:
    """The assigner of the context's workspace."""
    return WorkspaceAssigner(ctx)


class WorkspaceAssigner:
    """Assigns by the workspace's experiment files; each is read once. Asking enrols nobody."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[str, tuple[Experiment, Registration | None]] = {}

    def terms(self, experiment: str) -> ExperimentTerms:
        """What whoever exposes people must know of an experiment.

        Raises:
            BadInput: there is no such experiment, or its file cannot be taken.
            CheckFailed: its definition has changed since it was started.
        """
        definition, registration = self._find(experiment)
        return ExperimentTerms(
            name=definition.name,
            phase=registration.phase if registration else FIRST_PHASE,
            purpose=definition.purpose,
            control=definition.control,
            variants=tuple(definition.weights),
            started=registration is not None,
        )

    def assign(self, experiment: str, unit: str) -> Assignment:
        """The variant owed to a unit; None outside the traffic share.

        Raises:
            BadInput: there is no such experiment, or its file cannot be taken.
            CheckFailed: its definition has changed since it was started.
        """
        definition, registration = self._find(experiment)
        return assign(definition, unit, phase=registration.phase if registration else FIRST_PHASE)

    def _find(self, experiment: str) -> tuple[Experiment, Registration | None]:
        if experiment not in self._known:
            definition = load_experiment(self._ctx, experiment).experiment
            registration = registration_of(self._ctx, experiment)
            if registration is not None:
                check_unchanged(definition, registration)
            self._known[experiment] = (definition, registration)
        return self._known[experiment]
