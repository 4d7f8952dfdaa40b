"""``python -m isx`` is the command ``isx``."""

from openisx._cli import main

if __name__ == "__main__":
    main()
