"""How far an estimate is to be trusted: other samples, other choices, other explanations."""
