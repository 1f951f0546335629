#pragma once
/// The columns of `kubectl get` tables: those that the API server has for its own kinds
/// (pkg/printers of Kubernetes), shortened to what the kinds served here can show, and
/// additionalPrinterColumns.

#include <functional>
#include <string>
#include <vector>

#include "sandbox/resource.hpp"

namespace sluice::sandbox {

/// What an object shows in a column, as JSON.
using Cell = std::function<std::string(yaml::Node object)>;

struct Column {
  std::string name, type;
  Cell cell;
  int priority = 0;         ///< above 0: with `-o wide` only
  std::string format = {};  ///< "name" for the object's name
};

Column name_column(int priority = 0);

/// Of a built-in kind; name and age for one that has none of its own.
std::vector<Column> builtin_columns(const Resource& resource);
/// Of a custom resource, which must outlive them.
std::vector<Column> custom_columns(const Resource& resource);

// --- cells; `path` is a JSONPath as select() takes it --------------------------------------------

/// The first value that a column's JSONPath selects: `.a.b`, `.a[0]`, `.a[?(@.type=="Ready")].b`,
/// `.a['b']`, `.a\.b`. Missing when there is none, or for a path beyond these.
yaml::Node select(yaml::Node at, std::string_view path);

Cell text_at(const char* path);
Cell text_or_none(const char* path);           ///< `<none>` for no text
Cell number_at(const char* path);              ///< 0 for none
Cell count_at(const char* path);               ///< of items or entries
Cell ratio(const char* part, const char* of);  ///< "1/3"
Cell pairs_at(const char* path);               ///< "a=b,c=d"
Cell time_since(const char* path);             ///< "5m30s", of a time in RFC 3339
/// Each item's `field`, separated by commas.
Cell each_at(const char* list, const char* field);

}  // namespace sluice::sandbox
