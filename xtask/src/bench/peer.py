"""Runs one of the peers' scripts: argv is FOLDER SCRIPT ARGUMENTS, FOLDER that of common.py.

The scripts repeat a measurement while other programs disturb it, and wait for them for minutes. Unattended runs
must end: waits, repetitions and the whole are bounded here; nothing else about the measurement changes."""
import runpy
import signal
import sys

WAIT_S, REPEAT_S, WHOLE_S = 5.0, 30.0, 200

signal.alarm(WHOLE_S)

folder, script = sys.argv[1:3]
sys.path.insert(0, folder)
import common

wait_idle = common.wait_idle
common.wait_idle = lambda limit=WAIT_S, quiet=0.06: wait_idle(min(limit, WAIT_S), quiet)
for function, name in ((common.bench, "max_s"), (common.paired, "max_s")):
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = list(function.__defaults__)
    defaults[names.index(name) - len(names)] = REPEAT_S
    function.__defaults__ = tuple(defaults)

sys.argv = sys.argv[2:]
runpy.run_path(script, run_name="__main__")
