"""`python -m leukoscope`, which is also what torchrun starts."""

from leukoscope.cli import main

if __name__ == "__main__":
    main()
