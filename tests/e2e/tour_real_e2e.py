#!/usr/bin/env python3
"""The demo's story on a real kube-apiserver, with kubectl as the independent eye."""
import sys

from tour import tell

sys.exit(tell("real"))
