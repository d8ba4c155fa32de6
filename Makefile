# `make demo` shows the product, `make test` proves it; both do all their set-up. Needed: python3 >= 3.11 with
# venv, go, git, and PyPI and Go modules within reach the first time.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))
VENV := .venv
BIN := $(VENV)/bin
# Named after what goes into it: nothing is installed, and no network needed, until that changes.
READY := $(VENV)/.ready-$(shell cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)

.PHONY: help demo test venv tools test-tools lint static ruff mypy yamllint unit charts monitoring sandbox-tests benchmarks schema docs dashboards objects constraints clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: venv ## take an environment file to a running platform in a sandbox on this machine
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo

# Two at a time: each may run a control plane of its own, of nearly 1 GB. A file's tests share one.
test: static test-tools ## everything: lint, then all tests; says at the end on which charts
	$(BIN)/pytest --numprocesses 2 --dist loadfile

venv: $(READY) ## the virtual environment, .venv

$(READY):
	@if [ -z "$(PYTHON)" ]; then echo "depin-helm needs Python 3.11 or newer: apt-get install python3" >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "this Python has no venv: apt-get install python3-venv" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

tools: venv ## build Helm and the sandbox's programs, once (10 to 20 minutes on two cores)
	@$(BIN)/depin-helm sandbox build >/dev/null

test-tools: tools ## and what only tests run: Prometheus, Alertmanager, kubeconform (5 more minutes)
	@$(BIN)/python -m tests.programs

lint: static tools ## formatting, types, YAML, and chart-testing's checks of the chart
	$(BIN)/pytest tests/lint

static: ruff mypy yamllint

ruff: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

mypy: venv
	$(BIN)/mypy

yamllint: venv
	$(BIN)/yamllint --strict .

unit: venv ## tests that need no programs and no charts
	$(BIN)/pytest tests/unit

charts: tools ## tests that need Helm and the upstream charts
	$(BIN)/pytest tests/charts

monitoring: test-tools ## tests of metrics, rules and alerts
	$(BIN)/pytest tests/monitoring

sandbox-tests: test-tools ## tests that need a control plane
	$(BIN)/pytest tests/sandbox

benchmarks: tools ## how fast, beside bare commands
	$(BIN)/python -m benchmarks.cli
	$(BIN)/python -m benchmarks.validate
	$(BIN)/python -m benchmarks.render
	$(BIN)/python -m benchmarks.install

schema: venv ## write values.schema.json and kubernetes.json, which are committed, from their sources
	@$(BIN)/python -c 'import pathlib, depin_helm.schema as s; print(s.build(pathlib.Path("schema/values.schema.yaml")), end="")' \
		>charts/depin-platform/values.schema.json
	@$(BIN)/python tools/kubernetes_schema.py

docs: venv ## write docs/network.md and docs/metrics.md, which are committed, from their sources
	@$(BIN)/python tools/network_doc.py
	@$(BIN)/python tools/metrics_doc.py

dashboards: venv ## write the dashboards' JSON, which is committed, from tools/dashboards
	@$(BIN)/python -m tools.dashboards

objects: venv ## write Kibana's saved objects, which are committed, from tools/kibana_objects.yaml
	@$(BIN)/python tools/kibana_objects.py

constraints: ## take the newest versions of all that is installed from PyPI
	rm -rf .build/newest
	$(PYTHON) -m venv .build/newest
	.build/newest/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	sed -n 1p constraints.txt >.build/constraints.txt
	.build/newest/bin/pip freeze --exclude-editable >>.build/constraints.txt
	mv .build/constraints.txt constraints.txt

clean: ## remove what can be made again; the chart cache and the built programs stay
	rm -rf $(VENV) .build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
