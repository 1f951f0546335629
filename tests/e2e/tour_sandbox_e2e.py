#!/usr/bin/env python3
"""The demo on the sandbox tells its story, and plaintext is found nowhere but in the API server's memory."""
import sys

from tour import tell

sys.exit(tell("sandbox"))
