"""What a reviewer asks: the audit, the way of a number, comparison of runs, the methods section."""
