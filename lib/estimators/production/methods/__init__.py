"""Estimators of production functions, one module each, and the algebra they share."""
