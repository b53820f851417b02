"""Dialects: how a wire protocol says a request and an answer. Each is a pure, two-way codec in a folder of its own."""
