"""A study's file before the model sees it: its forms, and the headers of the source that it names."""
