"""Operators in C++ that are compiled at first use: the compiler, and the headers that all operators share."""
