"""An attack by its name: `python -m benchmarks.attacks tables --data-dir F main-2024`."""

import sys
from importlib import import_module

if __name__ == "__main__":
    import_module(f"benchmarks.attacks.{sys.argv.pop(1)}").main()
