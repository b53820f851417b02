"""``python -m playhead``: the command line, where the script is not on the path."""

import sys

from playhead.cli.main import main

sys.exit(main())
