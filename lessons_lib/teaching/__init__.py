"""What only the notebooks use: plots, widgets, checks of exercises, and the check of the learner's machine."""
