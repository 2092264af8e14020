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

from ministack.app import main

sys.argv = ["ministack"]
main()
