"""Looking for bytes in the memory of a running process; only root may, for one that is not dumpable."""
import re


def locked_ranges(pid):
    locked, place = set(), ""
    with open("/proc/%d/smaps" % pid) as smaps:
        for line in smaps:
            if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
                place = line.split()[0]
            elif line.startswith("VmFlags:") and " lo" in line:
                locked.add(place)
    return locked


def search(pid, secrets):
    """{name: [places]} of the writable memory that holds each of {name: bytes}: "locked", or the range."""
    seen = {}
    locked = locked_ranges(pid)
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb") as memory:
        for line in maps:
            place, mode = line.split()[:2]
            if "rw" not in mode or "[vv" in line:
                continue
            first, last = (int(x, 16) for x in place.split("-"))
            try:
                memory.seek(first)
                data = memory.read(last - first)
            except (OSError, ValueError):
                continue
            for name, secret in secrets.items():
                if secret in data:
                    seen.setdefault(name, []).append("locked" if place in locked else line.strip())
    return seen
