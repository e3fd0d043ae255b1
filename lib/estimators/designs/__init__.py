"""Designs beside the event study: treatments that end, selection, errors of report, shared shocks, few large units."""
