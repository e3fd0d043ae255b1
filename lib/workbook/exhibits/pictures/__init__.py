"""Figures as files and on pages: saved, and with the values of what is drawn under the pointer."""
