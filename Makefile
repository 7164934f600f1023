# `make run` starts Admit, `make test` proves it; `make` alone lists what there is.
# Needs make and Python 3.11 or later; everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help run run-lambda test compiled check servers peers client bench races growth scoreboard lambda clean
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV PIP_USER PIP_TARGET PIP_PREFIX

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --no-input --disable-pip-version-check --quiet -c constraints.txt

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

run: .venv/server.stamp ## start the server (HOST=… and PORT=… pass through)
	@$(BIN)/admit serve $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)')

run-lambda: .venv/dev.stamp ## run the AWS Lambda function here, on an emulated table (HOST, PORT, PROCESSES, FORM)
	@$(BIN)/python -m desk $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)') $(if $(PROCESSES),--processes '$(PROCESSES)') $(if $(FORM),--form '$(FORM)')

test: ## everything that CI runs: check, and all tests with coverage
	@$(MAKE) --no-print-directory -j3 check servers compiled
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term

# Every worker of pytest reads every file of tests, and rewrites it unless that was done before: 17 s
# of the processor for each worker, against 6. While `servers` waits for packages, there is time.
# What can't be read says so in the run itself.
compiled: .venv/dev.stamp
	@$(BIN)/python -m pytest --collect-only -q >/dev/null 2>&1 || true

check: .venv/dev.stamp ## lint, formatting, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# After .venv/bin/pip, which may need apt-get as well: two of them at once stop each other.
# Debian keeps PostgreSQL's programs outside the PATH. Tests start servers of their own; one that
# the package starts by itself is left alone and not used.
servers: ## PostgreSQL, Redis, Chromium, Node, spin and npm packages for the tests, installed where apt-get and npm may
servers: PROGRAMS := postgresql redis-server chromium nodejs spin gcc
servers: FOLDERS := tests/node clients/js benchmarks/peers/node
peers: ## PostgreSQL, Node and npm packages for the benchmarks and the races, likewise
peers: PROGRAMS := postgresql nodejs
peers: FOLDERS := tests/node benchmarks/peers/node
servers peers: | .venv/bin/pip
	@missing=; for program in $(PROGRAMS); do case $$program in \
		postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql" ;; \
		nodejs) command -v node >/dev/null && command -v npm >/dev/null || missing="$$missing nodejs npm" ;; \
		gcc) echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1 || missing="$$missing gcc libc6-dev" ;; \
		*) command -v $$program >/dev/null || missing="$$missing $$program" ;; \
	esac; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo="sudo -n"; fi; \
	echo "Installing$$missing for the tests and the benchmarks."; \
	{ $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null 2>&1 \
		|| echo "Could not install$$missing: what needs it is skipped, and fails where CI=true." >&2
	@for folder in $(FOLDERS); do \
		if [ $$folder/package.json -ot $$folder/node_modules ]; then continue; fi; \
		echo "Installing the npm packages of $$folder."; \
		{ npm install --prefix $$folder --no-package-lock --no-audit --no-fund && touch $$folder/node_modules; } >/dev/null 2>&1 \
			|| echo "Could not install them: what needs them is skipped, and fails where CI=true." >&2; \
	done

# The pages need it without Node, so what is built is committed.
client: servers ## build the browser client, and put it where the pages load it
	@node clients/js/build.js --static
	@gzip -9c clients/js/dist/index.js | wc -c | sed 's/.*/The browser client: & bytes, packed./'

bench: .venv/dev.stamp peers ## measure the speed on this machine, beside others' (PARTS="protected storm", JSON=…)
	$(BIN)/python -m benchmarks $(PARTS) $(if $(JSON),--json '$(JSON)')

scoreboard: .venv/dev.stamp ## make docs/scoreboard.md and its charts from the results in docs/scoreboard
	@$(BIN)/python -m benchmarks.scoreboard $(if $(UNEXPLAINED),--unexplained)

growth: .venv/dev.stamp peers ## measure refreshes among many sessions, and what they leave (SYSTEMS=admit MOST=10000000, JSON=FILE)
	$(BIN)/python -m benchmarks.growth $(SYSTEMS) $(if $(MOST),--most '$(MOST)') $(if $(JSON),--json '$(JSON)')

lambda: .venv/dev.stamp ## build the zips for AWS Lambda, list what is in them, try them alone (PYTHON=3.13)
	@$(BIN)/python -m desk.package $(if $(PYTHON),--python '$(PYTHON)')

races: .venv/dev.stamp peers ## see who is signed out for nothing, and which thief is seen (SYSTEMS="admit django", SEED=7, JSON=FILE)
	$(BIN)/python -m benchmarks.races $(SYSTEMS) $(if $(SEED),--seed '$(SEED)') $(if $(JSON),--json '$(JSON)')

clean: ## remove .venv and what the tools made; data and .env stay
	rm -rf .venv build dist clients/js/dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/server.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing Admit into .venv."
	@$(PIP_INSTALL) -e '.[server]'
	@touch $@

# Most modules of the tools are never imported; what is, Python compiles then.
# fastapi-users pins older releases of what we use ourselves; the tests of moving away from it hold
# that it runs on these.
.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing Admit and its tools into .venv."
	@$(PIP_INSTALL) --no-compile -e '.[server,postgres,redis,metrics,aws,fastapi,flask,django,litestar,sqlalchemy,client,dev]'
	@$(PIP_INSTALL) --no-compile --no-deps fastapi-users fastapi-users-db-sqlalchemy
	@touch $@ .venv/server.stamp

# pip is the last thing that venv makes: where it is missing, the environment is not complete.
# Debian keeps a part of venv in a package of its own, named after the Python.
.venv/bin/pip:
	@found=; for py in python3.11 python3; do \
		if "$$py" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$py; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Admit needs Python 3.11 or later: install it and run make again." >&2; exit 1; fi; \
	if "$$found" -m venv --clear .venv >/dev/null 2>&1; then exit 0; fi; \
	package=$$("$$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo="sudo -n"; fi; \
	echo "Installing $$package, which Python needs to make an environment."; \
	{ $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$package"; } >/dev/null 2>&1 \
		&& "$$found" -m venv --clear .venv \
		|| { echo "Python cannot make an environment here: install $$package (Debian: apt-get install $$package) and run make again." >&2; exit 1; }
