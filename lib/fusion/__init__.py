"""Fusion Workbook: statistical evaluation of the integration of advanced manufacturing and modern services."""
