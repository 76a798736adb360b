"""`python -m codemode`."""

import sys

from codemode.frontends.cli import main

sys.exit(main())
