"""The deck: tapes for people. What joins a tape's bytes with the dialects that understand them."""
