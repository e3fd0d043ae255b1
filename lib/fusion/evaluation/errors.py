"""What is wrong with a table that a user supplied."""


class EvaluationError(ValueError):
    """A table of pilots, targets or observed values that cannot be used; says row, column, value and what is allowed."""
