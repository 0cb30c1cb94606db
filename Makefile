# Two commands do everything: `make demo` and `make test`. `make help` lists the others.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
# Tests wait more than they compute: one more worker than processors, four at most.
WORKERS := -n $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 3 ? n + 1 : 4)))

.PHONY: help demo test test-slow test-faults bench-rpc bench-http lint format ui install dev dist system-deps clean

help:              ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: install      ## start the platform, services and traffic (ARGS=--once: one batch, checked)
	@$(BIN)/python examples/demo.py $(ARGS)

test: dev          ## run the tests (ARGS=... goes to pytest)
	@$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(ARGS)

test-slow: dev     ## run the slow tests, and the others that draw examples with ten times as many
	@PIE_TEST_THOROUGH=1 $(BIN)/python -m pytest $(WORKERS) -m "slow or hypothesis" $(ARGS)

test-faults: dev   ## inject faults into a real fleet for ten minutes (ARGS="--seconds 60 --seed 7")
	@$(BIN)/python tests/faults/run.py $(ARGS)

bench-rpc: install ## measure Thrift beside other libraries (ARGS="--only codec"; ARGS=--help)
	@$(BIN)/python benchmarks/rpc/run.py $(ARGS)

bench-http: install ## measure HTTP beside other servers (ARGS="--only hello,flask"; ARGS=--help)
	@$(BIN)/python benchmarks/http/run.py $(ARGS)

lint: dev          ## format check, lint, types of Python and TypeScript
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python ui/build.py --check

format: dev        ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

ui: $(VENV)/.venv-made  ## build the pages of the platform
	@$(BIN)/python ui/build.py

install: $(VENV)/.venv-made  ## the runtime, the platform and what the demo needs, into .venv
	@$(BIN)/python tools/install.py

dev: $(VENV)/.venv-made  ## what tests and lint need, too
	@$(BIN)/python tools/install.py --dev

dist: install      ## build the wheel and the source distribution into dist/
	@$(BIN)/python tools/dist.py

system-deps:       ## what pip cannot bring, by apt: a browser, compilers, Python's headers
	@PYTHON=$(PYTHON) tools/system-deps.sh

clean:             ## remove what was built and installed here
	rm -rf $(VENV) benchmarks/*/.peers build dist ui/node_modules src/pie/platform/static demo-data

$(VENV)/.venv-made:
	@$(PYTHON) tools/venv.py $(VENV)
	@touch $@
