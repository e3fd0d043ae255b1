"""How far a unit makes and serves together: integration F, integrated revenue I, their bounds, sums and checks."""
