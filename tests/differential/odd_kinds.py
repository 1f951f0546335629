"""Resources of kinds that hold names of others, or that transformers treat in a way of their own."""
KINDS = (("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("apiregistration.k8s.io/v1", "APIService"),
         ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"), ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
         ("v1", "PersistentVolume"), ("v1", "PersistentVolumeClaim"), ("storage.k8s.io/v1", "StorageClass"), ("scheduling.k8s.io/v1", "PriorityClass"),
         ("networking.k8s.io/v1", "IngressClass"), ("networking.k8s.io/v1", "Ingress"), ("networking.k8s.io/v1", "NetworkPolicy"), ("v1", "ServiceAccount"),
         ("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("v1", "ReplicationController"), ("v1", "Namespace"), ("v1", "LimitRange"), ("v1", "Endpoints"),
         ("autoscaling/v2", "HorizontalPodAutoscaler"), ("v1", "PodTemplate"), ("example.com/v1", "WidgetList"), ("batch/v1", "CronJob"), ("apps/v1", "StatefulSet"),
         ("policy/v1", "PodDisruptionBudget"), ("rbac.authorization.k8s.io/v1", "RoleBinding"), ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"))


def rich_pod(case):
    """A pod that names others wherever it can."""
    word = case.word
    spec = case.pod()
    container = spec["containers"][0]
    if case.some(.4):
        container["env"] = [{"name": "A", "value": case.pick("$(A)", "x", "$(A)-$(VAR)")}, {"name": "K", "valueFrom": {"secretKeyRef": {"name": word(), "key": "k"}}}]
    if case.some(.3):
        spec["initContainers"] = [{"name": "init", "image": case.pick("busybox", "nginx:1"), "envFrom": [{"secretRef": {"name": word()}}]}]
    if case.some(.5):
        spec["volumes"] = [{"name": "p", "projected": {"sources": [{"configMap": {"name": word()}}, {"secret": {"name": word()}}]}},
                           case.pick({"name": "c", "persistentVolumeClaim": {"claimName": word()}}, {"name": "i", "image": {"reference": "nginx:1"}},
                                     {"name": "s", "csi": {"driver": "d", "nodePublishSecretRef": {"name": word()}}}, {"name": "s", "secret": {"secretName": word()}})]
    if case.some(.3):
        spec["imagePullSecrets"] = [{"name": word()}, {"name": word()}]
    if case.some(.3):
        spec["priorityClassName"] = word()
    if case.some(.2):
        spec["topologySpreadConstraints"] = [{"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1, "labelSelector": {"matchLabels": {"app": "web"}}}]
    if case.some(.2):
        spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}]}}
    return spec


def body(case, kind):
    """What a resource of `kind` holds besides its metadata."""
    word = case.word
    template = {"metadata": {"labels": {"app": "web"}}, "spec": rich_pod(case)}
    if kind == "CustomResourceDefinition":
        return {"spec": {"group": "example.com", "names": {"kind": "Widget", "plural": "widgets"}, "scope": case.pick("Namespaced", "Cluster"),
                         **({"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": word(), "namespace": "ns1"}}}}} if case.some(.5) else {})}}
    if kind == "APIService":
        return {"spec": {"group": "example.com", "version": "v1", "service": {"name": word(), **({"namespace": "ns1"} if case.some(.5) else {})}}}
    if kind.endswith("WebhookConfiguration"):
        return {"webhooks": [{"name": n, "clientConfig": {"service": {"name": word(), "namespace": case.pick("ns1", "default", "prod")}}} for n in ("a.io", "b.io")[:case.r.randint(1, 2)]]}
    if kind == "PersistentVolume":
        return {"spec": {"storageClassName": word(), "claimRef": {"name": word(), "namespace": "ns1"}, **case.pick({}, {"rbd": {"secretRef": {"name": word()}}}, {"csi": {"nodeStageSecretRef": {"name": word()}}})}}
    if kind == "PersistentVolumeClaim":
        return {"spec": {"storageClassName": word(), "volumeName": word(), "accessModes": ["ReadWriteOnce"]}}
    if kind == "StorageClass":
        return {"provisioner": "x", "parameters": {"a": "true", "b": "1"}}
    if kind == "PriorityClass":
        return {"value": case.pick(1000, -1), "globalDefault": False}
    if kind == "IngressClass":
        return {"spec": {"controller": "x"}}
    if kind == "Ingress":
        return {"spec": {"ingressClassName": word(), "tls": [{"hosts": ["h"], "secretName": word()}], "defaultBackend": {"resource": {"kind": "Service", "name": word()}},
                         "rules": [{"host": case.pick("h", "*.h", "$(A).h"), "http": {"paths": [{"path": "/", "backend": {"service": {"name": word(), "port": {"name": "http"}}}}]}}]}}
    if kind == "NetworkPolicy":
        return {"spec": {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}],
                         **case.pick({}, {"egress": [{"to": [{"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}]}]})}}
    if kind == "ServiceAccount":
        return {"secrets": [{"name": word()}, {"name": word()}], "imagePullSecrets": [{"name": word()}]}
    if kind == "Pod":
        return {"spec": rich_pod(case)}
    if kind in ("ReplicaSet", "ReplicationController"):
        return {"spec": {"selector": {"app": "web"} if kind == "ReplicationController" else {"matchLabels": {"app": "web"}}, "template": template,
                         **case.pick({}, {"replicas": 2}, {"replicas": None})}}
    if kind == "StatefulSet":
        return {"spec": {"serviceName": word(), "selector": {"matchLabels": {"app": "web"}}, "template": template,
                         "volumeClaimTemplates": [{"metadata": {"name": "data", **case.pick({}, {"labels": {"app": "web"}})}, "spec": {"storageClassName": word()}}]}}
    if kind == "CronJob":
        return {"spec": {"schedule": "@daily", "jobTemplate": {**case.pick({}, {"metadata": {"labels": {"app": "web"}}}), "spec": {"template": template}}}}
    if kind == "PodTemplate":
        return {"template": template}
    if kind == "LimitRange":
        return {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}}]}}
    if kind == "Endpoints":
        return {"subsets": [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]}
    if kind == "HorizontalPodAutoscaler":
        return {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": case.pick("StatefulSet", "ReplicaSet", "Deployment", "ReplicationController"), "name": word()},
                         "maxReplicas": 3, "metrics": []}}
    if kind == "PodDisruptionBudget":
        return {"spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": case.pick(1, "50%")}}
    if kind.endswith("Binding"):
        role = case.pick("ClusterRole", "Role")
        return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": word()},
                "subjects": [{"kind": "ServiceAccount", "name": case.pick("default", word(), word()), **case.pick({}, {"namespace": "ns1"}, {"namespace": "default"}, {"namespace": "prod"})}
                             for _ in range(case.r.randint(1, 3))] + case.pick([], [{"kind": "User", "name": word()}])}
    return {}
