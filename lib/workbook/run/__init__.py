"""Running a chain of notebooks: what has changed, processes, records."""
