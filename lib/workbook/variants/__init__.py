"""Many variants of a study: what they are, the notebooks that they need, each made once, and what they found."""
