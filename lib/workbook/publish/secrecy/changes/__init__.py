"""What would pass: changes of an exhibit, tried on everything that is published beside it."""
