"""Framing: how the bytes of an answer are cut into messages, a file for each way. Nothing here knows a dialect."""
