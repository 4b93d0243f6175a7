# `make demo` and `make test` are the two commands of the README; each sets up .venv on its first use.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow lint page setup setup-dev clean

demo: setup
	$(BIN)/chemscale study demo --out runs/demo

test: setup-dev
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: setup-dev
	$(BIN)/pytest -m slow

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/.ready
setup-dev: .venv/.ready-dev

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "installing chemscale into .venv (about a minute; torch is most of it)"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.ready-dev: .venv/.ready
	@echo "installing what tests and checks need"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv runs
