#!/bin/sh
# Makes the virtual environment and installs groundup into it, with a CPU build of torch unless an NVIDIA GPU is seen.
# Usage: setup.sh PYTHON VENV EXTRAS
set -eu
python=$1; venv=$2; extras=$3
here=$(cd "$(dirname "$0")/.." && pwd)

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "groundup needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1). Try: make PYTHON=python3.12 ..." >&2
  exit 2
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip="$venv/bin/python -m pip"
export PIP_DISABLE_PIP_VERSION_CHECK=1

if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1; then
    echo "An NVIDIA GPU is here: installing torch with CUDA (about 3 GB to download)." >&2
    $pip install -q 'torch>=2.11,<2.16'
  else
    # The default index serves the CUDA build on Linux. Where pip finds a CPU build (a local wheel, macOS, Windows), take
    # it; else let uv fetch it from the CPU index of the torch project.
    echo "No NVIDIA GPU: installing the CPU build of torch (about 200 MB to download)." >&2
    chosen=$($pip install --dry-run -q --no-deps --report - -c "$here/constraints/cpu.txt" torch 2>/dev/null |
      "$venv/bin/python" -c 'import json,sys; r=json.load(sys.stdin)["install"]; print(r[0]["metadata"]["version"] if r else "")' || true)
    case "$chosen$(uname -s)" in
      *+cpu*|*Darwin) $pip install -q -c "$here/constraints/cpu.txt" torch ;;
      *) $pip install -q uv && "$venv/bin/uv" pip install -q --python "$venv/bin/python" --torch-backend=cpu \
           -c "$here/constraints/cpu.txt" torch || $pip install -q -c "$here/constraints/cpu.txt" torch ;;
    esac
  fi
fi
echo "Installing groundup${extras:+ with [$extras]} (about 150 MB to download the first time)." >&2
$pip install -q --prefer-binary -e "$here${extras:+[$extras]}"
