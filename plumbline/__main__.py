"""``python -m plumbline``: the command line, as the demo starts its parts."""

from plumbline.cli import main

if __name__ == "__main__":
    main()
