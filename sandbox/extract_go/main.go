// Prints, as JSON, what Go's encoders do with the structs of the Kubernetes API and OpenAPI does not tell:
// protobuf field numbers, and whether an empty field is printed. Used by ../extract_types.py.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

type field struct {
	Number    string `json:"number"` // "2", or "2.3" for a field of an inlined message
	Pointer   bool   `json:"pointer"`
	OmitEmpty bool   `json:"omitEmpty"`
	OmitZero  bool   `json:"omitZero"`
	Struct    bool   `json:"struct"`
}

var found = map[string]map[string]field{}

func name(t reflect.Type) string {
	path := t.PkgPath()
	for _, prefix := range []string{"k8s.io/api/", "k8s.io/apimachinery/pkg/apis/", "k8s.io/apimachinery/pkg/",
		"k8s.io/apiextensions-apiserver/pkg/apis/"} {
		path = strings.TrimPrefix(path, prefix)
	}
	return strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

func number(tag string) string {
	parts := strings.Split(tag, ",")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

func fields(t reflect.Type, prefix string, onWire bool, into map[string]field) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		tag := strings.Split(f.Tag.Get("json"), ",")
		options := strings.Join(tag[1:], ",")
		n := number(f.Tag.Get("protobuf"))
		if tag[0] == "" && (f.Anonymous || strings.Contains(options, "inline")) {
			inner := prefix
			if n != "" {
				inner += n + "."
			}
			target := f.Type
			if target.Kind() == reflect.Pointer {
				target = target.Elem()
			}
			if target.Kind() == reflect.Struct {
				fields(target, inner, onWire && n != "", into)
			}
			continue
		}
		if tag[0] == "" || tag[0] == "-" {
			continue
		}
		number := ""
		if n != "" && onWire {
			number = prefix + n
		}
		into[tag[0]] = field{number, f.Type.Kind() == reflect.Pointer, strings.Contains(options, "omitempty"),
			strings.Contains(options, "omitzero"), f.Type.Kind() == reflect.Struct}
		visit(f.Type)
	}
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		visit(t.Elem())
	case reflect.Struct:
		key := name(t)
		if _, done := found[key]; done || t.PkgPath() == "" || !strings.HasPrefix(t.PkgPath(), "k8s.io/") {
			return
		}
		found[key] = map[string]field{}
		fields(t, "", true, found[key])
	}
}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		core.AddToScheme, apps.AddToScheme, batch.AddToScheme, networking.AddToScheme, rbac.AddToScheme,
		policy.AddToScheme, storage.AddToScheme, autoscaling.AddToScheme, autoscalingv1.AddToScheme,
		scheduling.AddToScheme, coordination.AddToScheme, events.AddToScheme, admissionregistration.AddToScheme,
		apiextensions.AddToScheme, discovery.AddToScheme, node.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	for _, t := range scheme.AllKnownTypes() {
		visit(t)
	}
	visit(reflect.TypeOf(meta.DeleteOptions{}))
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
