"""Evaluation of pilot units and of policy targets; tables in a bureau's form; revisions between vintages."""
