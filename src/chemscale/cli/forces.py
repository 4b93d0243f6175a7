"""Verbs about force fields: frames to train on, and what a trained one predicts."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from chemscale.base.config import apply_overrides
from chemscale.base.errors import ConfigError
from chemscale.cli.app import Overrides, Workers, app, interruptible
from chemscale.cli.data import data_app


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="Run folder of a force field.")],
    structures: Annotated[Path, typer.Argument(help="Structures in any format of ASE, such as extended XYZ.")],
    out: Annotated[Path, typer.Option("--out", help="Extended XYZ file for the predictions.")],
) -> None:
    """Predict energies and forces of structures with a trained force field."""
    from chemscale.forcefields.prediction import predict_structures

    with interruptible():
        report = predict_structures(run, structures, out)
    print(f"{report.n_predicted:,} of {report.n_structures:,} structures predicted: {report.out}")
    if report.rejects:
        print(f"left out, with reasons: {report.rejects}")
    if str(report.errors):
        print(report.errors)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a force field.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    kind: Annotated[str, typer.Option("--format", help="export, torchscript or aotinductor.")] = "export",
) -> None:
    """Write a force field as one file that needs torch and nothing of this program."""
    from chemscale.forcefields.export import SUFFIXES, export_force_field

    if kind not in SUFFIXES:
        raise ConfigError(f"--format: {kind!r} is none of {', '.join(SUFFIXES)}")
    with interruptible():
        print(export_force_field(run, out, format=kind))  # type: ignore[arg-type]  # checked above


@data_app.command("frames")
def data_frames(
    source: Annotated[str, typer.Argument(help="A file of frames, or the name of a source.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the prepared frames.")],
    limit: Annotated[Optional[int], typer.Option(min=1, help="Only the first so many frames.")] = None,  # noqa: UP045
) -> None:
    """Turn frames with energies and forces into arrays on disk, in eV and angstrom."""
    from chemscale.forcefields.preparation import prepare_frames

    with interruptible():
        print(prepare_frames(source, out, limit=limit))


@data_app.command("make")
def data_make(
    kind: Annotated[str, typer.Argument(help="xtb-frames: molecules at many geometries with GFN2-xTB labels.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Frames.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the frames.")],
    molecules: Annotated[str, typer.Option(help="small, embedded, or a file of SMILES.")] = "small",
    seed: Annotated[int, typer.Option(min=0, help="Of molecules and geometries.")] = 0,
    overrides: Overrides = None,
    workers: Workers = None,
) -> None:
    """Make labelled data on this machine; the same command continues after a kill."""
    if kind != "xtb-frames":
        raise ConfigError(f"{kind}: nothing of this kind can be made; allowed: xtb-frames")
    from chemscale.forcefields.labelling.making import make_frames
    from chemscale.forcefields.labelling.sampling import Sampling

    values = apply_overrides({}, overrides or [])
    if set(values) - {"sampling"}:
        raise ConfigError(f"--set {next(iter(overrides or []))}: here only sampling.KEY can be set")
    sampling = Sampling.parse(values["sampling"], "sampling") if values else None
    with interruptible():
        frames = make_frames(out, n=n, molecules=molecules, seed=seed, sampling=sampling, workers=workers)
    print(frames)
    reasons = frames.record["counts"]["reject_reasons"]
    if reasons:
        print("left out: " + ", ".join(f"{count:,} ({reason})" for reason, count in reasons.items()))
    if len(frames) < n:
        print(f"fewer than the {n:,} asked for: {molecules} has no more molecules")
