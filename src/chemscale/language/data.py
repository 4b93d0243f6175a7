"""Molecule files to prepared corpora: the doors of this room's data.

`Corpus` reads a prepared folder, `prepare_corpus` makes one, `corpus_for` gives the corpus of any source, preparing it
into the cache the first time.
"""

from chemscale.language.corpus import Corpus
from chemscale.language.preparation import corpus_for, prepare_corpus

__all__ = ["Corpus", "corpus_for", "prepare_corpus"]
