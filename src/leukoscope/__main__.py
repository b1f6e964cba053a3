"""`python -m leukoscope`, which is also what torchrun starts."""

from leukoscope.cli.main import main

if __name__ == "__main__":
    main()
