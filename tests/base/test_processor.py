"""The name of the processor's kind."""

import platform
import subprocess
import sys

from chemscale.base.processor import processor_features


def test_the_same_text_in_every_process() -> None:
    code = "from chemscale.base.processor import processor_features; print(processor_features())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == processor_features().strip()
    assert platform.machine() in processor_features()
