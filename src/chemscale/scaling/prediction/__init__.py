"""How far laws can be trusted beyond their data.

backtest.py               fit on the smaller runs, predict the larger ones
compare.py                laws side by side: AICc, and the error on held-out runs
discrepancy.py            how wrong a law has been by distance, learnt from back-tests
forecast.py               runs that were not made, with intervals that count it
exponent_difference.py    whether two exponents differ
"""
