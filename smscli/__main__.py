"""The program: ``smscli`` and ``python -m smscli``."""

import gc

# Imports make ten thousands of objects and hardly any garbage; looking for it takes a tenth of the start-up.
gc.disable()

from smscli.cli import main  # noqa: E402  (after the line above, on purpose)

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
