"""The pages tell the truth: their commands parse, their presets, targets and links exist, their Python runs."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from chemscale.cli import app
from chemscale.studies.presets import PRESETS, preset_names
from chemscale.studies.run import parse_run
from chemscale.studies.study import is_study, parse_study

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])
RUN_MARK = "<!-- run -->"


@dataclass(frozen=True)
class Fence:
    """A fenced block of a page.

    Attributes:
        language: what stands after the three backticks.
        text: the lines inside.
        line: the number of its first line inside, from 1.
        run: whether it is marked to be run.
    """

    language: str
    text: str
    line: int
    run: bool


def fences(page: Path) -> list[Fence]:
    lines = page.read_text().splitlines()
    marks = [number for number, line in enumerate(lines) if line.startswith("```")]
    assert len(marks) % 2 == 0, f"{page}: a fence is not closed"
    return [
        Fence(
            lines[first].removeprefix("```").strip(),
            "\n".join(lines[first + 1 : last]),
            first + 2,
            first > 0 and lines[first - 1].strip() == RUN_MARK,
        )
        for first, last in zip(marks[::2], marks[1::2], strict=True)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def shell_commands(text: str) -> Iterator[list[str]]:
    """Every simple command of a shell text as words: continuations joined, prompts and comments taken away."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                yield command
                command = []
            else:
                command.append(word)


def chemscale_commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every `chemscale ...` command line in the shell blocks of the pages and the heads of the presets."""
    texts = [(page.relative_to(ROOT), fence.text) for page in PAGES for fence in fences(page) if is_shell(fence)]
    for name in preset_names():
        head = re.findall(r"^#\s+command\s+(.*?)(?:\s{2,}\(.*)?$", (PRESETS / f"{name}.toml").read_text(), re.MULTILINE)
        assert head, f"the preset {name} does not say how it is run"
        texts += [(Path(name), command) for command in head]
    for place, text in texts:
        for words in shell_commands(text):
            words = words[[word.partition("=")[0].isupper() and "=" in word for word in [*words, ""]].index(False) :]
            if words and Path(words[0]).name == "chemscale":
                yield str(place), tuple(words[1:])


def is_shell(fence: Fence) -> bool:
    return fence.language in ("sh", "bash", "console", "shell")


COMMANDS = list(dict.fromkeys(chemscale_commands()))


def parse_command(arguments: tuple[str, ...]) -> dict[str, Any]:
    """Parse a command line as the program would, without carrying it out; gives the verb's parameters.

    Raises:
        Exception: the verb, an option or a value is wrong.
    """
    command: Any = typer.main.get_command(app)
    rest = [argument for argument in arguments if argument != "--debug"]
    while hasattr(command, "commands"):
        if rest == ["--help"]:
            return {}
        assert rest and rest[0] in command.commands, f"no such verb: {' '.join(arguments)}"
        command = command.commands[rest.pop(0)]
    return {} if "--help" in rest else dict(command.make_context("chemscale", rest).params)


def test_the_readme_has_its_two_commands() -> None:
    commands = [
        words for fence in fences(ROOT / "README.md") for words in shell_commands(fence.text) if is_shell(fence)
    ]
    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands
    assert len(COMMANDS) > 5


@pytest.mark.parametrize(("place", "arguments"), COMMANDS, ids=lambda value: " ".join(value))
def test_every_command_line_parses(place: str, arguments: tuple[str, ...]) -> None:
    parameters = parse_command(arguments)
    config = parameters.get("config")
    if config is not None and not config.endswith(".toml") and not config.isupper():
        assert config in preset_names(), f"{place}: {config} is no preset"


@pytest.mark.parametrize("wrong", ["trian run.toml", "train run.toml --epochs 3", "study", "data fetch moses"])
def test_the_parser_of_these_tests_finds_what_is_wrong(wrong: str) -> None:
    with pytest.raises(Exception, match=r"verb|option|Missing"):
        parse_command(tuple(wrong.split()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    folders = {name.split("/")[0] for name in preset_names() if "/" in name}
    named = re.findall(rf"(?<![\w/-])(?:presets/)?((?:{'|'.join(sorted(folders))})/[\w-]+)", text)
    assert set(named) <= set(preset_names())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shell = [words for fence in fences(page) if is_shell(fence) for words in shell_commands(fence.text)]
    inline = [words for code in re.findall(r"`([^`\n]+)`", prose(page)) for words in [code.split()]]
    for words in [*shell, *inline]:
        if words[:1] == ["make"]:
            assert set(words[1:]) <= targets, f"{page.name}: {' '.join(words)}"
        if words[:1] == ["chemscale"] and words[1:] and not words[1].startswith("-"):
            verbs: Any = typer.main.get_command(app)
            assert words[1] in verbs.commands, f"{page.name}: {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)[^)]*\)|(?:src|href)=\"([^\"]+)\"", prose(page))
    dead = []
    for link in (markdown or html for markdown, html in links):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in headings(target)):
            dead.append(link)
    assert not dead, f"{page.relative_to(ROOT)}: these links lead nowhere"


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings get where Markdown is shown."""
    titles = re.findall(r"^#+\s+(.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_compile_and_marked_ones_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marked blocks of a page run one after the other, and may use each other's names."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__"}
    for fence in fences(page):
        if fence.language not in ("python", "py"):
            assert not fence.run, f"{page.name}:{fence.line}: only Python blocks can be marked to run"
            continue
        code = compile("\n" * (fence.line - 1) + fence.text, str(page), "exec")
        if fence.run:
            exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_configurations_on_a_page_are_valid(page: Path) -> None:
    for fence in fences(page):
        values = tomllib.loads(fence.text) if fence.language == "toml" else {}
        if "family" in values:
            assert parse_study(values).runs if is_study(values) else parse_run(values)
