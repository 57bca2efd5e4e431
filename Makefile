# The ways to build, test and check hre; CMake does the building. `make` alone lists them.
# What is made lies under build/, one folder a preset.

PRESET ?= release
PREFIX ?= /usr/local
SECONDS ?= 60
PYTHON ?=
FILES ?= src/.*(?<!_test)\.cc$$
NIGHTLY ?=

folder := build/$(PRESET)
smollm2 := $(or $(HRE_DEPS),build/deps)/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
jobs = $(shell tools/jobs.sh)
build = cmake --build $(folder) -j $(jobs)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo smollm2 build test install wheel dist format format-check lint tidy asan tsan fuzz bench engine-check ci-nightly clean configure test-parts

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1#/p' Makefile | while IFS='#' read -r name text; do \
	  printf 'make %-13s %s\n' "$$name" "$$text"; done
	@printf '\nPRESET=dev makes build, test and install use another preset than release (dev, asan-ubsan, tsan).\n'

demo: configure ## set up and build the program, then evaluate the built-in sample
	@$(build) --target hre_program
	$(folder)/src/hre demo --page $(folder)/demo.html

smollm2: configure ## fetch a real language model (SmolLM2-135M-Instruct, 93 MB) and evaluate it on the sample
	@tools/setup.sh smollm2
	@$(build) --target hre_program
	$(folder)/src/hre eval $(smollm2) --data sample

build: test-parts configure ## set up, then build the program, the library and the tests
	@$(build)

test: build ## set up, build, and run every test
	@ctest --test-dir $(folder) -j $(jobs) --output-on-failure --no-tests=error \
	  --output-junit tests.xml --test-output-size-passed 65536

install: configure ## install the program and the library to PREFIX (default /usr/local)
	@$(build) --target hre_program
	@cmake --install $(folder) --prefix '$(PREFIX)'

wheel: ## build the Python package's wheel, with all that it needs inside, into build/wheels (PYTHON=python3.12; default: one for each version)
	@tools/make_wheel.sh $(PYTHON)

dist: ## build what a release consists of into build/dist/out: tarball, Debian package, sums, list of parts
	@tools/make_dist.sh

format: ## format the sources: C++, Python and JavaScript
	@tools/format.sh

format-check: ## say which sources are not formatted
	@tools/format.sh --check

lint: ## look for likely mistakes in Python (ruff), JavaScript (biome) and links of the documents
	@tools/lint.sh
	@tools/check_links.py

tidy: ## run clang-tidy 14 on the sources, or on those that match FILES=regex
	@tools/setup.sh
	@tools/tidy.py --jobs $(jobs) '$(FILES)'

asan: ## the tests under address and undefined-behaviour sanitizers
	@$(MAKE) test PRESET=asan-ubsan

tsan: ## the tests under the thread sanitizer
	@$(MAKE) test PRESET=tsan

fuzz: ## run each fuzz target for SECONDS=60
	@tools/fuzz.sh $(SECONDS)

bench: configure ## build the benchmarks, and list them
	@cmake --preset $(PRESET) -DHRE_BUILD_BENCH=ON >/dev/null
	@$(build)
	@echo 'Built in $(folder)/bench; the head of each source in bench/ says how it is called:'
	@find $(folder)/bench -maxdepth 1 -type f -name 'bench_*' -perm -u+x | sort | sed 's/^/  /'

engine-check: ## try the newest llama.cpp that PyPI has, before the pin is moved
	@tools/engine_check.sh

ci-nightly: ## what takes hours: sanitizers, fuzzing, full simulations, alarms of speed, the newest engine (NIGHTLY="asan fuzz")
	@tools/nightly.sh $(NIGHTLY)

clean: ## remove what was built, but not what was fetched
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true

configure:
	@tools/setup.sh
	@[ -f $(folder)/build.ninja ] || cmake --preset $(PRESET)

test-parts:
	@tools/setup.sh packages tests models torch
