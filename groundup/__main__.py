"""``python -m groundup``: the command, for where it is not on the PATH."""

import sys

from groundup.cli.main import main

sys.exit(main())
