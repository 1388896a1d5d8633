# Two commands for a newcomer: `make lab` and `make test`.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# One thread for each of two workers: two threads each would slow one another down on two cores.
export COURSE_TEST_THREADS ?= 1
WORKERS ?= 2
CAPABILITIES ?= default avx2 avx512
THREADS ?= 1 2

.PHONY: lab test setup slides site lint outputs bench clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else 'Python 3.11 to 3.13 is needed, and this is ' + sys.version.split()[0] + ': name one, such as make lab PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -c "import pathlib; pathlib.Path('$(VENV)/.installed').touch()"

lab: setup
	$(BIN)/course doctor
	$(BIN)/course lab

slides: setup
	$(BIN)/course slides

site: setup
	$(BIN)/course site

lint: setup
	$(BIN)/ruff check course_lib tests benchmarks
	$(BIN)/ruff format --check course_lib tests benchmarks

test: lint
	COURSE_THREADS=$(COURSE_TEST_THREADS) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder notebooks tests

# The notebooks' outputs as processors with other vectors, and with one thread and two, would give them.
outputs: setup
	$(BIN)/course maintain processors --processors $(CAPABILITIES) --threads $(THREADS)

# Alone on the machine: what runs beside it is measured too. A missed target fails, and the suite is timed all the same.
bench: setup
	code=0; $(BIN)/python -m benchmarks || code=$$?; $(BIN)/python -m benchmarks.suite_time || code=$$?; exit $$code

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
