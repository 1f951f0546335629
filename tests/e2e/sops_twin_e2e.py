#!/usr/bin/env python3
"""The same command in twin folders by sops and by sluice: .sops.yaml with all that it may hold, flags and variables
beside it, key groups and Shamir thresholds, updatekeys, rotate, groups, edit, set and unset. Exit status, standard output and the
shape of what was written must be the same (values by type, metadata without ciphertext and times), and each program
must read what the other wrote. Where docs/compat.md says that sluice differs, a case gives the status that it has."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

sys.dont_write_bytecode = True
from programs import SLUICE, check, need

TEXT = "a: 1\nb_unencrypted: x\nc:\n    # note\n    d_enc:\n        - q\n        - 2\n    e: true\n"
VALUE = re.compile(r"ENC\[AES256_GCM,data:[^\]]*,type:(\w+)\]")
RULES = "creation_rules:\n"
PLAIN_KEYS = RULES + "  - age: {a}\n"
TWO_GROUPS = RULES + "  - key_groups:\n    - age: [{a}]\n    - age: [{b}]\n"
THREE_GROUPS = TWO_GROUPS + "    - age: [{c}]\n"
ARN = "arn:aws:kms:us-east-1:111122223333:key/abcd"
EVERY_KEY = RULES + """  - key_groups:
    - merge:
      - kms: [{{arn: 'ARN', role: 'arn:aws:iam::111122223333:role/r', context: {{x: y, z: 5}}, aws_profile: p}}]
        merge: [{{age: [{b}]}}]
      kms: [{{arn: 'ARN'}}, ~, {{arn: 'ARN', role: '', context: {{}}}}, {{arn: 'ARN+arn:aws:iam::1:role/q'}}]
      gcp_kms: [{{resource_id: projects/p/locations/global/keyRings/r/cryptoKeys/k}}]
      azure_keyvault: [{{vaultUrl: 'https://v.vault.azure.net', key: k, version: v1}}]
      hc_vault: ['https://vault:8200/v1/transit/keys/k', 'http://vault/v2/a/b/keys/k/']
      hckms: [{{key_id: 'tr-west-1:abc'}}]
      age: [{a}, {b}]
    - age: [{c}]
""".replace("ARN", ARN)
PLAIN_LISTS = RULES + """  - kms: KMS
    aws_profile: prof
    gcp_kms: GCP
    azure_keyvault: AZURE
    hc_vault_transit_uri: VAULT
    hckms: ['tr-west-1:abc', 'tr-west-1:def']
    age: {a}
"""
MANY = {"KMS": [ARN, ARN + "+arn:aws:iam::1:role/q"], "GCP": ["projects/p/a", "projects/p/b"],
        "AZURE": ["https://v.vault.azure.net/keys/k/v1", "https://w.vault.azure.net/keys/k/v2"],
        "VAULT": ["https://vault:8200/v1/transit/keys/k", "https://vault:8200/v1/transit/keys/l"]}


def with_lists(form):
    return re.sub("KMS|GCP|AZURE|VAULT", lambda found: form(MANY[found.group()]), PLAIN_LISTS)


# What `encrypt` is asked to do: a configuration, further arguments, a status of ours where it is not that of sops.
RULE_CASES = [
    ("", ()), ("creation_rules: []\n", ()), ("creation_rules:\n", ()), ("creation_rules: abc\n", ()), (RULES + "  -\n", ()),
    (RULES + "  - {{}}\n", ()), ("- x\n", ()), ("# nothing\n", ()), ("a: [\n", ()), (PLAIN_KEYS + "foo: {{x: y}}\n", ()),
    (PLAIN_KEYS + "---\ncreation_rules: []\n", ()), ("keys: [&a {a}]\n" + RULES + "  - age: *a\n    what: 1\n", ()),
    ("x: &x {{age: '{a}', encrypted_regex: ^a$}}\n" + RULES + "  - <<: *x\n    encrypted_regex: ^c$\n", ()),
    (RULES + "  - age: {a}\n    age: {b}\n", ()), (RULES + "  -\n  - age: {a}\n", ()),
    *[(RULES + "  - age: %s\n" % keys, ()) for keys in (
        "'{a}, {b},'", "[{a}, {b}]", "['{a},{b}', '{c}']", "['', {a}]", "[~, {a}]", "[5]", "5", "true", "{{a: b}}", "[[{a}]]", "abc",
        "'{a},{a}'", ">-\n      {a},\n      {b}", "''", "{A}")],
    (RULES + "  - path_regex: ^x\\.yaml$\n    age: {a}\n", ()), (RULES + "  - path_regex: ^/\n    age: {a}\n", ()),
    (RULES + "  - path_regex: json$\n    age: {a}\n  - path_regex: zzz\n    age: {b}\n  - age: {c}\n", ()),
    (RULES + "  - path_regex: json$\n    age: {a}\n", ()), (RULES + "  - path_regex: '['\n    age: {a}\n", ()),
    (RULES + "  - age: {a}\n  - path_regex: '['\n", ()), (RULES + "  - age: {a}\n  - path_regex: [x]\n", ()),
    (RULES + "  - age: {a}\n  - shamir_threshold: abc\n", ()), (RULES + "  - age: {a}\n  - age: abc\n", ()),
    (PLAIN_KEYS + "destination_rules: [{{s3_bucket: x, recreation_rule: {{age: '{b}'}}}}]\n", ()),
    *[(PLAIN_KEYS + "    encrypted_regex: ^a$\n    mac_only_encrypted: %s\n" % word, ())
      for word in ("true", "yes", "on", "no", "1", "abc", "[true]", "~")],
    *[(PLAIN_KEYS + "    %s: %s\n" % rule, ()) for rule in (
        ("unencrypted_suffix", "_enc"), ("encrypted_suffix", "_enc"), ("unencrypted_regex", "^c$"), ("encrypted_regex", "^c$"),
        ("unencrypted_comment_regex", "note"), ("encrypted_comment_regex", "note"), ("encrypted_regex", "5"), ("encrypted_regex", "[a]"),
        ("encrypted_regex", ""), ("encrypted_regex", "a\n    encrypted_suffix: b"))],
    (PLAIN_KEYS + "    encrypted_regex: '['\n", (), 1),
    (PLAIN_KEYS + "    encrypted_suffix: z\n", ("--encrypted-suffix", "_enc")), (PLAIN_KEYS + "    encrypted_suffix: z\n", ("--encrypted-regex", "c")),
    (RULES + "  - age: {b}\n    encrypted_regex: ^a$\n", ("--age", "{a}")), (TWO_GROUPS, ("--age", "{a},{c}")),
    (RULES + "  - age: {b}\n    path_regex: zzz\n", ("--age", "{a}")), (RULES + "  - age: abc\n", ("--age", "{a}")),
    (None, ("--age", "{a} , {b}")), (None, ("--age", "{a},")), (None, ()), (None, ("--age", "abc")), (PLAIN_KEYS, ("--age", "")),
    (PLAIN_KEYS, ("--encryption-context", "abc")), (PLAIN_KEYS, ("--encryption-context", "a:b,c:d")),
    (PLAIN_KEYS, ("--input-type", "yml")), (PLAIN_KEYS, ("--output-type", "json")), (PLAIN_KEYS, ("--output-type", "JSON")),
    (PLAIN_KEYS, ("--input-type", "")), (PLAIN_KEYS, ("another.yaml",), 1),
    *[(THREE_GROUPS + "    shamir_threshold: %s\n" % number, ()) for number in ("0", "1", "2", "3", "4", "-1", "'2'", "abc", "~", "300")],
    *[(THREE_GROUPS + "    shamir_threshold: 2\n", ("--shamir-secret-sharing-threshold", number)) for number in ("0", "1", "3", "4")],
    (RULES + "  - key_groups:\n    - age: [{a}, {b}]\n    shamir_threshold: 2\n", ()),
    *[(RULES + "  - age: {c}\n    key_groups: %s\n" % groups, ()) for groups in (
        "[]", "", "abc", "[{{age: [{a}]}}, ~]", "[{{age: [{a}]}}, {{}}]", "[{{age: '{a}'}}]", "[{{age: ['{a},{b}', ~]}}]", "[{{age: ['']}}]",
        "[{{merge: [{{age: [{a}]}}, {{age: [{a}, {b}]}}], age: [{c}]}}]", "[{{merge: {{age: [{a}]}}}}]", "[{{merge: abc, age: [{a}]}}]")],
    (PLAIN_KEYS + "stores: abc\n", ()), (PLAIN_KEYS + "stores: {{yaml: abc}}\n", ()), (PLAIN_KEYS + "stores: {{yaml: {{indent: x}}}}\n", ()),
    (PLAIN_KEYS + "stores: {{json: {{indent: 2}}, foo: {{}}}}\n", ("--output-type", "json")),
]
# What `updatekeys` makes of a file that was encrypted by the first configuration when the second is there.
UPDATES = [(PLAIN_KEYS, after) for after in (
    PLAIN_KEYS, RULES + "  - age: '{b},{a}'\n", RULES + "  - age: {b}\n", TWO_GROUPS, THREE_GROUPS + "    shamir_threshold: 2\n", "stores: {{}}\n",
    "creation_rules: []\n", RULES + "  - path_regex: zzz\n", RULES + "  - {{}}\n", RULES + "  - age: abc\n", "a: [", None)] + [
    (TWO_GROUPS, PLAIN_KEYS), (TWO_GROUPS, THREE_GROUPS), (TWO_GROUPS, TWO_GROUPS), (THREE_GROUPS, TWO_GROUPS),
    (TWO_GROUPS, RULES + "  - key_groups:\n    - age: [{b}]\n    - age: [{a}]\n"),
    (THREE_GROUPS, RULES + "  - key_groups:\n    - age: [{a}, {c}]\n    - age: [{b}]\n"),
    *[(THREE_GROUPS + "    shamir_threshold: 2\n", after)
      for after in (TWO_GROUPS, PLAIN_KEYS, THREE_GROUPS, THREE_GROUPS + "    shamir_threshold: 3\n")]]
# What only shows keys, since nobody agrees: every kind, in every form.
SHOWN = [EVERY_KEY, with_lists(", ".join), with_lists(json.dumps)] + [RULES + "  - %s\n    age: {a}\n" % key for key in (
    "hc_vault_transit_uri: https://v/p/v1/t/keys/k", "hc_vault_transit_uri: https://v/v1/t/foo/k", "hc_vault_transit_uri: HTTPS://V//v1/t/keys/k",
    "hc_vault_transit_uri: 'https://v/v1/t/keys/k, https://v/v10/a/b/keys/l/'", "hc_vault_transit_uri: v/v1/t/keys/k", "hc_vault_transit_uri: https://v/v1/keys/k",
    "hckms: 'a:b'", "hckms: [abc]", "kms: 5", "kms: 'a, b,'", "gcp_kms: ['', x]", "azure_keyvault: http://v/keys/k/v", "azure_keyvault: abc")] + [
    RULES + "  - key_groups: [{{%s}}]\n" % key for key in ("hckms: [{{key_id: abc}}]", "kms: [{{arn: x, context: [a]}}]", "kms: [abc]")]
ANSWERS = (b"y\n", b"  y  \n", b"n\n", b"maybe\ny\n", b"\ny\n", b"y n\ny\n", b"Y\nn\n", b"y", b"")
EDITORS = {"nothing": "exit 0", "change": "printf 'new: value\\nb: [1, x]\\n' > \"$1\"", "failure": "printf 'z: 1\\n' > \"$1\"; exit 3",
           "documents": "printf 'a: 1\\n---\\nb: 2\\n' > \"$1\""}
VALUES = ('"new"', "1.5", "-5.5", "true", "null", "{{}}", '{{"k": ["v", {{"m": null}}]}}', "abc", "", '"a" "b"', "'x'", "NaN")
PATHS = ('["new"]', '["c"]["d_enc"][0]', '["c"]["d_enc"][2]', '["c"]["d_enc"][3]', '["c"]["new"]["deep"]', '["a"]["x"]', '["c"]',
         '["b_unencrypted"]', '["sops"]', "a", '["a"', '["new"][0]')


def scrubbed(value):
    """Without what differs each time."""
    if isinstance(value, dict):
        fixed = {"enc": "E", "mac": "E", "lastmodified": "T", "created_at": "T"}
        return {key: fixed.get(key) or scrubbed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    return VALUE.sub(r"<\1>", value) if isinstance(value, str) else value


class Twins:
    def __init__(self, folder):
        self.folder, self.cases, self.failures = folder, 0, []
        self.programs = {"sops": shutil.which("sops"), "sluice": os.path.abspath(SLUICE)}
        self.keys = {}
        for name in "abc":
            subprocess.run(["age-keygen", "-o", self.key_file(name)], check=True, capture_output=True)
            with open(self.key_file(name)) as file:
                self.keys[name] = re.search(r"age1\w+", file.read()).group()
        self.keys["A"] = self.keys["a"].upper()
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "SOPS_AGE_KEY": self.secrets("abc")}

    def key_file(self, name):
        return os.path.join(self.folder, name + ".key")

    def secrets(self, names):
        lines = []
        for name in names:
            with open(self.key_file(name)) as file:
                lines.append(file.read().splitlines()[-1])
        return "\n".join(lines)

    def call(self, program, arguments, work, stdin=b"", **env):
        return subprocess.run([self.programs[program], *arguments], cwd=work, env={**self.env, **env}, input=stdin, capture_output=True, timeout=60)

    def text(self, template):
        return template.format(**self.keys)

    @staticmethod
    def shape(text):
        """What must be the same of an encrypted file, or all of another text."""
        if b"lastmodified" not in text:
            return text.decode()
        documents = [json.loads(text)] if text.startswith(b"{") else yaml.safe_load_all(text)
        return json.dumps([scrubbed(document) for document in documents])

    def case(self, arguments, files, ours=None, stdin=b"", encrypted=None, **env):
        """`encrypted`: the configuration that x.yaml is encrypted with before. `ours`: our status where it is another one."""
        self.cases += 1
        results = {}
        work = os.path.join(self.folder, "work")  # one path for both: messages and rules see it
        start = os.path.join(self.folder, "start")
        os.mkdir(start)
        for name, text in files.items():
            if text is not None:
                with open(os.path.join(start, name), "w") as file:
                    file.write(text)
        if encrypted is not None:
            config = os.path.join(self.folder, "first.yaml")
            with open(config, "w") as file:
                file.write(self.text(encrypted))
            done = self.call("sops", ["--config", config, "encrypt", "-i", os.path.join(start, "x.yaml")], start)
            check(done.returncode == 0, "sops encrypts nothing: " + done.stderr.decode())
        for program in self.programs:
            shutil.copytree(start, work)
            done = self.call(program, [self.text(argument) for argument in arguments], work, stdin, **env)
            written = {}
            for name in sorted(os.listdir(work)):
                with open(os.path.join(work, name), "rb") as file:
                    written[name] = file.read()
            shutil.rmtree(work)
            results[program] = done, written
        shutil.rmtree(start)
        (theirs, their_files), (our, our_files) = results["sops"], results["sluice"]
        wanted = theirs.returncode if ours is None else ours
        problem = None
        if our.returncode != wanted:
            problem = "status %d, not %d" % (our.returncode, wanted)
        elif ours is None and self.shape(theirs.stdout) != self.shape(our.stdout):
            problem = "prints %r, not %r" % (self.shape(our.stdout), self.shape(theirs.stdout))
        elif ours is None and {n: self.shape(t) for n, t in their_files.items()} != {n: self.shape(t) for n, t in our_files.items()}:
            problem = "writes %r, not %r" % (our_files, their_files)
        elif wanted not in (0, 200) and not our.stderr.strip():
            problem = "fails without a word"
        else:
            problem = self.unreadable(our.stdout, their_files.get("x.yaml"), our_files.get("x.yaml"))
        if problem:
            self.failures.append("%s with %r, stdin %r: %s\n  sops: %s\n  sluice: %s" % (
                arguments, files.get(".sops.yaml"), stdin, problem, theirs.stderr.decode()[-400:], our.stderr.decode()[-400:]))

    def unreadable(self, printed, theirs, ours):
        """Both programs read what sluice printed or wrote alike, and as what sops wrote."""
        texts = [printed] if b"lastmodified" in printed else []
        texts += [theirs, ours] if ours and theirs != ours and b"lastmodified" in ours else []
        path = os.path.join(self.folder, "x.yaml")
        seen = set()
        for text in texts:
            with open(path, "wb") as file:
                file.write(text)
            for program in self.programs:
                done = self.call(program, ["decrypt", path], self.folder)
                seen.add((done.returncode, done.stdout))
        return None if len(seen) < 2 else "is read in %d ways: %r" % (len(seen), seen)


def story(twins):
    for config, arguments, *ours in RULE_CASES:
        files = {".sops.yaml": config and twins.text(config), "x.yaml": TEXT}
        twins.case(["encrypt", *arguments, "x.yaml"], files, *ours)
    config = twins.text(PLAIN_KEYS)
    plain = {".sops.yaml": config, "x.yaml": TEXT}
    other = {**plain, "other.yaml": twins.text(RULES + "  - age: {b}\n    path_regex: ^x\n")}
    for flags in (["--config", "other.yaml"], ["--config=other.yaml"], ["--config", "nope"], ["--mac-only-encrypted"], ["--indent", "2"]):
        twins.case([*flags, "encrypt", "x.yaml"], other)
    twins.case(["encrypt", "x.yaml"], other, SOPS_CONFIG="other.yaml")
    twins.case(["encrypt", "x.yaml"], other, SOPS_CONFIG="nope")
    twins.case(["encrypt", "x.yaml"], {".sops.yml": config, "x.yaml": TEXT})
    twins.case(["encrypt", "x.yaml"], plain, SOPS_AGE_RECIPIENTS=twins.keys["b"])
    for name in ("SOPS_KMS_ARN", "SOPS_GCP_KMS_IDS", "SOPS_AZURE_KEYVAULT_URLS", "SOPS_VAULT_URIS", "SOPS_HUAWEICLOUD_KMS_IDS", "SOPS_PGP_FP"):
        twins.case(["encrypt", "x.yaml"], plain, **{name: "abc"})
    # Identities that cannot be read keep nobody from encrypting, nor others from opening.
    for broken in ({"SOPS_AGE_KEY_FILE": twins.folder}, {"SOPS_AGE_KEY_FILE": __file__}, {"XDG_CONFIG_HOME": twins.folder}):
        os.makedirs(os.path.join(twins.folder, "sops/age/keys.txt"), exist_ok=True)
        twins.case(["encrypt", "x.yaml"], plain, **broken)
        twins.case(["decrypt", "x.yaml"], plain, encrypted=PLAIN_KEYS, **broken)
        twins.case(["decrypt", "x.yaml"], plain, encrypted=PLAIN_KEYS, SOPS_AGE_KEY="", **broken)

    for before, after in UPDATES:
        twins.case(["updatekeys", "-y", "x.yaml"], {"x.yaml": TEXT, ".sops.yaml": after and twins.text(after)}, encrypted=before)
    for after in SHOWN:
        twins.case(["updatekeys", "x.yaml"], {"x.yaml": TEXT, ".sops.yaml": twins.text(after)}, encrypted=PLAIN_KEYS, stdin=b"n\n")
    changed = {"x.yaml": TEXT, ".sops.yaml": twins.text(RULES + "  - age: {b}\n")}
    for answer in ANSWERS:
        twins.case(["updatekeys", "x.yaml"], changed, encrypted=PLAIN_KEYS, stdin=answer)
    for arguments in (["--input-type", "yml", "x.yaml"], ["--input-type", "json", "x.yaml"], ["nope.yaml"], ["."], []):
        twins.case(["updatekeys", "-y", *arguments], changed, encrypted=PLAIN_KEYS)
    twins.case(["--config", "other.yaml", "updatekeys", "-y", "x.yaml"], other, encrypted=PLAIN_KEYS)

    for arguments in (["--add-age", "{b},{c}"], ["--add-age", "abc"], ["--rm-age", "{a}"], ["--rm-age", "{c}"], ["--add-age", "{b}", "--rm-age", "{a}"],
                      ["--add-age", "{b}", "--rm-age", "{b}"], ["--add-pgp", "0" * 40], ["--output-type", "json"], ["--decryption-order", "age,age"]):
        twins.case(["rotate", *arguments, "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)
    for arguments in (["nope.yaml"], ["--add-age", "{a}", "nope.yaml"], ["."], [], ["-r", "nope.yaml"]):
        twins.case(arguments if "-r" in arguments else ["rotate", *arguments], {})
    twins.case(["rotate", "--encryption-context", "abc", "x.yaml"], {"x.yaml": TEXT}, 6, encrypted=PLAIN_KEYS)
    for arguments in (["add", "--age", "{c}"], ["add", "--age", "{c}", "--shamir-secret-sharing-threshold", "2"], ["delete", "0"], ["delete", "x"],
                      ["delete", "--shamir-secret-sharing-threshold", "2", "1"]):
        twins.case(["groups", arguments[0], "-i", "-f", "x.yaml", *arguments[1:]], {"x.yaml": TEXT}, encrypted=THREE_GROUPS)
    twins.case(["groups", "add", "-f", "nope.yaml", "--age", "{a}"], {})
    twins.case(["groups", "add", "-i", "-f", "x.yaml"], {"x.yaml": TEXT}, 1, encrypted=TWO_GROUPS)  # sops cannot read what it writes

    for threshold in (2, 3):
        for names in ("", "a", "ab", "bc", "abc"):
            twins.case(["decrypt", "x.yaml"], {"x.yaml": TEXT}, encrypted=THREE_GROUPS + "    shamir_threshold: %d\n" % threshold,
                       SOPS_AGE_KEY=twins.secrets(names))
    for order in ("age,pgp", "pgp", "kms,age", "foo", ",", "age,age", " age"):
        twins.case(["decrypt", "--decryption-order", order, "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)
        twins.case(["decrypt", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS, SOPS_DECRYPTION_ORDER=order)

    one, other_one = twins.secrets("a"), twins.secrets("b")
    for text in (other_one + " " + one, "# x\n  " + one + "\t" + other_one, other_one + "\r\n" + one + "\r\n", one + "\nabc", one + " # x", one.lower(),
                 one[:-1], twins.keys["a"]):
        twins.case(["decrypt", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS, SOPS_AGE_KEY=text)

    for value in VALUES:
        twins.case(["set", "x.yaml", '["a"]', value], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)
    for path in PATHS:
        twins.case(["set", "x.yaml", path, '"v"'], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)
        twins.case(["unset", "x.yaml", path], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)

    editors = {}
    for name, text in EDITORS.items():
        editors[name] = os.path.join(twins.folder, "editor-" + name)
        with open(editors[name], "w") as file:
            file.write("#!/bin/sh\n" + text + "\n")
        os.chmod(editors[name], 0o755)
        twins.case(["edit", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS, EDITOR=editors[name])
        twins.case(["edit", "x.yaml"], {".sops.yaml": config}, EDITOR=editors[name])
    for editor in ("/nope/editor", "nope-editor", "'abc", "sh -c '%s \"$0\"'" % editors["change"]):
        twins.case(["edit", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS, EDITOR=editor)
    twins.case(["edit", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS, EDITOR=editors["failure"], SOPS_EDITOR=editors["change"])
    for config in (None, RULES + "  - path_regex: zzz\n", RULES + "  - {{}}\n", RULES + "  - pgp: abc\n", TWO_GROUPS, TWO_GROUPS + "    shamir_threshold: 9\n"):
        twins.case(["edit", "x.yaml"], {".sops.yaml": config and twins.text(config)}, EDITOR=editors["change"])
    for text in (TEXT, "", "a: [", "sops:\n", "sops: {}\n", "sops: abc\n", "- a\n"):
        twins.case(["filestatus", "x.yaml"], {"x.yaml": text})
    twins.case(["filestatus", "x.yaml"], {"x.yaml": TEXT}, encrypted=PLAIN_KEYS)


def main():
    need("age-keygen", "sops", "gpg")
    folder = tempfile.mkdtemp(prefix="sluice-twin-")
    try:
        twins = Twins(folder)
        story(twins)
        check(not twins.failures, "%d of %d cases differ:\n%s" % (len(twins.failures), twins.cases, "\n".join(twins.failures)))
        print("%d commands, by sops and by sluice: the same" % twins.cases)
        return 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
