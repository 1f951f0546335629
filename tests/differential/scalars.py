#!/usr/bin/env python3
"""Records how kustomize prints scalars: fixtures/yaml/scalars/{in.yaml,want.yaml,ORIGIN}.

    tests/differential/scalars.py [KUSTOMIZE]     (default: kustomize on PATH)

Every spelling appears as a quoted ConfigMap value, as an annotation, as a value and as a key of a
custom resource; the spellings that are plain YAML also unquoted, where go-yaml v3 resolves them.
tests/yaml/scalars_test.cpp reads in.yaml and must print want.yaml byte for byte. Each mapping of
spelling keys has one key: among many the natural order is not transitive, and kustomize's output then
differs from run to run.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "fixtures", "yaml", "scalars")

WORDS = "y Y yes Yes YES n N no No NO on On ON off Off OFF true True TRUE false False FALSE " \
        "null Null NULL nil None ~ . .. ... - -- --- = << <<< ? : :: , [ ] { } # & * ! | > ' \" % @ ` " \
        "yEs nO tRUE nULL inf .inf .Inf .INF +.inf -.INF .iNf nan .nan .NaN .NAN NaN infinity Infinity".split()
NUMBERS = "0 00 01 07 08 09 010 017 089 0x 0x0 0x1F 0X1f 0xg 0xFFFFFFFFFFFFFFFF 0x1FFFFFFFFFFFFFFFF 0o 0o7 " \
          "0o17 0O17 0o8 0b 0b0 0b11 0B11 0b2 1 -1 +1 --1 ++1 +-1 -0 +0 -00 -0x1F +0x1F -017 -0o17 -0b11 +0b11 " \
          "0b-1 0b+1 0o-7 0o+7 -0b-1 1_000 1__0 _1 1_ 0_1 0x_F 0x1_F 1_000.5 1.5_0 .5_0 ._5 .5_ 1e1_0 0b1_1 0o1_7 " \
          ".5 5. 1.0 1.50 -1.5 +1.5 -.5 +.5 . 1e3 1E3 1e+3 1e-3 1.e3 .1e3 1e 1e+ e3 1e400 -1e400 1e-400 1.2.3 " \
          "1,000 1.000,5 12345678.9 123456.789 1e21 1e20 1e-7 1e-6 0.0001 0.00001 100000000000000000000 " \
          "9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 " \
          "-9223372036854775808 -9223372036854775809 1.5e19 -1e19 123456789012345678901234567890 " \
          "3.141592653589793238 0.1 0.30000000000000004 5e-324 1.7976931348623157e308 0x1p-2 0x1.8p1 1f 1d 10L " \
          "1m 100m 1Gi 8080/tcp 10.0.0.1 10.0.0.0/8 ::1 fe80::1 2001:db8::1 1.2.3.4:80 v1 1.2.3-rc1".split()
TIMES = ["2020-01-02", "2020-1-2", "2020-13-01", "2020-02-30", "2020-02-29", "2019-02-29", "0000-01-01",
         "9999-12-31", "20-01-02", "12020-01-02", "2020-01-02T03:04:05Z", "2020-01-02t03:04:05Z",
         "2020-01-02T03:04:05z", "2020-01-02T03:04:05", "2020-01-02 03:04:05", "2020-01-02  03:04:05",
         "2020-01-02 3:4:5", "2020-1-2T3:4:5Z", "2020-01-02T03:04:05.6Z", "2020-01-02T03:04:05,6Z",
         "2020-01-02 03:04:05.123456789", "2020-01-02 03:04:05.1234567891", "2020-01-02T03:04:05.Z",
         "2020-01-02T03:04:05+01:00", "2020-01-02T03:04:05-05:30", "2020-01-02T03:04:05+00:00",
         "2020-01-02T03:04:05-00:00", "2020-01-02T03:04:05+0100", "2020-01-02T03:04:05+01", "2020-01-02T24:00:00Z",
         "2020-01-02T23:59:60Z", "2020-01-02T23:60:00Z", "2020-01-02T03:04Z", "2020-01-02 03:04", "2020-01",
         "2001-12-14 21:59:43.10 -5", "2020-01-02T03:04:05+00:60", "2020-01-02T03:04:05+23:59",
         "12:30:45", "1:2", "1:60", "12:30", "-1:30", "+1:30", "1:2:3.5", "1:2:3.", "1_0:30", "190:20:30.15", "1:2:",
         "60:00", "0:0", "01:01", "a:b", "1:b"]
EDGES = ["", " ", "  ", "a ", " a", "a b", "a  b", "a: b", "a:b", "a:", ":a", ": a", "a :b", "a : b", "#", "# a", "#a", "a #b",
         "a#b", "a # b", "-", "- a", "-a", "a - b", "?", "? a", "?a", "a?b", "!", "!a", "! a", "&a", "*a", "%a",
         "@a", "`a", "'a", "\"a", "a'b", "a\"b", "''", "\"\"", "|", "|a", "| a", ">", ">a", "[", "[a", "a[b]",
         "{", "{a", "{{a}}", "a{b}", ",", ",a", "a,b", "a, b", "---", "--- a", "---a", "...", "... a", "...a", "--",
         "\\", "\\n", "a\\b", "$", "$a", "${a}", "$(a)", "~a", "~/a", "/", "/a", "a/b", "^a", "(a)", "<a>", "&", "*",
         "a&b", "a<b", "a*b", "a|b", "a>b", "a%b", "a@b", "a`b", "a!b", "a=b", "=a", "==", "<<: a", "key: [1, 2]",
         "{\"a\": 1}", "[1, 2]", "a\tb", "\ta", "a\t", "\t", "\n", "\n\n", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na",
         "a\nb", "a\nb\n", "a\n\nb", "a\n b", "a\n  b\n", " a\nb", "  a\n b\nc", "a \nb", "a\nb ", "a\n \nb", "a\n\tb",
         "a\tb\nc", "\n a", " \na", "a\r", "a\rb", "a\r\nb", "a\r\nb\r\n", "\r", "\r\n", "a: b\nc: d\n", "# a\nb\n",
         "- a\n- b\n", "---\na: b\n", "a\n---\nb\n", "a\n...\nb\n", "{{ a }}\n{{ b }}\n", "#!/bin/sh\necho hi\n",
         "if true; then\n  echo\nfi\n", "a\nb # c\n", "a\n: b\n", "a:\n", "a:\nb", "é", "éa: b", "日本語", "日本語 テキスト", "a\u00a0b",
         "\u00a0", "a\u200bb", "a\u2028b", "a\u2029b", "\u2028", "a \u2028b", "a\u2028 b", "a\u2028\nb", "a\n\u2028b",
         "a\u0085b", "a \u0085 b", "\u0085a", "a\u0085", "a\u0085\u0085b", "\ufeff", "\ufeffa", "a\ufeff", "a\ufeffb c",
         "😀", "a😀b", "😀\n", "a\n😀\n", "\U0010ffff", "\ud7ff", "\ue000", "\ufffd", "\u00ad", "\u007e", "\u00a1",
         "é\n", "é\nü\n", "  é\n", "é ", " é", "é #b", "é: b", "é:", "é\tb"]
CONTROLS = [chr(c) for c in range(0x20)]


def long_lines(rng):
    """Spellings whose breaks fall around column 80, in each style."""
    out = []
    for lead in ("", "'", "\t", "- ", "#", "é", "😀", "a: "):
        for gap in (" ", "  ", "   "):
            for first in (74, 76, 77, 78, 79, 80, 81, 90):
                out.append(lead + "x" * first + gap + "y" * 5 + gap + "z" * 78 + gap + "w")
    for _ in range(150):
        words = [rng.choice(["a", "bb", "ccc", "dddd", "é", "'", "\"", ":", "#x", "😀", "日本", "x" * 30, "\\"])
                 for _ in range(rng.randint(10, 60))]
        out.append("".join(w + " " * rng.choice([1, 1, 1, 1, 2, 3]) for w in words).rstrip(" "))
    for length in (126, 127, 128, 129, 130, 200, 1000):
        out += ["k" * length, "k" * length + "\n", "k" * (length - 1) + " k", "é" * (length // 2), "'" + "k" * length]
    return out


def generated(rng):
    out = []
    pools = ["0123456789", "0123456789._-+eE", "0123456789:", "0123456789abcdefxob_", "-:TZ 0123456789",
             "yesnotruefalsnl", " :#-?a", " '\"\\a:#", "ab \n", "ab \n\t:#", "aé\u2028\u0085 \n", "a\ufeff😀 '\n", "~.-_/", "<>&=!|@`%*"]
    for pool in pools:
        for _ in range(130):
            out.append("".join(rng.choice(pool) for _ in range(rng.randint(1, 12))))
    return out


def spellings():
    rng = random.Random(20)
    everything = WORDS + NUMBERS + TIMES + EDGES + CONTROLS + long_lines(rng) + generated(rng)
    everything += [c + "a" for c in CONTROLS] + ["a" + c + "b" for c in CONTROLS]
    seen = dict.fromkeys(everything)
    # A document indicator after U+0085 is an error in go-yaml's reading of its own JSON.
    return [s for s in seen if not re.search("\u0085 *(---|\\.\\.\\.)", s)]


def quoted(text):
    """A double-quoted YAML scalar; JSON's escapes are YAML's, but for '/' and astral pairs."""
    out = []
    for c in text:
        if c in "\"\\":
            out.append("\\" + c)
        elif 0x20 <= ord(c) < 0x7F:
            out.append(c)
        elif ord(c) < 0x100:
            out.append("\\x%02x" % ord(c))
        elif ord(c) < 0x10000:
            out.append("\\u%04x" % ord(c))
        else:
            out.append("\\U%08x" % ord(c))
    return '"' + "".join(out) + '"'


PLAIN = re.compile(r"^(?![-?:]($|\s))(?!---|\.\.\.)[-A-Za-z0-9.+_~<=/é日][-A-Za-z0-9.+_~<=/:é日 ]*\Z")
NOT_JSON = re.compile(r"^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$")


def is_plain(text):
    return (PLAIN.match(text) and not text.endswith((":", " ")) and ": " not in text and not NOT_JSON.match(text)
            and text != "<<")


def is_key(text):
    """go-yaml cannot read every key of its own JSON (long ones, U+0085), and kustomize drops "<<"."""
    return len(text) <= 1000 and "\u0085" not in text and text != "<<"


def documents(texts):
    head = "apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n"
    lines = [head % ("v1", "ConfigMap", "quoted") + "data:"]
    lines += ["  k%05d: %s" % (i, quoted(t)) for i, t in enumerate(texts)]
    lines += ["---", head % ("v1", "ConfigMap", "annotated") + "  annotations:"]
    # kustomize writes annotations anew as literals, and cannot read one back that begins with a tab.
    lines += ["    k%05d: %s" % (i, quoted(t)) for i, t in enumerate(texts) 
              if len(t) < 200 and not (t[0:1] == "\t" and "\n" in t)]
    lines += ["---", head % ("example.com/v1", "Spellings", "nested") + "spec:", "  deep:", "    deeper:", "      items:"]
    lines += ["      - - %s" % quoted(t) for t in texts]
    lines += ["---", head % ("example.com/v1", "Spellings", "keys") + "spec:", "  items:"]
    for text in texts:
        if is_key(text):
            lines.append("  - ? %s\n    : %s" % (quoted(text), quoted(text[:40])))
    lines += ["---", head % ("example.com/v1", "Spellings", "key-holders") + "spec:", "  items:"]
    for text in texts:
        if is_key(text) and (len(text) < 40 or 120 < len(text) < 150):
            lines.append("  - ? %s\n    : [{a: b}, [c]]" % quoted(text))
    lines += ["---", head % ("example.com/v1", "Spellings", "plain") + "spec:", "  items:"]
    lines += ["  - %s" % t for t in texts if is_plain(t)]
    lines += ["---", head % ("example.com/v1", "Spellings", "plain-values") + "spec:"]
    lines += ["  k%05d: %s" % (i, t) for i, t in enumerate(texts) if is_plain(t)]
    for style, name in (("|", "literal"), ("|-", "strip"), ("|+", "keep"), (">", "folded"), (">-", "folded-strip")):
        lines += ["---", head % ("example.com/v1", "Spellings", name) + "spec:"]
        for i, text in enumerate(texts):
            if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]", text) or text.startswith((" ", "\n")):
                continue
            if "\n " in text or "\n\n" in text and style[0] == ">":
                continue
            lines.append("  k%05d: %s" % (i, style))
            lines += ["    " + line if line else "" for line in text.split("\n")]
    return "\n".join(lines) + "\n"


def main():
    kustomize = sys.argv[1] if len(sys.argv) > 1 else "kustomize"
    version = subprocess.run([kustomize, "version"], capture_output=True, text=True, check=True).stdout.strip()
    texts = spellings()
    source = documents(texts)
    os.makedirs(OUT, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "in.yaml"), "w", newline="") as f:
            f.write(source)
        with open(os.path.join(folder, "kustomization.yaml"), "w") as f:
            f.write("resources: [in.yaml]\nsortOptions: {order: fifo}\n")
        run = subprocess.run([kustomize, "build", folder], capture_output=True)
    if run.returncode != 0:
        sys.exit(run.stderr.decode(errors="replace")[-1000:])
    with open(os.path.join(OUT, "in.yaml"), "w", newline="") as f:
        f.write(source)
    with open(os.path.join(OUT, "want.yaml"), "wb") as f:
        f.write(run.stdout)
    with open(os.path.join(OUT, "ORIGIN"), "w") as f:
        f.write("in.yaml: tests/differential/scalars.py, %d spellings.\n"
                "want.yaml: `kustomize build` %s of in.yaml, with sortOptions fifo.\n" % (len(texts), version))
    print("%d spellings, %d bytes in, %d bytes out, kustomize %s" % (len(texts), len(source), len(run.stdout), version))


if __name__ == "__main__":
    main()
