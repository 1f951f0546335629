# Two commands set everything up on a fresh Debian machine, straight after `git clone`:
#   make demo     builds sluice and shows it at work (CLUSTER=real: on a real kube-apiserver)
#   make test     brings what the tests need, builds with sanitizers and runs them all
# The rest:
#   make release | dev | tsan   builds build/release/sluice, the debug build, the ThreadSanitizer build
#   make conformance            the cases of ../shared/conformance against build/release/sluice
#   make bench                  the measurements of bench/
#   make fuzz [FUZZ_SECONDS=60]      runs each fuzz target that long
#   make format-check | tidy    what STYLE asks of formatting, and clang-tidy
#   make clean                  removes build/, keeps the caches outside of it
# Everything is done by the scripts in scripts/; cmake and ctest presets are underneath.
.PHONY: demo test release dev tsan conformance bench fuzz format-check tidy clean
.DEFAULT_GOAL := release
MAKEFLAGS += --no-print-directory --no-builtin-rules
STEP := scripts/step
CLUSTER ?= sandbox
FUZZ_SECONDS ?= 60

demo:
	@$(STEP) "packages" scripts/deps $(if $(filter real,$(CLUSTER)),--tests)
	@$(STEP) "build release" scripts/build release sluice
	@CLUSTER=$(CLUSTER) scripts/demo

test:
	@$(STEP) "packages and programs" scripts/deps --tests
	@$(STEP) "build dev (AddressSanitizer, UndefinedBehaviorSanitizer)" scripts/build dev
	@$(STEP) "build release" scripts/build release sluice
	@$(STEP) "tests" scripts/test dev

release:
	@$(STEP) "packages" scripts/deps
	@$(STEP) "build release" scripts/build release sluice

dev tsan:
	@$(STEP) "packages" scripts/deps
	@$(STEP) "build $@" scripts/build $@

conformance: release
	@$(STEP) "conformance" tests/conformance/run

bench: release
	@$(STEP) "bench" bench/run

fuzz:
	@$(STEP) "packages and programs" scripts/deps --tests
	@$(STEP) "fuzz" scripts/fuzz $(FUZZ_SECONDS)

format-check:
	@$(STEP) "packages" scripts/deps --lint
	@$(STEP) "format" scripts/format-check

tidy:
	@$(STEP) "packages" scripts/deps --lint
	@$(STEP) "build dev" scripts/build dev
	@$(STEP) "clang-tidy" scripts/tidy

clean:
	rm -rf build
