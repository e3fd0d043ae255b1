"""Faults planted one by one in the rooms that compute, to see whether their tests find them (`make mutate`)."""
