# Runs the emulator until its owner ends: its standard input is a pipe that closes with the owner, however that ends,
# and the whole process group goes with it, the functions' processes included.
import os
import signal
import sys
import threading


def end_with_the_owner():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=end_with_the_owner, daemon=True).start()

from ministack.app import main

sys.argv = ["ministack"]
main()
