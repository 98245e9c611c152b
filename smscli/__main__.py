"""The program: ``smscli`` and ``python -m smscli``."""

# The module behind `signal`, which imports enum first: milliseconds in which Ctrl-C would still print a traceback.
import _signal as signal  # type: ignore[import-not-found]  # typeshed knows the public one only

# Until somebody is asked something, Ctrl-C ends the program as SIGTERM does: at once, by the signal itself, without a
# traceback from the middle of an import. What the parent made ignored stays ignored. Here and nowhere else: who
# imports the library keeps the handlers he has.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import gc
import sys
import warnings

# requests does without a detector of charsets, which no answer needs here, and which takes 10 ms to load. In the
# program only: who imports the library may use requests for more.
sys.modules["charset_normalizer"] = sys.modules["chardet"] = None  # type: ignore[assignment]  # "not there", to an import
warnings.filterwarnings("ignore", "Unable to find acceptable character detection")

# Imports make ten thousands of objects and hardly any garbage; looking for it takes a tenth of the start-up.
gc.disable()

from smscli.cli import main  # noqa: E402  (after the line above, on purpose)

gc.freeze()
# A command that loads more (HTTP, the journal) makes thousands of objects again; by default 700 begin a search.
gc.set_threshold(10_000)
gc.enable()

if __name__ == "__main__":
    main()
