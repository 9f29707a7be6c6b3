"""Interrupts are heard, as the tests of them need: a shell that starts a command in the background
has it ignore them, and so would its children."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
