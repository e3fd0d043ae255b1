"""Work by hand in JupyterLab: a study's start page, what moved against the last run, changes kept as a study."""
