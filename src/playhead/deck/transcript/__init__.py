"""A tape as a person tells it: the values, how they are made of a tape, and where on it a question belongs."""
