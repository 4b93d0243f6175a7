"""One token after another: the kept keys and values, the step, how a token is chosen, samples and beams.

attention.py   attention of one new token per sequence over rows that were kept
rows.py        which rows are free
step.py        a ChemGPT that takes one token per sequence and keeps what it needs of it
sampling.py    settings, and the choice of a token from scores
draws.py       random numbers that belong to a sample and a position, not to a batch
samples.py     many samples at once; a finished one makes place for the next
beams.py       beam search, many prompts at once
"""
