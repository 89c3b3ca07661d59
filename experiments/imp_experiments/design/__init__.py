"""What was registered: the experiment file and the assignment that follows from it."""
