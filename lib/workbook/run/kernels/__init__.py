"""Kernels forked of one process that has made their imports."""
