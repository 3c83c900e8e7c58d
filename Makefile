# Every command of this project; `make help` lists them. It needs GNU make, bash, and Python 3.11 or newer with venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SUFFIXES:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# An interpreter that was chosen has an environment of its own: PYTHON=python3.13 make test leaves the usual one alone.
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(PYTHON_VERSION))
STAMP := .ready-$(PYTHON_VERSION)
READY := $(VENV)/$(STAMP)
PY := $(VENV)/bin/python

TOOLS := .cache
# Through the interpreter, for a script's first line holds the path where its environment was made.
SAM := SAM_CLI_TELEMETRY=0 $(TOOLS)/sam/bin/python $(TOOLS)/sam/bin/sam
WHEELS := $(TOOLS)/wheels/.ready
# The Python that Lambda runs, if this machine has it, for the test that runs the package as built.
RUNTIME_PYTHON = $(shell $(PYTHON) tools/build.py --runtime-python 2>/dev/null)
RUNTIME = $(if $(RUNTIME_PYTHON),$(TOOLS)/lambda/.ready)

##@ Every day

.PHONY: help
help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(READY) ## Watch the real function at work on this machine: no account anywhere is needed (OPEN=1: on a page)
	@$(PY) -m sandbox --channels=$(CHANNELS) $(if $(OPEN),--open)

.PHONY: sandbox
sandbox: $(READY) ## Keep a stack on this machine, and say how to try the commands below on it
	@$(PY) -m sandbox --keep

.PHONY: gallery
gallery: $(READY) ## Make a page that shows every kind of message (PICTURES=1: and the pictures in docs)
	@$(PY) -m sandbox.gallery $(if $(PICTURES),--pictures)

.PHONY: test
# Three at once: on two cores one of them waits for a process that it started. A file stays together, as moto's state does.
test: $(READY) $(WHEELS) $$(RUNTIME) ## Run the tests (PYTHON=python3.13, or pytest's ARGS: "-k name", --cov, --randomly-seed=1)
	@$(PY) -m pytest -n 3 --dist loadfile $(ARGS)

GATES := lint types sam cfn-lint checkov sdk aws-cli browser
.PHONY: check gates $(GATES)
check: $(GATES) ## Run all other gates: style, types, the template through sam, cfn-lint and checkov, Zoho's and AWS's programs, a browser

gates:
	@echo $(GATES)

lint: $(READY) # style, and as much of correctness as a linter sees
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check

types: $(READY)
	@$(PY) -m mypy handler sandbox tools benchmarks tests

sam: $(TOOLS)/sam/$(STAMP) build # what sam builds is what make builds
	@$(SAM) validate --region eu-west-1
	@$(SAM) build >$(TOOLS)/sam-build.log 2>&1 || { cat $(TOOLS)/sam-build.log >&2; exit 1; }
	@diff --recursive --brief .aws-sam/build/NotifierFunction build/package

cfn-lint: $(READY) # sees next to nothing in a SAM template, but most faults in what it is transformed into
	@mkdir -p $(TOOLS)
	@$(PY) -c 'import json, sandbox.template as t; print(json.dumps(t.to_cloudformation(t.TEMPLATE_FILE.read_text())))' \
		>$(TOOLS)/template.json
	@$(PY) $(VENV)/bin/cfn-lint --include-checks I -- $(TOOLS)/template.json
	@echo "cfn-lint: nothing to say"

checkov: $(TOOLS)/checkov/$(STAMP) # exits with 0 when it cannot read the template: its summary decides
	@$(TOOLS)/checkov/bin/python $(TOOLS)/checkov/bin/checkov --framework cloudformation --skip-download \
		--compact --quiet --file template.yaml | tee $(TOOLS)/checkov.txt
	@grep -q '^Passed checks: [1-9][0-9]*, Failed checks: 0, Skipped checks: [0-9]*$$' $(TOOLS)/checkov.txt

sdk: $(READY) $(TOOLS)/sdk/$(STAMP) # Zoho's official SDK reads the fake Zoho
	@ZOHO_SDK_PYTHON=$(abspath $(TOOLS)/sdk/bin/python) $(PY) -m pytest -m sdk tests/sdk

aws-cli: $$(if $$(RUNTIME_PYTHON),release $(TOOLS)/awscli/$(STAMP) $$(RUNTIME)) # AWS's command line installs the release
	@if [ -z "$(RUNTIME_PYTHON)" ]; then echo "A release is compiled, and Lambda's Python is not here: nothing was tried"; \
	else AWSCLI_PYTHON=$(abspath $(TOOLS)/awscli/bin/python) $(PY) -m pytest -m aws_cli tests/tools/test_release.py; fi

browser: $(READY) # Chromium reads the gallery; without one it says so, and in CI it fails
	@CHROMIUM_REQUIRED=$(CI) $(PY) -m pytest tests/gallery/test_browser.py

.PHONY: build
build: $(READY) $(WHEELS) ## Make the package that Lambda runs: build/package, and as a zip
	@$(PY) tools/build.py --target build/package --zip build/notifier.zip

.PHONY: release
release: $(READY) $(WHEELS) ## Make dist: the package, a template and checksums, to install without this repository
	@$(PY) -m tools.release

.PHONY: build-NotifierFunction
build-NotifierFunction: $(READY) $(WHEELS) # sam build calls it
	@$(PY) tools/build.py --target "$(ARTIFACTS_DIR)"

##@ On AWS, with your credentials (ORG=name, STACK=name and REGION=name choose)

.PHONY: deploy
deploy: $(READY) ## Deploy the stack (SET="NAME=VALUE …" answers some questions)
	@$(PY) -m tools.deploy $(PLACE) $(call option,set,$(SET))
	@$(MAKE) $(TOOLS)/sam/$(STAMP)
	@$(SAM) build
	@$(SAM) deploy --config-file "$$($(PY) -m tools.deploy --where $(PLACE))" $(ARGS)

.PHONY: undeploy
undeploy: $(READY) ## Remove the organisations, the stack and, asked twice, its memory
	@$(PY) -m tools.undeploy $(PLACE) $(ARGS)

# $(call option,NAME,VALUE): quoted, so that a name with blanks gets a sentence from the tool, not from the shell.
option = $(if $(2),--$(1)='$(subst ','\'',$(2))')
PLACE = $(call option,stack,$(STACK)) $(call option,region,$(REGION))
CHOSEN = $(call option,org,$(ORG)) $(PLACE)

.PHONY: connect
connect: $(READY) ## Connect an organisation, or change it (REMOVE=1: remove it)
	@$(PY) -m tools.connect $(CHOSEN) $(if $(REMOVE),--remove) $(ARGS)

.PHONY: doctor
doctor: $(READY) ## Examine stack and backups (SEND=1: and send test messages)
	@$(PY) -m tools.doctor $(CHOSEN) $(if $(SEND),--send) $(ARGS)

.PHONY: status
status: $(READY) ## Ask the function what it remembers
	@$(PY) -m tools.ask $@ $(CHOSEN)

.PHONY: dry-run
dry-run: $(READY) ## Ask it what the next check would send, and why
	@$(PY) -m tools.ask $@ $(CHOSEN)

.PHONY: test-message
test-message: $(READY) ## Have it send a marked test message on every channel
	@$(PY) -m tools.ask $@ $(CHOSEN)

.PHONY: check-now
check-now: $(READY) ## Have it check now, as its schedule does
	@$(PY) -m tools.ask check $(CHOSEN)

##@ Upkeep

.PHONY: lock
lock: $(TOOLS)/lock/$(STAMP) ## Upgrade every locked dependency
	@$(call compile,pyproject.toml,runtime)
	@$(call compile,pyproject.toml --group dev --constraint requirements/runtime.txt,dev)
	@$(call compile,--group lambda --constraint requirements/dev.txt,lambda)
	@$(call compile,pyproject.toml --group mutants --constraint requirements/dev.txt,mutants)
	@for group in awscli checkov lock sam sdk; do $(call compile,--group $$group,$$group) || exit; done
	@git --no-pager diff --stat -- requirements

compile = echo "Locking requirements/$(2).txt" && \
	$(TOOLS)/lock/bin/uv pip compile $(1) --output-file requirements/$(2).txt --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-annotate --no-header --no-config --quiet

.PHONY: clean
clean: ## Remove the environments and everything made
	@rm -rf .venv .venv-* .cache .aws-sam build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Environments: one folder and one lock file each ------------------------------------------------------------------

# $(call environment,FOLDER,LOCK FILE,PYTHON): made from scratch, of hashed wheels only; once more if the network failed.
define environment
	@$(3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; $(3) is: $$($(3) --version 2>&1 | head -n 1)" >&2; \
		echo "Name another: PYTHON=/path/to/python3.13 make ..." >&2; exit 1; }
	@$(3) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(3) lacks the module venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing $(2) into $(1) (once, about a minute)"
	@$(3) -m venv --clear $(1)
	@install() { $(1)/bin/python -m pip install --quiet --disable-pip-version-check --retries 5 \
		--no-deps --require-hashes --only-binary :all: --requirement $(2) >$(1)/install.log 2>&1; }; \
		install || { echo "It failed; once more"; sleep 5; install; } || { tail -n 20 $(1)/install.log >&2; exit 1; }
	@touch $@
endef

$(READY): requirements/dev.txt
	$(call environment,$(VENV),$<,$(PYTHON))

$(TOOLS)/lambda/.ready: requirements/lambda.txt
	$(call environment,$(@D),$<,$(RUNTIME_PYTHON))

$(TOOLS)/%/$(STAMP): requirements/%.txt
	$(call environment,$(@D),$<,$(PYTHON))

$(WHEELS): requirements/runtime.txt tools/build.py | $(READY)
	@echo "Fetching what ships, for Lambda's platform (once)"
	@$(PY) tools/build.py --fetch 2>/dev/null || { echo "It failed; once more"; sleep 5; $(PY) tools/build.py --fetch; }
	@touch $@

# --- Measuring --------------------------------------------------------------------------------------------------------

.PHONY: soak
soak: $(READY) ## Break everything around the function for SECONDS=600, and say what was survived (SEED=n repeats a run)
	@SECONDS=$(or $(SECONDS),600) SEED=$(SEED) $(PY) -m tests.simulation

.PHONY: mutants
mutants: $(READY) $(TOOLS)/mutants/$(STAMP) ## Break the code in small ways for SECONDS=600, and list what no test notices (SEED=n)
	@$(TOOLS)/mutants/bin/python -m tools.mutants --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

.PHONY: dynamodb-local
dynamodb-local: $(TOOLS)/dynamodb-local/DynamoDBLocal.jar ## Fetch AWS's own DynamoDB for one machine, which the tests use if it is there

$(TOOLS)/dynamodb-local/DynamoDBLocal.jar: # out of a package of npm's, which checks it
	@mkdir -p $(@D) && cd $(@D) && npm pack --silent amplify-dynamodb-simulator@2.9.30 >/dev/null && \
		tar -xzf amplify-dynamodb-simulator-2.9.30.tgz --strip-components=2 package/emulator && rm -- *.tgz && touch $(@F)

.PHONY: bench
bench: build ## Measure what a check costs, beside others and as it grows (ten minutes, two CPUs)
	@$(PY) -m benchmarks
