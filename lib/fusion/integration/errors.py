"""What the measure refuses."""


class IntegrationError(ValueError):
    """Revenue, relatedness or choices that cannot be used; the message says which and what is allowed."""
