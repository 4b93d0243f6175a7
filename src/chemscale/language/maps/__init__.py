"""Maps of embedded molecules, and numbers for what they seem to show [no torch].

projection.py  PCA and t-SNE of vectors, and how much of the neighbourhoods survives in the picture
clustering.py  silhouettes of groups in the space itself, beside shuffled groups
neighbours.py  what the nearest neighbours know of a number or a class: R2, ROC-AUC

All of it takes plain arrays, so that embeddings and fingerprints are asked the same questions.
"""
