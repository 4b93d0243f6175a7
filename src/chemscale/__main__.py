"""`python -m chemscale` is the command line."""

from chemscale.cli import main

main()
