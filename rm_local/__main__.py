"""Runs the command `rm-local` for `python -m rm_local`."""

from rm_local.cli.main import main

if __name__ == "__main__":
    main()
