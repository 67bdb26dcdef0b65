"""`python -m rm_local` is `rm-local`."""

from rm_local.cli.main import main

if __name__ == "__main__":
    main()
