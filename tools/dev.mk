# What somebody who changes this project runs, beside `make test`: gates, measurements, upkeep. The Makefile includes it.

# The Python that Lambda runs, if this machine has it, for the tests that run the package as built.
RUNTIME_PYTHON = $(shell $(PYTHON) -m tools.build --runtime-python 2>/dev/null)
RUNTIME = $(if $(RUNTIME_PYTHON),$(TOOLS)/lambda/.ready)
# What to do when something could not be fetched; tools/environment.py says it of pip's errors.
ADVICE = echo "  → If it is the network: check it (a proxy: HTTPS_PROXY), and run this again." >&2

##@ To change it

GATES := lint types sam sam-deploy cfn-lint zizmor sdk aws-cli browser
.PHONY: check gates dev-environment environments $(GATES)
check: $(GATES) ## Run all other gates: style, types, template, package

gates:
	@echo $(GATES)

dev-environment: $(DEV_READY)
environments: $(READY) $(DEV_READY) $(WHEELS) $$(RUNTIME) $(foreach name,sam sdk awscli zizmor,$(TOOLS)/$(name)/$(STAMP)) # all of CI's

lint: $(DEV_READY)
	@$(DEV_PY) -m ruff check
	@$(DEV_PY) -m ruff format --check

types: $(DEV_READY)
	@$(DEV_PY) -m mypy handler sandbox tools benchmarks tests

sam: $(TOOLS)/sam/$(STAMP) build # what sam builds is what make builds
	@$(SAM) validate --region eu-west-1
	@$(SAM) build >$(TOOLS)/sam-build.log 2>&1 || { cat $(TOOLS)/sam-build.log >&2; exit 1; }
	@diff -rq .aws-sam/build/NotifierFunction build/package

sam-deploy: $(DEV_READY) $(READY) $(WHEELS) $(TOOLS)/sam/$(STAMP) # `make deploy` and `make undeploy`, to AWS in memory
	@WITH_SAM=1 $(DEV_PY) -m pytest -m sam tests/tools/test_sam.py

cfn-lint: $(DEV_READY) # sees next to nothing in a SAM template, but most faults in what it is transformed into
	@mkdir -p $(TOOLS)
	@$(DEV_PY) -c 'import json, sandbox.template as t; print(json.dumps(t.to_cloudformation(t.TEMPLATE_FILE.read_text())))' \
		>$(TOOLS)/template.json
	@$(DEV_PY) $(DEV_VENV)/bin/cfn-lint --include-checks I -- $(TOOLS)/template.json
	@echo "cfn-lint: nothing to say"

zizmor: $(TOOLS)/zizmor/$(STAMP) # the workflows: actions pinned, permissions, what a stranger's text can do
	@$(TOOLS)/zizmor/bin/zizmor --offline --quiet .github && echo "zizmor: nothing to say"

sdk: $(DEV_READY) $(TOOLS)/sdk/$(STAMP) # Zoho's official SDK reads the fake Zoho
	@ZOHO_SDK_PYTHON=$(abspath $(TOOLS)/sdk/bin/python) $(DEV_PY) -m pytest -m sdk tests/sdk

aws-cli: $$(if $$(RUNTIME_PYTHON),$(DEV_READY) release $(TOOLS)/awscli/$(STAMP) $$(RUNTIME)) # AWS's command line installs it
	@if [ -z "$(RUNTIME_PYTHON)" ]; then echo "A release is compiled, and Lambda's Python is not here: nothing was tried"; \
	else AWSCLI_PYTHON=$(abspath $(TOOLS)/awscli/bin/python) $(DEV_PY) -m pytest -m aws_cli tests/tools/test_release.py; fi

browser: $(DEV_READY) # Chromium reads the gallery; without one it says so, and in CI it fails
	@CHROMIUM_REQUIRED=$(CI) $(DEV_PY) -m pytest -m deep tests/gallery/test_browser.py

.PHONY: build-NotifierFunction soak mutants bench lock audit dynamodb-local
build-NotifierFunction: $(READY) $(WHEELS) # sam build calls it
	@$(PY) -m tools.build --target "$(ARTIFACTS_DIR)"

soak: $(DEV_READY) ## Break everything around the function (SECONDS=600, SEED=n)
	@SECONDS=$(or $(SECONDS),600) SEED=$(SEED) $(DEV_PY) -m tests.faults

MUTMUT = $(TOOLS)/mutants/bin/python $(TOOLS)/mutants/bin/mutmut
DRAW = import random, sys; names = sorted(line.split(":")[0].strip() for line in sys.stdin); \
	random.seed(int(sys.argv[2])); print(*random.sample(names, min(int(sys.argv[1]), len(names))))
# The first run makes all mutants and measures which test reaches which; as none is called `none`, it tries none.
mutants: $(TOOLS)/mutants/$(STAMP) ## Break the code, list what no test sees (COUNT=50, SEED=1)
	@$(MUTMUT) run none >$(TOOLS)/mutants.log 2>&1 || grep -q "Filter: ('none',)" $(TOOLS)/mutants.log || { \
		tail -n 20 $(TOOLS)/mutants.log >&2; exit 1; }
	@$(MUTMUT) run --max-children 2 $$($(MUTMUT) results --all true | $(PYTHON) -c '$(DRAW)' $(or $(COUNT),50) $(or $(SEED),1))
	@$(MUTMUT) results | sed '/: not checked$$/d'
	@echo "What one changes: $(MUTMUT) show NAME"

bench: build ## Measure what a check costs (five minutes, two CPUs)
	@$(PY) -m benchmarks

# requirements/dev.txt begins with run.txt: what both need is locked once.
OWN = import re; run, dev = (re.split(r"\n(?=\S)", open(f"requirements/{name}.txt").read().strip()) for name in ("run", "dev")); \
	print("-r run.txt", *(one for one in dev if one not in run), sep="\n", file=open("requirements/dev.txt", "w"))
lock: $(TOOLS)/lock/$(STAMP) ## Upgrade every locked dependency
	@$(call compile,pyproject.toml,runtime)
	@$(call compile,pyproject.toml --group dev --constraint requirements/runtime.txt,dev)
	@$(call compile,pyproject.toml --group run --constraint requirements/dev.txt,run)
	@$(call compile,--group lambda --constraint requirements/dev.txt,lambda)
	@for group in awscli lock sam sdk zizmor; do $(call compile,--group $$group,$$group); done
	@$(PYTHON) -c '$(OWN)'
	@git --no-pager diff --stat -- requirements

audit: $(TOOLS)/zizmor/$(STAMP) ## Ask PyPI which locked dependencies are known to be vulnerable
	@$(TOOLS)/zizmor/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1 # it is not locked itself
	@for lock in requirements/*.txt; do echo "$$lock:"; $(TOOLS)/zizmor/bin/python -m pip_audit --progress-spinner off --strict \
		--disable-pip --require-hashes --requirement $$lock || exit 1; done

compile = echo "Locking requirements/$(2).txt" && \
	$(TOOLS)/lock/bin/uv pip compile $(1) --output-file requirements/$(2).txt --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-annotate --no-header --no-config --quiet || { \
	echo "✗ requirements/$(2).txt could not be locked: uv says why above." >&2; $(ADVICE); exit 1; }

dynamodb-local: $(TOOLS)/dynamodb-local/DynamoDBLocal.jar ## Fetch AWS's DynamoDB for one machine, for the tests

$(TOOLS)/dynamodb-local/DynamoDBLocal.jar: # out of a package of npm's, which checks it
	@command -v npm >/dev/null || { echo "✗ This needs npm, and there is none here." >&2; \
		echo "  → Install Node.js. The tests run without: those that want it are skipped." >&2; exit 1; }
	@mkdir -p $(@D) && cd $(@D) && npm pack --silent amplify-dynamodb-simulator@2.9.30 >/dev/null && \
		tar -xzf amplify-dynamodb-simulator-2.9.30.tgz --strip-components=2 package/emulator && rm -- *.tgz && touch $(@F) \
		|| { echo "✗ npm could not fetch AWS's DynamoDB (amplify-dynamodb-simulator)." >&2; $(ADVICE); exit 1; }

$(DEV_READY): requirements/dev.txt requirements/run.txt
	$(call environment,$(PYTHON))

$(TOOLS)/lambda/.ready: requirements/lambda.txt
	$(call environment,$(RUNTIME_PYTHON))

$(TOOLS)/mutants/$(STAMP): requirements/dev.txt # the tests' environment once more, with mutmut, which is not locked
	$(call environment,$(PYTHON))
	@$(TOOLS)/mutants/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
