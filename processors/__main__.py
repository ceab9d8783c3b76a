"""`python -m processors` is `beckon`."""

from processors.cli import main

if __name__ == "__main__":
    main()
