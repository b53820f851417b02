"""What any client asks of its provider, put on a tape as it passes through a proxy."""
