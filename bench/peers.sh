#!/usr/bin/env bash
# Installs what hre is measured against, and what makes the models for it, from PyPI into a Python of its own.
#
#   bench/peers.sh [FOLDER]      default: build/peers; then FOLDER/bin/python bench/eval_speed.py ...
#
# Several GB: PyPI's PyTorch comes with its libraries for GPUs.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build/peers}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q -r bench/peers.txt
echo "$folder/bin/python"
