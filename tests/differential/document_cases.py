"""Random nested documents in every style (documents.py), through the whole program."""
import random

import documents


def make(seed):
    """The files of a case, the directory to build and the flags."""
    rng = random.Random(seed)
    text = "---\n".join(documents.resource(seed, number) for number in range(rng.randint(1, 3)))
    if rng.random() < .1:
        text = text.replace("\n", "\r\n")
    fields = rng.choice(("", "namespace: ns\n", "commonAnnotations: {a: b}\n", "namePrefix: p-\nlabels: [{pairs: {a: b}, fields: [{path: spec/a, create: true}]}]\n"))
    if rng.random() < .2:
        fields += "patches: [{target: {kind: Random}, patch: '[{op: add, path: /spec/added, value: 1}]'}]\n"
    elif rng.random() < .2:
        fields += "patches: [{target: {kind: Random}, patch: '{apiVersion: v1, kind: Random, metadata: {name: x}, spec: {a: {b: c}, name: changed, y: null}}'}]\n"
    return {"in.yaml": text.encode("utf8", "surrogatepass"), "kustomization.yaml": ("resources: [in.yaml]\n" + fields).encode()}, ".", []
