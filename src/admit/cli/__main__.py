"""`python -m admit.cli` is the command `admit`."""

from admit.cli import main

if __name__ == "__main__":  # a worker that is spawned imports this module too
    main()
