import pytest

from chemscale.base.progress import Bar, progress_bar


def test_without_a_terminal_a_line_says_share_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("work", 200.0, "molecules", every_seconds=0.0)
    bar._started -= 10.0
    bar.update(50.0, "3 rejected")
    bar.advance(50.0)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("work:  25% 5.0 molecules/s 3 rejected, about 30 s left")
    assert second.startswith("work:  50% 10.0 molecules/s, about 10 s left")


def test_few_lines_where_work_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("work", 100.0) as bar:
        for _ in range(100):
            bar.advance()
    assert bar.done == 100
    assert capsys.readouterr().err == ""
