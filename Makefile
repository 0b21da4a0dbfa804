# make demo   install what predicting needs and read a sample article
# make test   install everything and run all checks
# make fuzz   feed a million bad inputs to every way in (INPUTS=..., goes on where it stopped)
# make faults kill, fill the disk, and start again (TRIES=..., goes on where it stopped)
# make clean  remove both environments and what the checks leave behind

SAMPLE := model/khabar/samples/article.txt
TITLE := شاخص آلودگی هوای کابل به ۲۸۶ رسید
TARGET := شرکت سنگین‌بنای وطن
CLAIM := فلتر کوره خشت‌پزی هر شب روشن است

.PHONY: demo test fuzz faults clean
.DEFAULT_GOAL := demo

demo: .venv-core/installed
	.venv-core/bin/khabar predict $(SAMPLE) --title '$(TITLE)' --target '$(TARGET)' --target 'شاروالی کابل' --claim '$(CLAIM)'

test: .venv/installed
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest

INPUTS ?= 1000000
TRIES ?= 200

fuzz: runs/tiny/tiny
	.venv/bin/python -m fuzzing.run runs/tiny/tiny --inputs $(INPUTS)
	.venv/bin/python -m fuzzing.run khabar-small --target predict --inputs 1000 --out runs/fuzz-bundled

faults: runs/tiny/tiny
	.venv/bin/python -m benchmarks.faults runs/tiny --tries $(TRIES)

runs/tiny/tiny: .venv/installed
	.venv/bin/python -m tests.tiny runs/tiny

clean:
	rm -rf .venv .venv-core dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find model data training tests fuzzing benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv-core/installed: pyproject.toml
	$(call environment,.venv-core)
	@echo 'Installing into .venv-core: a minute or two, once'
	@.venv-core/bin/python -m pip install --quiet --editable .
	touch $@

.venv/installed: pyproject.toml
	$(call environment,.venv)
	@echo 'Installing into .venv, once: about ten minutes, 3 GB to fetch'
	@.venv/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

# The first interpreter that is Python 3.12 or 3.13 and can make an environment with pip; PYTHON=... goes first.
CANDIDATES = $(PYTHON) python3.12 python3 python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[23].*/bin/python
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 14))

# $(call environment,FOLDER): make FOLDER unless a working environment stands there.
define environment
@$(1)/bin/python -m pip --version >/dev/null 2>&1 && exit; \
for python in $(CANDIDATES); do \
	if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then exec "$$python" -m venv --clear $(1); fi; \
done; \
echo 'khabar needs Python 3.12 or 3.13 with its venv module, and none was found. Install it' >&2; \
echo '(Debian, Ubuntu: apt install python3.12-venv; pyenv: pyenv install 3.12),' >&2; \
echo 'or name an interpreter: make PYTHON=/path/to/python3.12' >&2; \
exit 1
endef
