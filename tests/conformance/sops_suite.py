"""SOPS files with age and OpenPGP keys: `sluice decrypt FILE` must print the bytes that `sops decrypt FILE` prints, and must
print nothing and fail where the file was tampered with or the keys do not suffice."""

import os
import re
import shutil
import subprocess
import tempfile


def is_pgp(key):
    return key.endswith((".asc", ".gpg"))


def decrypt(options, file, keys):
    """(exit status, stdout, stderr) of decrypting `file` with the age identities and OpenPGP keys of the files
    `keys` and nothing else."""
    home = tempfile.mkdtemp(prefix="sluice-conformance-")
    try:
        identities = os.path.join(home, "keys.txt")
        with open(identities, "w") as out:
            for key in [key for key in keys if not is_pgp(key)]:
                with open(key) as one:
                    out.write(one.read() + "\n")
        name = os.path.basename(file)
        # A file encrypted as binary is JSON outside; only a name that says nothing makes it binary again.
        copy = os.path.join(home, re.sub(r"\.json$", "", name) if name.startswith("bin-") else name)
        shutil.copy(file, copy)
        done = subprocess.run([options.sluice, "decrypt", copy], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "HOME": home, "SOPS_AGE_KEY_FILE": identities,
                                   "SLUICE_PGP_KEY_FILE": ":".join(key for key in keys if is_pgp(key))})
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return -1, b"", "no end after 60 s"
    finally:
        shutil.rmtree(home)


def wanted(options, file, keys, expected):
    status, out, err = decrypt(options, file, keys)
    if status != 0:
        return "fail", "exit %d: %s" % (status, (err.strip().splitlines() or [""])[0])
    if expected is not None and out != expected:
        return "fail", "output differs"
    return "pass", ""


def refused(options, file, keys):
    status, out, _ = decrypt(options, file, keys)
    if status == 0:
        return "fail", "was decrypted"
    if status < 0 or status in (126, 127):
        return "fail", "did not run (%d)" % status
    return ("fail", "printed %d bytes before it failed" % len(out)) if out else ("pass", "")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def run(options):
    base = os.path.join(options.cases, "sops")
    if not os.path.isdir(base):
        return {}, "no %s" % base
    tasks, results = {}, {}

    def add(name, function, *arguments):
        if re.search(options.only, name):
            tasks[name] = (function, arguments)

    folder = os.path.join(base, "generated-upstream")
    keys = [os.path.join(folder, "keys", "age-%s.txt" % letter) for letter in "abc"]
    keys.append(os.path.join(folder, "keys", "pgp-cv25519.sec.asc"))
    for name in sorted(os.listdir(folder)):
        file = os.path.join(folder, name)
        if ".enc." in name:
            plain = name.replace(".enc.", ".dec.")
            if name.startswith("bin-"):
                plain = plain.replace(".json", ".bin")
            add("generated-upstream/" + name, wanted, file, keys, read(os.path.join(folder, plain)))
            if "shamir" in name:
                add("generated-upstream/%s with one key" % name, refused, file, keys[:1])
            else:
                add("generated-upstream/%s with no key" % name, refused, file, [])
        elif name.startswith("NEG-"):
            add("generated-upstream/" + name, refused, file, keys)
        elif name.startswith("OK-"):
            add("generated-upstream/" + name, wanted, file, keys, None)
    flux_keys = os.path.join(base, "flux", "keys")
    add("flux-pkg/tampered-mac.secret.age.yaml", refused, os.path.join(base, "flux-pkg", "tampered-mac.secret.age.yaml"),
        [os.path.join(flux_keys, "age.txt")])
    no_mac = "getsops/functional-tests/res/no_mac.yaml"
    add(no_mac, refused, os.path.join(base, "getsops", "fixtures", "functional-tests", "res", "no_mac.yaml"), keys)
    folder = os.path.join(base, "getsops", "keys")
    identities = {"flux": [os.path.join(flux_keys, name) for name in ("age.txt", "age-pq.txt", "age-global.txt", "pgp.asc")],
                  "kluctl": [os.path.join(base, "kluctl", "keys", name) for name in ("test-key.txt", "private.gpg")],
                  "getsops": [os.path.join(folder, "sops_functional_tests_key.asc")],
                  "ksops": [os.path.join(base, "ksops", "keys", "key.asc")]}
    for origin, own_keys in identities.items():
        top = os.path.join(base, origin, "expected")
        for where, _, names in os.walk(top):
            for name in names:
                path = os.path.relpath(os.path.join(where, name), top)
                file, case = os.path.join(base, origin, "" if origin == "ksops" else "fixtures", path), "%s/%s" % (origin, path)
                if case == no_mac or not re.search(options.only, case):
                    continue
                add(case, wanted, file, own_keys, read(os.path.join(where, name)))
    for name, (function, arguments) in tasks.items():
        results[name] = function(options, *arguments)
    return results, None
