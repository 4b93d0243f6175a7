"""Force fields as files that run without this program: torch alone loads them, in Python or C++.

    energy, forces[, charges] = model(numbers, positions, first, second, shifts, charge, unpaired)

    numbers    atomic numbers, int64 [n_atoms]
    positions  in angstrom [n_atoms, 3], in the precision of the export like all that is not integer
    first      first atom of every pair within the cutoff, each pair once, int64 [n_pairs]
    second     second atom of every pair, int64 [n_pairs]
    shifts     what to add to the second atom's position, in angstrom [n_pairs, 3]; zeros for a molecule
    charge     total charge in e [1]
    unpaired   unpaired electrons [1]
    energy     in eV, float64 [1]; forces in eV/angstrom [n_atoms, 3]; charges in e [n_atoms] where the family has them

The file also holds a card, `force_field.json`: cutoff, elements, precision, inputs, outputs and units, and whether
cells may be periodic; where not (long-range electrostatics of molecules), shifts other than zero give an infinite
energy. An element that the force field does not know is no error of the file.
"""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch.export import Dim, ExportedProgram

from chemscale.base.errors import ConfigError, UserError
from chemscale.base.files import replacing
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.structures import dtype_of, frozen_copy
from chemscale.forcefields.tracing import Traced, scripted, sizes_of_any_number, trace
from chemscale.forcefields.trained import force_field_of

ExportFormat = Literal["export", "torchscript", "aotinductor"]
SUFFIXES: dict[str, str] = {"export": ".pt2", "torchscript": ".pt", "aotinductor": ".pt2"}
CARD = "force_field.json"
INPUTS = ("numbers", "positions", "first", "second", "shifts", "charge", "unpaired")
OUTPUTS = ("energy", "forces", "charges")


def export_force_field(
    model: ForceField | Path | str,
    out: Path | str,
    *,
    format: ExportFormat = "export",
    dtype: Literal["float32", "float64"] = "float32",
    device: str = "cpu",
) -> Path:
    """Write a force field as one file that needs torch alone; the call is in the module's text.

    `export` is a program of torch.export, `torch.export.load(path).module()`. `torchscript` is for `torch.jit.load` and
    for C++ programs built on it. `aotinductor` is machine code for this kind of processor, made by a C++ compiler in
    about a minute, `torch._inductor.aoti_load_package(path)`. The card comes by `extra_files={"force_field.json": ""}`
    of the first two loaders, and is in the package's `get_metadata()` under that name.

    Args:
        model: a force field, or a run folder.
        out: the file; ends in .pt2, or in .pt for TorchScript.
        format: see above.
        dtype: precision that the file computes in.
        device: that the file computes on.

    Raises:
        ConfigError: a setting is not allowed.
        UserError: torch cannot compile here; the message has its reason.
    """
    out = Path(out)
    if format not in SUFFIXES:
        raise ConfigError(f"format: {format!r} is not allowed; expected one of {', '.join(SUFFIXES)}")
    if out.suffix != SUFFIXES[format]:
        raise ConfigError(f"out: {out} should end in {SUFFIXES[format]} for the format {format!r}")
    force_field = frozen_copy(force_field_of(model), torch.device(device), dtype_of(dtype))
    traced = trace(force_field)
    card = json.dumps(_card(force_field, traced, dtype), indent=2)
    with replacing(out) as temporary:
        if format == "torchscript":
            scripted(traced.graph).save(str(temporary), _extra_files={CARD: card})
            return out
        atoms, pairs = {0: Dim.AUTO}, {0: Dim.AUTO}
        shapes = (atoms, atoms, pairs, pairs, pairs, None, None)
        with sizes_of_any_number():
            program = torch.export.export(traced.graph, traced.example, dynamic_shapes=shapes, strict=False)
        if format == "export":
            torch.export.save(program, temporary, extra_files={CARD: card})
        else:
            _compile(program, temporary, card)
    return out


def _card(force_field: ForceField, traced: Traced, dtype: str) -> dict[str, Any]:
    return {
        "cutoff": force_field.cutoff,
        "species": list(force_field.species),
        "dtype": dtype,
        "device": str(force_field.scale.device),
        "periodic": traced.periodic,
        "inputs": INPUTS,
        "outputs": OUTPUTS if traced.has_charges else OUTPUTS[:2],
        "units": {"positions": "angstrom", "energy": "eV", "forces": "eV/angstrom", "charges": "e"},
    }


def _compile(program: ExportedProgram, out: Path, card: str) -> None:
    try:
        torch._inductor.aoti_compile_and_package(
            program, package_path=str(out), inductor_configs={"aot_inductor.metadata": {CARD: card}}
        )
    except Exception as error:  # whatever the compiler of the machine says
        raise UserError(
            f"format: aotinductor does not work here ({type(error).__name__}: {str(error).strip()[:300]}); it needs a "
            "C++ compiler. Take the format 'export' or 'torchscript'"
        ) from error
