# `make serve` and `make test` are all that a newcomer needs; both set up what is missing.

CARGO ?= cargo
DEMO ?= demo
# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The program that tests run.
OSA := $(abspath $(TARGET))/debug/osa

# Tests are compiled by clippy, so that one build both lints and makes what is tested: a separate lint
# would compile every dependency once more. Every invocation selects the whole workspace, since another
# selection has other features and compiles again.
TESTS := test test-setup test-build test-fast test-long unit browser slurm fuzz
$(TESTS): export RUSTC_WORKSPACE_WRAPPER := clippy-driver
$(TESTS): export CLIPPY_ARGS := -Dwarnings__CLIPPY_HACKERY__
# CI builds once: what an incremental build would keep for the next time is only written.
$(if $(CI),$(eval $(TESTS): export CARGO_INCREMENTAL := 0))
# Tests start processes and wait for them: two for each processor keep it busy.
$(TESTS): export RUST_TEST_THREADS ?= $(shell expr 2 \* $$(nproc))

.PHONY: help serve test test-setup test-build test-fast test-long unit browser slurm fuzz bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## Build everything and serve demo nights in the browser (local scheduler, SQLite)
	end2end/setup build
	# Not optimised: optimising takes longer than the demo is looked at.
	$(CARGO) build --workspace --locked
	$(TARGET)/debug/xtask site
	end2end/serve-demo $(TARGET)/debug/osa $(DEMO)

test: ## Run every test: lints, unit, integration, browser, real Slurm
	end2end/setup build
	# Packages are fetched while the compiler works.
	$(MAKE) --no-print-directory --jobs 2 test-setup test-build
	# Side by side, since the latter two wait more than they work; `unit` takes the time they leave.
	$(MAKE) --no-print-directory --jobs 3 --output-sync=target unit browser slurm

test-setup: ## Install what the tests drive: Chromium, a real Slurm and others
	end2end/setup test

test-build: ## Compile everything that tests run; warnings are errors, and so is untidy formatting
	$(CARGO) fmt --all --check
	$(CARGO) build --workspace --all-targets --locked
	$(TARGET)/debug/xtask site
	$(TARGET)/debug/xtask sqlx --check
	$(TARGET)/debug/xtask terms

test-fast: ## Lints, unit and integration tests; neither browser nor real Slurm
	end2end/setup test
	$(MAKE) --no-print-directory test-build
	$(MAKE) --no-print-directory unit

unit: ## Unit and integration tests on the local scheduler and the scripted fake Slurm
	nice -n 10 end2end/test-env $(CARGO) test --workspace --locked
	OSA=$(OSA) nice -n 10 end2end/test-env end2end/provenance/original

browser: ## Browser tests (Chromium through playwright, axe)
	cd end2end/browser && OSA=$(OSA) ../test-env npm test

slurm: ## The scheduler scenarios and a whole night on a real one-node Slurm
	OSA=$(OSA) end2end/test-env end2end/slurm/test

test-long: ## What takes longer: many more property cases, rounds of kills, a hanging disk, a release and its limits
	end2end/setup long
	$(MAKE) --no-print-directory test-build
	end2end/test-env end2end/long

bench: ## Measure speed and memory, and print the figures
	end2end/setup build
	$(CARGO) build --workspace --release --locked
	$(TARGET)/release/xtask site --release
	$(TARGET)/release/bench $(TARGET)/release/osa

fuzz: ## Give every parser random input for MINUTES minutes in all, and print how much
	$(CARGO) build --workspace --all-targets --locked
	$(TARGET)/debug/fuzz $(or $(MINUTES),5)

clean: ## Remove the demo and everything built
	rm -rf $(DEMO)
	$(CARGO) clean
