"""Tapes served to any client: the server, which recording a question is answered with, in whose turn, in which form."""
