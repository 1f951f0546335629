#!/usr/bin/env python3
"""Sends the same requests to the sandbox and to a real kube-apiserver and compares the answers.

    tests/e2e/cluster/cluster.py run -- python3 tests/sandbox/compare_with_real.py --sandbox 'build/dev/sluice sandbox'

The real server is the one of KUBECONFIG. The sandbox is started with `--write-kubeconfig FILE` appended to the
given command, or is already there (--sandbox-kubeconfig FILE). Compared are status codes and whole bodies, managed
fields included; only what differs by nature (UIDs, times, resource versions, addresses) is made equal first.
Prints one line a difference and exits 1 when there is one that ACCEPTED does not list.
Exit status 77 with `SKIP: reason` when a program is absent. Only the standard library is used.
"""

import argparse
import base64
import http.client
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

APPLY, JSON, MERGE, STRATEGIC = ("application/apply-patch+yaml", "application/json-patch+json",
                                 "application/merge-patch+json", "application/strategic-merge-patch+json")
NS = "compare"
CORE, APPS = "/api/v1/namespaces/" + NS, "/apis/apps/v1/namespaces/" + NS

# Differences that docs/sandbox.md tells: name of the step, path of the value (a regular expression).
ACCEPTED = [
]


class Server:
    def __init__(self, kubeconfig):
        with open(kubeconfig) as file:
            text = file.read()

        def value(name):
            found = re.search(r"^\s*%s:\s*(\S+)\s*$" % name, text, re.M)
            return found.group(1) if found else None

        url = urllib.parse.urlparse(value("server"))
        self.address = (url.hostname, url.port)
        self.context = None
        if url.scheme == "https":
            self.context = ssl.create_default_context(cadata=base64.b64decode(value("certificate-authority-data")).decode())
            with tempfile.TemporaryDirectory() as folder:
                for name in ("client-certificate-data", "client-key-data"):
                    with open(os.path.join(folder, name), "wb") as file:
                        file.write(base64.b64decode(value(name)))
                self.context.load_cert_chain(os.path.join(folder, "client-certificate-data"),
                                             os.path.join(folder, "client-key-data"))

    def connect(self):
        if self.context:
            return http.client.HTTPSConnection(*self.address, timeout=30, context=self.context)
        return http.client.HTTPConnection(*self.address, timeout=30)

    def send(self, method, path, body=None, content="application/json", accept="application/json"):
        connection = self.connect()
        try:
            data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
            headers = {"Accept": accept, "User-Agent": "compare/1"}
            if data is not None:
                headers["Content-Type"] = content
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            warnings = [value for name, value in answer.getheaders() if name.lower() == "warning"]
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text), warnings
        except ValueError:
            return answer.status, text, warnings

    def watch(self, path, count):
        connection = self.connect()
        try:
            connection.request("GET", path, headers={"Accept": "application/json", "User-Agent": "compare/1"})
            answer = connection.getresponse()
            return answer.status, [json.loads(answer.readline()) for _ in range(count)], []
        finally:
            connection.close()


UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CAUSES = ("causes",)


def same_by_nature(value, key=""):
    if isinstance(value, dict):
        return {k: same_by_nature(v, k) for k, v in value.items() if k != "description"}
    if isinstance(value, list):
        values = [same_by_nature(v, key) for v in value]
        return sorted(values, key=json.dumps) if key in CAUSES else values
    if isinstance(value, str):
        if key in ("resourceVersion", "continue"):
            return "RV"
        if key in ("clusterIP", "clusterIPs") and value != "None":
            return "IP"
        return re.sub(r"\b\d+s\b", "AGE", TIME.sub("TIME", UID.sub("UID", value))) if key == "cells" else TIME.sub(
            "TIME", UID.sub("UID", value))
    return value


def differences(path, real, ours):
    if type(real) is not type(ours):
        yield path, real, ours
    elif isinstance(real, dict):
        for key in sorted(set(real) | set(ours)):
            if key not in real or key not in ours:
                yield path + "." + key, real.get(key, "(absent)"), ours.get(key, "(absent)")
            else:
                yield from differences(path + "." + key, real[key], ours[key])
    elif isinstance(real, list):
        if len(real) != len(ours):
            yield path, real, ours
        for index, (a, b) in enumerate(zip(real, ours)):
            yield from differences("%s[%d]" % (path, index), a, b)
    elif real != ours:
        yield path, real, ours


class Comparison:
    def __init__(self, real, ours, verbose):
        self.servers = (real, ours)
        self.verbose = verbose
        self.steps = self.different = 0

    def compare(self, name, answers):
        self.steps += 1
        real, ours = (same_by_nature(list(answer)) for answer in answers)
        found = [one for one in differences("", real, ours)
                 if not any(name.startswith(step) and re.fullmatch(path, one[0]) for step, path in ACCEPTED)]
        self.different += bool(found)
        for path, a, b in found:
            print("%s: %s\n    real    %s\n    sandbox %s" % (name, path, json.dumps(a), json.dumps(b)))
        if self.verbose:
            print("%s: %s" % ("ok" if not found else "DIFFERENT", name))

    def send(self, name, *arguments, **options):
        answers = [server.send(*arguments, **options) for server in self.servers]
        self.compare(name, answers)
        return answers

    def apply(self, name, path, body, manager="one", force=False, **query):
        query = dict(query, fieldManager=manager, **({"force": "true"} if force else {}))
        return self.send(name, "PATCH", path + "?" + urllib.parse.urlencode(query), body, content=APPLY)

    def patch(self, name, path, body, content=MERGE, manager="editor"):
        return self.send(name, "PATCH", path + "?fieldManager=" + manager, body, content=content)

    def put_back(self, name, path, change, manager="putter"):
        """Reads, changes, writes: each server its own copy."""
        answers = []
        for server in self.servers:
            body = server.send("GET", path)[1]
            change(body)
            answers.append(server.send("PUT", path + "?fieldManager=" + manager, body))
        self.compare(name, answers)


def config_map(data, **more):
    return dict({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}, **more)


def deployment(image="x:1", replicas=None, containers=None, **pod):
    spec = {"selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}},
                         "spec": dict({"containers": containers or [{"name": "a", "image": image}]}, **pod)}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def config_maps(c):
    maps, one = CORE + "/configmaps", CORE + "/configmaps/c"
    c.send("cm: get absent", "GET", one)
    c.send("cm: create", "POST", maps, config_map({"a": "1"}))
    c.send("cm: create again", "POST", maps, config_map({"a": "1"}))
    c.send("cm: get", "GET", one)
    c.apply("cm: apply conflicts", one, config_map({"a": "2"}))
    c.apply("cm: apply by force", one, config_map({"a": "2"}), force=True)
    c.apply("cm: apply again", one, config_map({"a": "2"}))
    c.apply("cm: second applier", one, config_map({"a": "2", "b": "3"}), manager="two")
    c.apply("cm: first drops a", one, config_map({"c": "4"}))
    c.apply("cm: two conflicts", one, config_map({"b": "0", "c": "0", "d": "1"}), manager="three")
    c.apply("cm: second drops all", one, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, manager="two")
    c.apply("cm: dry-run", one, config_map({"c": "4", "z": "1"}), dryRun="All")
    c.patch("cm: merge patch", one, {"data": {"e": "5"}, "metadata": {"labels": {"l": "1"}}})
    c.patch("cm: merge patch removes", one, {"data": {"e": None}})
    c.patch("cm: json patch", one, [{"op": "add", "path": "/data/f~1g", "value": "6"}], JSON)
    c.patch("cm: json patch test fails", one, [{"op": "test", "path": "/data/c", "value": "no"}], JSON)
    c.patch("cm: json patch of nothing", one, [{"op": "remove", "path": "/data/nope"}], JSON)
    c.patch("cm: strategic patch", one, {"data": {"h": "7"}}, STRATEGIC)
    c.patch("cm: unknown field", one, {"dta": {"h": "7"}})
    c.put_back("cm: put", one, lambda o: o["data"].update(i="8"))
    c.put_back("cm: put stale", one, lambda o: o["metadata"].update(resourceVersion="1"))
    c.put_back("cm: put other uid", one, lambda o: o["metadata"].update(uid="0000"))
    c.put_back("cm: put other name", one, lambda o: o["metadata"].update(name="other"))
    c.put_back("cm: reset managed fields", one, lambda o: o["metadata"].update(managedFields=[{}]))
    c.apply("cm: apply before anybody tracked", one, config_map({"c": "4"}), manager="late")
    c.put_back("cm: immutable", one, lambda o: o.update(immutable=True))
    c.patch("cm: change immutable", one, {"data": {"a": "9"}})
    c.patch("cm: undo immutable", one, {"immutable": False})
    c.apply("cm: apply wrong kind", one, dict(config_map({}), kind="Secret"))
    c.apply("cm: apply wrong version", one, dict(config_map({}), apiVersion="v2"))
    c.apply("cm: apply unknown field", one, config_map({}, foo={"bar": 1}))
    c.apply("cm: apply wrong type", one, config_map({"a": 1}))
    c.apply("cm: apply without manager", one, config_map({}), manager="")
    c.apply("cm: apply other name", one, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})
    c.apply("cm: apply other namespace", one,
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "x"}})
    c.apply("cm: apply with managed fields", one,
            {"apiVersion": "v1", "kind": "ConfigMap",
             "metadata": {"name": "c", "managedFields": [{"manager": "x"}]}})
    c.apply("cm: apply stale", one, {"apiVersion": "v1", "kind": "ConfigMap",
                                     "metadata": {"name": "c", "resourceVersion": "1"}})
    c.apply("cm: apply text", one, "a: b: c")
    c.send("cm: delete other uid", "DELETE", one, {"preconditions": {"uid": "x"}})
    c.send("cm: delete", "DELETE", one)
    c.send("cm: delete again", "DELETE", one)
    c.apply("cm: apply creates", one, config_map({"a": "1"}))
    c.send("cm: delete dry", "DELETE", one + "?dryRun=All")
    c.send("cm: delete in the end", "DELETE", one)
    c.apply("cm: apply with uid of nothing", one, {"apiVersion": "v1", "kind": "ConfigMap",
                                                   "metadata": {"name": "c", "uid": "x"}})
    c.send("cm: create wrong type", "POST", maps, config_map({"a": 1}))
    c.send("cm: create wrong list", "POST", maps, config_map(["a"]))
    c.send("cm: create unknown, strict", "POST", maps + "?fieldValidation=Strict", config_map({}, foo=1, bar=2))
    c.send("cm: create unknown, warned", "POST", maps, config_map({}, foo=1))
    c.send("cm: delete it", "DELETE", one)
    c.send("cm: create bad name", "POST", maps, dict(config_map({}), metadata={"name": "A_b"}))
    c.send("cm: create no name", "POST", maps, dict(config_map({}), metadata={}))
    c.send("cm: create bad key", "POST", maps, config_map({"a b": "1"}))
    c.send("cm: create bad label", "POST", maps, dict(config_map({}), metadata={"name": "c", "labels": {"a": "b c"}}))
    c.send("cm: create with version", "POST", maps,
           dict(config_map({}), metadata={"name": "c", "resourceVersion": "5"}))
    c.send("cm: create other namespace", "POST", maps, dict(config_map({}), metadata={"name": "c", "namespace": "x"}))
    c.send("cm: create in absent namespace", "POST", "/api/v1/namespaces/absent/configmaps", config_map({}))
    c.send("cm: create wrong kind", "POST", maps, dict(config_map({}), kind="Secret"))
    c.send("cm: create wrong version", "POST", maps, dict(config_map({}), apiVersion="apps/v1"))
    c.send("cm: create not JSON", "POST", maps, "{")
    c.send("cm: bad dryRun", "POST", maps + "?dryRun=Some", config_map({}))
    c.send("cm: bad validation", "POST", maps + "?fieldValidation=Some", config_map({}))
    c.send("cm: wrong media type", "PATCH", one, "{}", content="text/plain")
    c.send("cm: put absent", "PUT", CORE + "/configmaps/absent", dict(config_map({}), metadata={"name": "absent"}))


def deployments(c):
    one = APPS + "/deployments/d"
    c.apply("deploy: apply", one, deployment())
    c.apply("deploy: replicas by another", one, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                                                 "spec": {"replicas": 3}}, manager="scaler")
    c.apply("deploy: conflict on replicas", one, deployment(replicas=5))
    c.apply("deploy: two containers", one, deployment(containers=[
        {"name": "b", "image": "y:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
         "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]}, {"name": "a", "image": "x:1"}]))
    c.apply("deploy: fewer of all", one, deployment(containers=[
        {"name": "b", "image": "y:1", "env": [{"name": "B", "value": "2"}], "ports": [{"containerPort": 80}]}]))
    c.apply("deploy: volumes", one, deployment(
        containers=[{"name": "b", "image": "y:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                     "resources": {"limits": {"cpu": "1"}}, "command": ["a", "b"]}],
        volumes=[{"name": "v", "emptyDir": {}}], nodeSelector={"a": "b"}, tolerations=[{"operator": "Exists"}]))
    c.patch("deploy: strategic adds", one, {"spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": "z", "env": [{"name": "N", "value": "1"}]}]}}}}, STRATEGIC)
    c.patch("deploy: strategic removes", one, {"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}], "containers": [
            {"name": "b", "$patch": "delete"}, {"name": "c", "env": [{"name": "M", "value": "2"}]}]}}}}, STRATEGIC)
    c.patch("deploy: strategic retains", one, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, STRATEGIC)
    c.patch("deploy: merge replaces lists", one, {"spec": {"template": {"spec": {"containers": [
        {"name": "m", "image": "q"}]}}}})
    c.patch("deploy: scale", one + "/scale", {"spec": {"replicas": 7}})
    c.send("deploy: get scale", "GET", one + "/scale")
    c.patch("deploy: status", one + "/status", {"status": {"replicas": 7, "conditions": [
        {"type": "Available", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}, "spec": {"replicas": 1}})
    c.apply("deploy: apply status", one + "/status", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                                                      "status": {"readyReplicas": 3}}, manager="controller")
    c.patch("deploy: status through main", one, {"status": {"replicas": 1}})
    c.put_back("deploy: selector", one, lambda o: (o["spec"]["selector"]["matchLabels"].update(app="q"),
                                                   o["spec"]["template"]["metadata"]["labels"].update(app="q")))
    c.put_back("deploy: selector and labels", one, lambda o: o["spec"]["template"]["metadata"]["labels"].update(app="q"))
    c.patch("deploy: wrong type", one, {"spec": {"replicas": "x"}})
    c.patch("deploy: negative", one, {"spec": {"replicas": -1}})
    c.patch("deploy: no containers", one, {"spec": {"template": {"spec": {"containers": None}}}})
    c.patch("deploy: bad pull policy", one, {"spec": {"template": {"spec": {"containers": [
        {"name": "m", "image": "q", "imagePullPolicy": "Perhaps"}]}}}})
    c.patch("deploy: bad port", one, {"spec": {"template": {"spec": {"containers": [
        {"name": "m", "image": "q", "ports": [{"containerPort": 99999}]}]}}}})
    c.apply("deploy: item without key", one, deployment(containers=[{"image": "x:1"}]), force=True)
    c.apply("deploy: item twice", one, deployment(containers=[{"name": "a", "image": "x:1"}, {"name": "a", "image": "y"}]), force=True)
    c.send("deploy: create no selector", "POST", APPS + "/deployments",
           {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "e"},
            "spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}})
    c.patch("deploy: finalizer", one, {"metadata": {"finalizers": ["example.com/wait"]}})
    c.send("deploy: delete waits", "DELETE", one)
    c.send("deploy: delete waits still", "DELETE", one)
    c.patch("deploy: one more finalizer", one, {"metadata": {"finalizers": ["example.com/wait", "example.com/more"]}})
    c.patch("deploy: finalizer goes", one, {"metadata": {"finalizers": None}})
    c.send("deploy: gone", "GET", one)


def other_kinds(c):
    def obj(version, kind, name, **body):
        return dict({"apiVersion": version, "kind": kind, "metadata": {"name": name}}, **body)

    pod = {"containers": [{"name": "a", "image": "x"}], "restartPolicy": "Never"}
    for path, body in [
            (CORE + "/secrets", obj("v1", "Secret", "s", stringData={"a": "b"}, data={"c": "ZA=="})),
            (CORE + "/services", obj("v1", "Service", "s", spec={"selector": {"a": "b"}, "ports": [
                {"name": "h", "port": 80}, {"name": "t", "port": 81, "targetPort": "t", "protocol": "UDP"}]})),
            (CORE + "/services", obj("v1", "Service", "lb", spec={"type": "ExternalName", "externalName": "x.y"})),
            (CORE + "/serviceaccounts", obj("v1", "ServiceAccount", "a", imagePullSecrets=[{"name": "x"}])),
            (CORE + "/pods", obj("v1", "Pod", "p", spec=pod)),
            (CORE + "/persistentvolumeclaims", obj("v1", "PersistentVolumeClaim", "p", spec={
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})),
            (CORE + "/events", obj("v1", "Event", "e", involvedObject={"kind": "Pod", "name": "p", "namespace": NS},
                                   reason="R", message="m", type="Normal", count=1,
                                   firstTimestamp="2020-01-01T00:00:00Z", lastTimestamp="2020-01-01T00:00:00Z")),
            (CORE + "/limitranges", obj("v1", "LimitRange", "l", spec={"limits": [{"type": "Pod"}]})),
            (CORE + "/resourcequotas", obj("v1", "ResourceQuota", "r", spec={"hard": {"pods": "1000"}})),
            (APPS + "/statefulsets", obj("apps/v1", "StatefulSet", "s", spec={
                "serviceName": "s", "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": pod["containers"]}}})),
            (APPS + "/daemonsets", obj("apps/v1", "DaemonSet", "s", spec={
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": pod["containers"]}}})),
            ("/apis/batch/v1/namespaces/%s/jobs" % NS, obj("batch/v1", "Job", "j", spec={"template": {"spec": pod}})),
            ("/apis/batch/v1/namespaces/%s/cronjobs" % NS, obj("batch/v1", "CronJob", "j", spec={
                "schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}})),
            ("/apis/networking.k8s.io/v1/namespaces/%s/ingresses" % NS, obj("networking.k8s.io/v1", "Ingress", "i", spec={
                "rules": [{"host": "h.x", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
                    "service": {"name": "s", "port": {"number": 80}}}}]}}]})),
            ("/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies" % NS,
             obj("networking.k8s.io/v1", "NetworkPolicy", "n", spec={"podSelector": {}, "ingress": [{}]})),
            ("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles" % NS,
             obj("rbac.authorization.k8s.io/v1", "Role", "r", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
            ("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings" % NS,
             obj("rbac.authorization.k8s.io/v1", "RoleBinding", "r", roleRef={"kind": "Role", "name": "r"},
                 subjects=[{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "a", "namespace": NS}])),
            ("/apis/policy/v1/namespaces/%s/poddisruptionbudgets" % NS, obj("policy/v1", "PodDisruptionBudget", "p", spec={
                "minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}})),
            ("/apis/autoscaling/v2/namespaces/%s/horizontalpodautoscalers" % NS,
             obj("autoscaling/v2", "HorizontalPodAutoscaler", "h", spec={
                 "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}})),
            ("/apis/coordination.k8s.io/v1/namespaces/%s/leases" % NS, obj("coordination.k8s.io/v1", "Lease", "l", spec={
                "holderIdentity": "me", "leaseDurationSeconds": 5})),
            ("/apis/rbac.authorization.k8s.io/v1/clusterroles", obj("rbac.authorization.k8s.io/v1", "ClusterRole", "compare", rules=[])),
            ("/apis/scheduling.k8s.io/v1/priorityclasses", obj("scheduling.k8s.io/v1", "PriorityClass", "compare", value=5)),
            ("/apis/storage.k8s.io/v1/storageclasses", obj("storage.k8s.io/v1", "StorageClass", "compare", provisioner="x/y")),
            ("/apis/networking.k8s.io/v1/ingressclasses", obj("networking.k8s.io/v1", "IngressClass", "compare", spec={"controller": "a/b"})),
            ("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
             obj("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "compare", webhooks=[{
                 "name": "a.b.c", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                 "clientConfig": {"service": {"name": "x", "namespace": "y"}}}])),
            ("/api/v1/persistentvolumes", obj("v1", "PersistentVolume", "compare", spec={
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}})),
    ]:
        kind, one = body["kind"], path + "/" + body["metadata"]["name"]
        c.apply("%s: apply" % kind, one, body)
        c.apply("%s: apply again" % kind, one, body)
        c.patch("%s: label" % kind, one, {"metadata": {"labels": {"x": "y"}}})
        c.send("%s: table" % kind, "GET", one, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        c.send("%s: delete" % kind, "DELETE", one + "?gracePeriodSeconds=0")
        c.send("%s: create" % kind, "POST", path, body)
        c.put_back("%s: put" % kind, one, lambda o: o["metadata"].update(annotations={"a": "b"}))
        if kind == "RoleBinding":
            c.patch("RoleBinding: other role", one, {"roleRef": {"name": "q"}})
        if kind == "Job":
            c.patch("Job: other suspend", one, {"spec": {"suspend": True}})
        if kind == "Secret":
            c.patch("Secret: type", one, {"type": "x"})
            c.patch("Secret: bad base64", one, {"data": {"a": "###"}})
        if kind == "Service":
            c.patch("Service: affinity", one, {"spec": {"sessionAffinity": "x"}})
        c.send("%s: delete created" % kind, "DELETE", one + "?gracePeriodSeconds=0")


def definitions(c):
    schema = {"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1}, "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "proto"],
                      "items": {"type": "object", "required": ["port"], "properties": {
                          "port": {"type": "integer"}, "proto": {"type": "string", "default": "TCP"}, "note": {"type": "string"}}}},
            "plain": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "when": {"type": "string", "format": "date-time"},
            "null": {"type": "string", "nullable": True},
            "both": {"x-kubernetes-int-or-string": True}}},
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}, "conditions": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
            "items": {"type": "object", "required": ["type"], "properties": {
                "type": {"type": "string"}, "status": {"type": "string"}}}}}}}}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                  "metadata": {"name": "widgets.compare.io"},
                  "spec": {"group": "compare.io", "scope": "Namespaced",
                           "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]},
                           "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                                         "subresources": {"status": {}}, "additionalPrinterColumns": [
                                             {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
                                             {"name": "Ready", "type": "string",
                                              "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}]}]}}
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    one = crds + "/widgets.compare.io"
    bad = json.loads(json.dumps(definition))
    bad["metadata"]["name"] = "wrong.compare.io"
    c.send("crd: wrong name", "POST", crds, bad)
    bad = json.loads(json.dumps(definition))
    bad["spec"]["versions"][0]["storage"] = False
    c.send("crd: no storage", "POST", crds, bad)
    for server in c.servers:
        server.send("PATCH", one + "?fieldManager=one", definition, content=APPLY)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = server.send("GET", "/apis/compare.io/v1/namespaces/%s/widgets" % NS)[0]
            if status == 200:
                break
            time.sleep(0.1)
    time.sleep(1)
    c.send("crd: established", "GET", one)
    c.send("crd: resources", "GET", "/apis/compare.io/v1")
    widgets = "/apis/compare.io/v1/namespaces/%s/widgets" % NS
    w = widgets + "/w"

    def widget(**spec):
        return {"apiVersion": "compare.io/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}

    full = widget(size=1, tags=["a", "b"], ports=[{"port": 1}, {"port": 1, "proto": "UDP"}], plain=[{"a": "b"}],
                  map={"k": "v"}, atomic={"a": "1"}, free={"x": {"y": [1]}}, both="80%")
    c.apply("cr: apply", w, full)
    c.apply("cr: apply again", w, full)
    c.apply("cr: other applier", w, widget(size=1, tags=["c", "a"], ports=[{"port": 2, "note": "n"}], map={"l": "w"},
                                           free={"z": 1}), manager="two")
    c.apply("cr: first drops lists", w, widget(size=1, ports=[{"port": 1, "proto": "UDP"}]))
    c.apply("cr: first drops map", w, widget(size=1, free={}))
    c.apply("cr: atomic again", w, widget(size=1, atomic={"b": "2"}), manager="two")
    c.apply("cr: atomic conflict", w, widget(size=1, atomic={"a": "2"}))
    c.apply("cr: second drops all", w, widget(size=1), manager="two")
    c.apply("cr: unknown", w, widget(size=1, nope=1))
    c.apply("cr: bad type", w, widget(size="x"))
    c.apply("cr: bad enum", w, widget(size=1, color="green"), force=True)
    c.apply("cr: many bad", w, widget(size=0, name="TOOLONG", when="never", tags=["a", "a"]), force=True)
    c.apply("cr: missing key", w, widget(size=1, ports=[{"note": "x"}]), force=True)
    c.apply("cr: missing required", w, {"apiVersion": "compare.io/v1", "kind": "Widget", "metadata": {"name": "w"}}, force=True, manager="x")
    c.patch("cr: merge unknown", w, {"spec": {"nope": 1, "free": {"any": "thing"}}})
    c.patch("cr: strategic refused", w, {"spec": {}}, STRATEGIC)
    c.patch("cr: status through main", w, {"status": {"ready": True}})
    c.patch("cr: status", w + "/status", {"status": {"ready": True, "conditions": [{"type": "Ready", "status": "True"}]},
                                          "spec": {"size": 9}, "metadata": {"labels": {"from": "status"}}})
    c.apply("cr: apply status", w + "/status", {"apiVersion": "compare.io/v1", "kind": "Widget", "metadata": {"name": "w"},
                                                "status": {"conditions": [{"type": "Seen", "status": "True"}]}}, manager="ctl")
    c.apply("cr: apply with status", w, {"apiVersion": "compare.io/v1", "kind": "Widget", "metadata": {"name": "w"},
                                         "spec": {"size": 2}, "status": {"ready": False}})
    c.send("cr: table", "GET", w, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    c.put_back("cr: put", w, lambda o: o["spec"].update(size=3))
    c.put_back("cr: put without version", w, lambda o: o["metadata"].pop("resourceVersion"))
    c.put_back("cr: null", w, lambda o: o["spec"].update(color=None, null=None, map=None))
    c.patch("cr: finalizer", w, {"metadata": {"finalizers": ["compare.io/f"]}})
    c.send("cr: delete waits", "DELETE", w)
    c.patch("cr: finalizer goes", w, {"metadata": {"finalizers": []}})
    c.send("cr: gone", "GET", w)
    c.send("cr: create unknown, strict", "POST", widgets + "?fieldValidation=Strict", widget(size=1, nope=1))
    c.send("cr: create unknown, warned", "POST", widgets, widget(size=1, nope=1))
    c.send("cr: create no kind", "POST", widgets, {"metadata": {"name": "x"}})
    c.send("cr: bad labels", "POST", widgets, dict(widget(size=1), metadata={"name": "x", "labels": {"a": 1}}))
    for server in c.servers:
        server.send("DELETE", one)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and server.send("GET", one)[0] != 404:
            time.sleep(0.1)
    c.send("crd: gone", "GET", widgets)


def reading(c):
    maps = CORE + "/configmaps"
    for name, labels in (("a", {"x": "1"}), ("b", {"x": "2", "y": ""}), ("c", {})):
        c.send("list: create", "POST", maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})
    for query in ("labelSelector=x", "labelSelector=x%3D1", "labelSelector=x!%3D1", "labelSelector=x+in+(1,2),!y",
                  "labelSelector=x+notin+(1)", "labelSelector=%3D%3D", "fieldSelector=metadata.name%3Db",
                  "fieldSelector=metadata.name!%3Db", "fieldSelector=data.x%3Db", "limit=2", "limit=x",
                  "fieldSelector=metadata.namespace%3D" + NS, "continue=x"):
        c.send("list: " + query, "GET", maps + "?" + query)
    c.send("list: all namespaces", "GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3D" + NS)
    c.send("list: metadata", "GET", maps, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    c.send("get: metadata", "GET", maps + "/a", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
    c.send("list: table", "GET", maps, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    c.send("get: not acceptable", "GET", maps + "/a", accept="text/html")
    c.send("get: no such type", "GET", CORE + "/things/a")
    c.send("get: no such group", "GET", "/apis/no.such/v1/things")
    c.send("get: no such version", "GET", "/apis/apps/v9/deployments")
    c.send("post: no collection", "POST", maps + "/a", {})
    c.send("put: a collection", "PUT", maps, {})
    answers = [server.watch(maps + "?watch=1&timeoutSeconds=5", 3) for server in c.servers]
    c.compare("watch: initial", answers)
    answers = []
    for server in c.servers:
        version = server.send("GET", maps)[1]["metadata"]["resourceVersion"]
        server.send("PATCH", maps + "/a", {"data": {"k": "v"}}, content=MERGE)
        server.send("PATCH", maps + "/a", {"metadata": {"labels": {"x": "9"}}}, content=MERGE)
        server.send("PATCH", maps + "/a", {"metadata": {"labels": {"x": "1"}}}, content=MERGE)
        server.send("DELETE", maps + "/a")
        answers.append((server.watch(maps + "?watch=1&timeoutSeconds=5&resourceVersion=" + version, 4),
                        server.watch(maps + "?watch=1&timeoutSeconds=5&labelSelector=x%3D1&resourceVersion=" + version, 4)))
    c.compare("watch: changes", [answer[0] for answer in answers])
    c.compare("watch: into and out of a selection", [answer[1] for answer in answers])
    c.send("deletecollection", "DELETE", maps + "?labelSelector=x")
    c.send("list: after deletecollection", "GET", maps + "?labelSelector=x")


def kubectl(c, program, kubeconfigs):
    def run(name, *arguments, text=None):
        answers = []
        for kubeconfig in kubeconfigs:
            done = subprocess.run([program, "--kubeconfig", kubeconfig, "-n", NS, *arguments], input=text,
                                  capture_output=True, text=True, timeout=60)
            port = re.compile(r"127\.0\.0\.1:\d+")
            answers.append((done.returncode, port.sub("ADDRESS", re.sub(r"\b\d+s\b *", "AGE ", done.stdout)),
                            [port.sub("ADDRESS", done.stderr)]))
        c.compare("kubectl " + name, answers)

    web = json.dumps(deployment())
    run("apply", "apply", "-f", "-", text=web)
    run("apply again", "apply", "-f", "-", text=web)
    run("apply changed", "apply", "-f", "-", text=json.dumps(deployment("x:2", 2)))
    run("apply fewer", "apply", "-f", "-", text=web)
    run("get", "get", "deploy,cm,secret")
    run("get wide", "get", "deploy", "-o", "wide")
    run("get yaml", "get", "deploy", "d", "-o", "yaml", "--show-managed-fields")
    run("diff", "diff", "-f", "-", text=json.dumps(deployment("x:3")))
    run("server-side conflict", "apply", "--server-side", "-f", "-", text=json.dumps(deployment("x:4")))
    run("server-side", "apply", "--server-side", "--force-conflicts", "-f", "-", text=json.dumps(deployment("x:4")))
    run("managed fields", "get", "deploy", "d", "-o", "json", "--show-managed-fields")
    run("unknown field", "apply", "-f", "-", text=web.replace('"selector"', '"selctor": {}, "selector"'))
    run("wrong type", "apply", "-f", "-", text=json.dumps(deployment(replicas="x")))
    run("dry-run", "apply", "--dry-run=server", "-f", "-", text=json.dumps(deployment("x:5")))
    run("scale", "scale", "deploy", "d", "--replicas=4")
    run("label", "label", "deploy", "d", "a=b")
    run("annotate", "annotate", "deploy", "d", "a=b")
    run("set image", "set", "image", "deploy/d", "a=x:9")
    run("patch", "patch", "deploy", "d", "-p", '{"spec":{"paused":true}}')
    run("create cm", "create", "configmap", "k", "--from-literal=a=b")
    run("create again", "create", "configmap", "k", "--from-literal=a=b")
    run("create secret", "create", "secret", "generic", "k", "--from-literal=a=b")
    run("replace", "replace", "-f", "-", text=json.dumps(dict(config_map({"z": "1"}), metadata={"name": "k"})))
    run("wait", "wait", "--for=jsonpath={.data.z}=1", "cm/k", "--timeout=10s")
    run("get absent", "get", "cm", "absent")
    run("get selector", "get", "deploy", "-l", "a=b", "-o", "name")
    run("explain", "explain", "deployment.spec.replicas", "--recursive=false", "--output=plaintext-openapiv2")
    run("delete", "delete", "deploy/d", "cm/k", "secret/k", "--timeout=20s")
    run("delete absent", "delete", "cm", "absent")
    run("apply prune", "apply", "--prune", "-l", "p=q", "-f", "-",
        text=json.dumps(dict(config_map({}), metadata={"name": "pr", "labels": {"p": "q"}})))


def namespaces(c):
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "compare-other"}}
    c.apply("ns: apply", "/api/v1/namespaces/compare-other", space)
    c.apply("ns: apply again", "/api/v1/namespaces/compare-other", space)
    c.patch("ns: label", "/api/v1/namespaces/compare-other", {"metadata": {"labels": {"a": "b"}}})
    c.send("ns: default stays", "DELETE", "/api/v1/namespaces/default")
    c.send("ns: deletecollection", "DELETE", "/api/v1/namespaces")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandbox", help="command that starts the sandbox")
    parser.add_argument("--sandbox-kubeconfig", help="of a sandbox that runs already")
    parser.add_argument("--real-kubeconfig", default=os.environ.get("KUBECONFIG"))
    parser.add_argument("--only", default="", help="only the parts whose name holds this")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if not options.real_kubeconfig or not (options.sandbox or options.sandbox_kubeconfig):
        print("SKIP: wants a real API server (KUBECONFIG) and a sandbox (--sandbox)")
        return 77
    process, folder = None, tempfile.mkdtemp(prefix="sluice-compare-")
    try:
        kubeconfig = options.sandbox_kubeconfig
        if not kubeconfig:
            kubeconfig = os.path.join(folder, "kubeconfig")
            process = subprocess.Popen(shlex.split(options.sandbox) + ["--write-kubeconfig", kubeconfig],
                                       stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            while not os.path.exists(kubeconfig) or not os.path.getsize(kubeconfig):
                if process.poll() is not None or time.monotonic() > deadline:
                    print("the sandbox did not start")
                    return 1
                time.sleep(0.05)
        real, ours = Server(options.real_kubeconfig), Server(kubeconfig)
        for server in (real, ours):
            server.send("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
        c = Comparison(real, ours, options.verbose)
        parts = [config_maps, deployments, other_kinds, definitions, reading, namespaces]
        for part in parts:
            if options.only in part.__name__:
                part(c)
        program = shutil.which("kubectl")
        if program and options.only in "kubectl":
            kubectl(c, program, (options.real_kubeconfig, kubeconfig))
        elif not program:
            print("SKIP: kubectl is not on PATH")
        print("%d steps compared, %d different" % (c.steps, c.different))
        return 1 if c.different else 0
    finally:
        if process:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
