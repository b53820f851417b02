"""Providers: who speaks a dialect, where, and how. :mod:`.catalog` knows them by name and by URL."""
