"""Spark as a study's engine (`engine` in its file); an extra, and imported by nobody who does not ask for it."""
