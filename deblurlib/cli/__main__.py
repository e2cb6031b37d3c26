"""`python -m deblurlib.cli` is the command `deblurlib`."""

from deblurlib.cli import main

if __name__ == "__main__":
    main()
