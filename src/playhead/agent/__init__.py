"""The agent: the loop over model calls and tools, decided by pure functions, driven by one driver."""
