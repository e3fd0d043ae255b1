"""Attacks on what the secrecy gate would publish of random panels."""
