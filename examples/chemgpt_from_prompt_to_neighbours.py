"""What a trained ChemGPT is good for: molecules around a scaffold, their quality, and the known ones nearest to each.

Command   python examples/chemgpt_from_prompt_to_neighbours.py
Duration  about a minute on one core, most of it training
Expected  200 molecules that begin with the scaffold, nine in ten of which keep it; 43 % pass the filters of MOSES;
          for the first that passes, the three nearest of 2,000 molecules by embedding

The model has 50,496 parameters and saw 5,000 molecules of the embedded library: it shows the way, not good chemistry. A
run folder of `chemscale train frey2023/chemgpt-hour` or a folder in Hugging Face's format takes its place.
"""

import tempfile
from pathlib import Path

import chemscale
from chemscale.chem.embedded_library import distinct_sample
from chemscale.language import load_checkpoint
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.generation import generate, spread
from chemscale.language.neighbours import canonical_query, open_library
from chemscale.language.prompts import scaffold_prompts
from chemscale.language.quality import assess, compare_with, molecule_table

LEAD = "CC(=O)Nc1ccc(OCc2ccccc2)cc1"


def main() -> None:
    """Train, generate, judge, search."""
    with tempfile.TemporaryDirectory() as folder:
        run, _ = chemscale.train("smoke/chemgpt", out=Path(folder))
        checkpoint = load_checkpoint(run)

        prompts = scaffold_prompts(LEAD, checkpoint.tokenizer)
        counts, sampling = spread(200, len(prompts)), Sampling(top_k=20, temperature=0.9)
        molecules = [sample.smiles for sample in generate(checkpoint, counts, sampling=sampling, prompts=prompts)]
        print(assess(molecules))
        print(compare_with(LEAD, molecules))

        table = molecule_table(molecules)
        new = table[table["passes_filters"] & ~table["duplicate"]]["smiles"].iloc[0]
        library = Path(folder) / "library.smi"
        library.write_text("\n".join(distinct_sample(2_000, seed=1)) + "\n")
        found = open_library(run, str(library), folder=Path(folder) / "index")
        query = canonical_query(new)
        rows, distances = found.by_embedding([query], k=3)[0]
        print(f"nearest to {new}:")
        for row, distance in zip(rows, distances, strict=True):
            print(f"  {1 - distance:.3f}  {found.smiles[int(row)]}")


if __name__ == "__main__":
    main()
