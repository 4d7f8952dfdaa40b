"""The package :mod:`openisx` under the vendor's name; the command ``openisx doctor`` tells whose ``isx`` is imported."""

from openisx._isx import __all__, __dir__, __getattr__, __path__, __version__  # noqa: F401

if __name__ == "__main__":
    from openisx._cli import main

    main()
