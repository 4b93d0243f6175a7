"""How laws are fitted: where to start, many small least squares at once, and what the points leave open.

variable_projection.py   starting points from a grid of exponents
least_squares.py         Levenberg-Marquardt for a batch of fits, within bounds
solve.py                 one law, many sets of losses at the same inputs; covariances
profile.py               profile-likelihood intervals
profile_curve.py         the same as curves, for figures
clusters.py              errors that the runs of one data subset share
whitening.py             what these errors do, by sums over subsets
huber.py                 the fit with Huber's loss
"""
