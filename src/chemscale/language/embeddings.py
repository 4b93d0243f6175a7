"""Embeddings: what a trained ChemGPT says of a molecule, as a vector.

`Embedder` embeds molecules at hand, `embed_file` a file of any length into a file of vectors.
"""

from chemscale.language.embedder import POOLINGS, Embedder, Embeddings, Pooling
from chemscale.language.embedding_files import EmbeddingReport, embed_file

__all__ = ["POOLINGS", "Embedder", "EmbeddingReport", "Embeddings", "Pooling", "embed_file"]
