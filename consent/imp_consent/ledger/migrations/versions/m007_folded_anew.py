"""Ages at which nobody agrees are folded too, and wrong ones: the schema stays, every state is made anew."""

revision = "m007"
down_revision = "m006"


def upgrade() -> None:
    """Do nothing: states are sealed under a key that no migration has; `policy.project.refold` makes them anew."""
