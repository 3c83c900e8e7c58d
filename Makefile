# Every command of this project; `make help` lists them. It needs GNU make 3.81 (macOS has it), any sh, and Python 3.11 or
# newer with venv. tools/dev.mk has what only somebody who changes the code runs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SECONDEXPANSION:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
STAMP := .ready-$(PYTHON_VERSION)
# A Python that was chosen has its own environments: PYTHON=python3.13 make test leaves the usual ones alone.
CHOSEN_PYTHON := $(if $(filter-out python3,$(PYTHON)),-$(PYTHON_VERSION))
VENV ?= .venv$(CHOSEN_PYTHON)
DEV_VENV ?= .venv-dev$(CHOSEN_PYTHON)
READY := $(VENV)/$(STAMP)
DEV_READY := $(DEV_VENV)/$(STAMP)
PY := $(VENV)/bin/python
DEV_PY := $(DEV_VENV)/bin/python

TOOLS := .cache
WHEELS := $(TOOLS)/wheels/.ready
# Called through the interpreter, because a script's first line holds the path where its environment was made.
SAM := SAM_CLI_TELEMETRY=0 $(TOOLS)/sam/bin/python $(TOOLS)/sam/bin/sam
# $(call option,NAME,VALUE): quoted, so that the tool, not the shell, complains of a name with blanks.
option = $(if $(2),--$(1)='$(subst ','\'',$(2))')
PLACE = $(call option,stack,$(STACK)) $(call option,region,$(REGION))
CHOSEN = $(call option,org,$(ORG)) $(PLACE)

##@ Here, without any account

.PHONY: help run sandbox gallery test build release clean
help: ## List these commands (ALL=1: also those for who changes it)
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(if $(ALL),$(MAKEFILE_LIST),Makefile)
	@echo; echo "New here? make run shows it at work, then make sandbox lets you try it."

run: $(READY) ## See it at work (FULL=1, OPEN=1, CHANNELS=slack,teams)
	@$(PY) -m sandbox --channels=$(CHANNELS) $(if $(FULL),--full) $(if $(OPEN),--open)

sandbox: $(READY) ## Keep a stack here, to try the commands below on it
	@$(PY) -m sandbox --keep

gallery: $(READY) ## Make a page of every kind of message (PICTURES=1)
	@$(PY) -m sandbox --gallery $(if $(PICTURES),--pictures)

# Three at once: on two cores one of them waits for a process that it started. A file stays together, as moto's state does.
test: $(DEV_READY) $(WHEELS) $$(RUNTIME) ## Run the tests (PYTHON=python3.13, ARGS="-k name")
	@$(DEV_PY) -m pytest -n 3 --dist loadfile $(ARGS)

build: $(READY) $(WHEELS) ## Make the package that Lambda runs, also as a zip
	@$(PY) -m tools.build --target build/package --zip build/notifier.zip

release: $(READY) $(WHEELS) ## Make dist: all to install without this repository
	@$(PY) -m tools.release

clean: ## Remove the environments and everything made
	@rm -rf .venv .venv-* .cache .aws-sam build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache mutants
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ On AWS, with your credentials (ORG=name, STACK=name and REGION=name choose)

deploy release: export ORIGIN = $(shell git remote get-url origin 2>/dev/null)
.PHONY: deploy undeploy connect doctor status dry-run test-message check-now history-sample
# People see what tools.deploy prints (3); the shell takes from it where the answers are (4), asking AWS for nothing twice.
deploy: $(READY) ## Deploy the stack (SET="NAME=VALUE …" answers questions)
	@exec 3>&1; file=$$($(PY) -m tools.deploy --tell=4 $(PLACE) $(call option,set,$(SET)) 4>&1 >&3) && \
	$(MAKE) $(TOOLS)/sam/$(STAMP) && $(SAM) build && $(SAM) deploy --config-file "$$file" $(ARGS)

undeploy: $(READY) ## Remove organisations, stack and, if you say so, memory
	@$(PY) -m tools.undeploy $(CHOSEN) $(ARGS)

connect: $(READY) ## Connect an organisation, or change it (REMOVE=1)
	@$(PY) -m tools.connect $(CHOSEN) $(if $(REMOVE),--remove) $(ARGS)

doctor: $(READY) ## Examine stack and backups (SEND=1: send a test, too)
	@$(PY) -m tools.doctor $(CHOSEN) $(if $(SEND),--send) $(ARGS)

status: $(READY) ## Show backups, problems, undelivered messages (JSON=1)
dry-run: $(READY) ## Show what the next check would send, and why (JSON=1)
test-message: $(READY) ## Send a marked test message on every channel
check-now: $(READY) ## Check now, as the schedule does
status dry-run test-message check-now:
	@$(PY) -m tools.report $(@:check-now=check) $(CHOSEN) $(if $(JSON),--json)

history-sample: $(READY) ## Print what Zoho says, nothing personal in it
	@$(PY) -m tools.history_sample $(CHOSEN)

include tools/dev.mk

# --- Environments: one folder and one lock file each ------------------------------------------------------------------

# $(call environment,PYTHON): install what a lock file names into the target's folder, after a look at the Python.
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

$(READY): requirements/run.txt
	$(call environment,$(PYTHON))

$(TOOLS)/%/$(STAMP): requirements/%.txt
	$(call environment,$(PYTHON))

# What ships is fetched by whichever environment there is.
$(WHEELS): requirements/runtime.txt tools/build.py
	@$$(ls $(PY) $(DEV_PY) 2>/dev/null | head -n 1) -m tools.build --fetch
	@touch $@
