"""The parts of SpookyNet (Unke et al. 2021), one a file."""
