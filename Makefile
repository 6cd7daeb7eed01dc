# Everything starts here: each goal does its own set-up, and nothing that was done before.
# PYTHON=/path/to/python3.11 chooses another interpreter; ARGS="..." is handed on to the command of the goal.
.PHONY: help setup demo test bench clean
SETUP = @python3 tools/setup.py $(if $(PYTHON),--python "$(PYTHON)")

help:
	@echo "make demo    a synthetic scene through the real node, with a report"
	@echo "make test    the tests"
	@echo "make setup   only the set-up: .venv with ROS 2, the messages and the package"
	@echo "make bench   the benchmarks"
	@echo "make clean   remove what was built (rm -rf .venv removes the environment as well)"

setup:
	$(SETUP)
	@echo "Ready: make demo, make test, .venv/bin/sam3d-ros --help"

demo:
	$(SETUP)
	@.venv/bin/sam3d-ros demo $(ARGS)

test:
	$(SETUP) --tests
	@.venv/bin/python -m pytest $(ARGS)

bench:
	$(SETUP) --tests
	@for file in bench/bench_*.py; do echo "== $$file"; .venv/bin/python "$$file" || exit 1; done

clean:
	rm -rf build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis
