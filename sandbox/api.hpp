#pragma once
/// The API without a transport: a request in, an answer or a watch out.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sluice/sandbox/sandbox.hpp"

#include "sandbox/objects.hpp"
#include "sandbox/registry.hpp"
#include "sandbox/selectors.hpp"
#include "sandbox/store.hpp"
#include "sandbox/tables.hpp"

namespace sluice::sandbox {

struct ApiRequest {
  std::string method;
  std::string path;  ///< decoded
  std::vector<std::pair<std::string, std::string>> query;
  std::string accept, content_type, user_agent;
  std::string body;

  std::string parameter(std::string_view name) const;  ///< "" when absent
  bool has_parameter(std::string_view name) const;
  bool is_true(std::string_view name) const;
};

/// How the client wants objects (Accept).
enum class Form : std::uint8_t { kObject, kTable, kMetadata };

/// One watch. Events are pulled by the connection's thread.
class WatchStream {
 public:
  struct Options {
    ResourcePtr resource;
    std::string ns;
    LabelSelector labels;
    FieldSelector fields;
    Form form = Form::kObject;
    IncludeObject include = IncludeObject::kMetadata;
    bool bookmarks = false;
    bool initial_events = false;  ///< sendInitialEvents: the bookmark that ends them
    std::uint64_t since = 0;
    std::vector<ObjectPtr> initial;
    std::chrono::steady_clock::time_point deadline;
    std::chrono::milliseconds bookmark_interval;
  };
  WatchStream(Store& store, Options options);

  enum class State : std::uint8_t { kMore, kIdle, kEnd };
  /// Appends JSON lines to `out`; waits at most `patience` for the first.
  State next(std::string& out, std::chrono::milliseconds patience);

 private:
  bool wanted(const ObjectPtr& object) const;
  void event(std::string& out, const char* type, const ObjectPtr& object) const;
  void bookmark(std::string& out, bool ends_initial) const;

  Store& store_;
  Options options_;
  std::uint64_t seen_;
  bool started_ = false, ended_ = false;
  std::chrono::steady_clock::time_point next_bookmark_;
};

struct ApiAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::string> warnings;
  std::unique_ptr<WatchStream> stream;
};

class Api {
 public:
  explicit Api(const SandboxOptions& options);
  ApiAnswer handle(const ApiRequest& request);
  /// 413, with kube-apiserver's words.
  ApiAnswer too_large() const;
  void stop() { store_.stop(); }

 private:
  struct Route;
  Answer<ApiAnswer> serve(const ApiRequest& request);
  Answer<ApiAnswer> serve_discovery(const ApiRequest& request,
                                    const std::vector<std::string>& parts);
  Answer<ApiAnswer> serve_resource(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> get_one(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> list(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> watch(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> write(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> remove(const ApiRequest& request, const Route& route);
  Answer<ApiAnswer> remove_all(const ApiRequest& request, const Route& route);

  const SandboxOptions options_;
  Store store_;
  Registry registry_;
  Objects objects_;
};

}  // namespace sluice::sandbox
