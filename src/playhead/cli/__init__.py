"""The command line. :mod:`playhead.cli.main` reads the arguments; each command is a module of its own, imported when it
is called."""
