# Runs the emulator until its owner ends: its standard input is a pipe that closes with the owner, however that ends,
# and the whole process group goes with it, the functions' processes included.
import errno
import os
import signal
import subprocess
import sys
import threading
import time


def end_with_the_owner():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=end_with_the_owner, daemon=True).start()


class Popen(subprocess.Popen):
    """Starts a program also while another thread unpacks it: a process that was forked at that moment holds the file
    open for writing until it runs its own program, and the kernel says "text file busy" for these milliseconds."""

    def __init__(self, *args, **kwargs):
        for _ in range(100):
            try:
                return super().__init__(*args, **kwargs)
            except OSError as error:
                if error.errno != errno.ETXTBSY:
                    raise
                time.sleep(0.02)
        super().__init__(*args, **kwargs)


subprocess.Popen = Popen

from ministack import app

named = app._ct_event_name


def event_name(service, method, path, headers, query_params):
    """What CloudTrail calls a call: the emulator takes each one of an alias for ListAliases, which only reads."""
    if service == "lambda" and "/aliases/" in path and method in ("PUT", "DELETE"):
        return ("UpdateAlias" if method == "PUT" else "DeleteAlias") + "20150331"
    return named(service, method, path, headers, query_params)


app._ct_event_name = event_name

sys.argv = ["ministack"]
app.main()
