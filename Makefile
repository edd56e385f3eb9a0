# Two commands do everything, set-up included: `make` and `make test`. `make test-cluster`, as root
# on Debian, brings up a Slurm cluster of two nodes for the rest.
#
#   make CORES=2          on two cores instead of all
#   make ARGS=--dry-run   more options for the tool that a target runs
#   make PYTHON=python3.12
#                         the interpreter to set up with (read when .venv is made)

CORES ?= all
ARGS ?=

in_env = PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: run gallery test test-unit test-newest test-cluster lint lock clean environment

run: environment
	@$(in_env) snakemake --cores $(CORES) $(ARGS)

# Real tables of several fields, a folder a configuration; all are run, whichever fails.
gallery: environment
	@status=0; for config in gallery/*/config; do $(in_env) snakemake --directory "$${config%/config}" \
		--cores $(CORES) $(ARGS) || status=1; done; exit $$status

# Two at once: tests wait for one another's compilation, and runs that they make have two cores.
test: environment
	@$(in_env) pytest --numprocesses 2 --dist worksteal $(ARGS)

test-unit: environment
	@$(in_env) pytest tests/unit $(ARGS)

# The newest releases of the packages: those that our bounds allow (a failure is a bug for users
# today), then those beyond (a change to come). ARGS=allowed or ARGS=beyond for one of them.
test-newest: environment
	@.venv/bin/python tools/newest.py $(ARGS)

test-cluster: environment
	@tests/cluster/slurm up
	@$(in_env) pytest tests/cluster $(ARGS); status=$$?; tests/cluster/slurm down && exit $$status

lint: environment
	@$(in_env) ruff check
	@$(in_env) ruff format --check
	@$(in_env) snakefmt --check Snakefile workflow/rules
	@$(in_env) snakemake --lint

# After a change in pyproject.toml. Pins stay where they are; ARGS=--upgrade moves them all.
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	@uv pip compile --quiet --universal --python-version 3.12 --extra cluster --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		$(ARGS) --output-file requirements.lock pyproject.toml

# Everything runs have made; the environment stays.
clean:
	rm -rf results/* gallery/*/results .snakemake gallery/*/.snakemake .pytest_cache .hypothesis .ruff_cache

environment:
	@PYTHON="$(PYTHON)" tools/setup
