"""``python -m isx`` is the command ``isx``."""

from isx.cli import main

if __name__ == "__main__":
    main()
