"""What the results of a search can be narrowed by, with counts."""
