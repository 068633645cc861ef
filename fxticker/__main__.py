"""``python -m fxticker``."""

from fxticker.cli import main

main()
