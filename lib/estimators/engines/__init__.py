"""What estimates by itself: exact least squares, GMM, the wild bootstrap, and the agreement of two engines."""
