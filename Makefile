# `make serve` and `make test` are all that a newcomer needs; both set up what is missing.

CARGO ?= cargo
DEMO ?= demo
# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: serve test bench lint unit browser slurm clean help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## Build everything and serve demo nights in the browser (local scheduler, SQLite)
	end2end/setup build
	$(CARGO) xtask build --release
	end2end/serve-demo $(TARGET)/release/osa $(DEMO)

test: ## Run every test: lints, unit, integration, browser, real Slurm
	end2end/setup test
	$(MAKE) --no-print-directory lint unit browser slurm

lint: ## Formatting and clippy, natively and for WebAssembly; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --quiet -p app --lib --target wasm32-unknown-unknown --no-default-features -F hydrate --locked -- -D warnings

unit: ## Unit and integration tests on the local scheduler and the scripted fake Slurm
	$(CARGO) build --quiet --locked -p standins -p server
	$(CARGO) test --workspace --locked
	OSA=$(abspath $(TARGET))/debug/osa end2end/provenance/original

browser: ## Browser tests (Chromium through playwright, axe)
	$(CARGO) xtask build
	cd end2end/browser && OSA=$(abspath $(TARGET))/debug/osa npm test

slurm: ## The scheduler scenarios and a whole night on a real one-node Slurm
	$(CARGO) xtask build
	OSA=$(abspath $(TARGET))/debug/osa end2end/slurm/test

bench: ## Measure speed and memory, and print the figures
	end2end/setup build
	$(CARGO) xtask build --release
	$(CARGO) run --release --quiet -p bench -- $(TARGET)/release/osa

clean: ## Remove the demo and everything built
	rm -rf $(DEMO)
	$(CARGO) clean
