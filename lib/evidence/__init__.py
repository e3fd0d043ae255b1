"""What the other packages are held to: published results, known truth, and times."""
