#pragma once
/// A refused request, as the Status object says it. Within this module `Answer<T>` is what
/// Result<T> is elsewhere, since a Status carries more than an Error: HTTP code, reason, details.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::sandbox {

struct Cause {
  std::string reason;  ///< "FieldValueRequired", "FieldManagerConflict"
  std::string message;
  std::string field;
};

struct Failure {
  int code = 500;
  std::string reason = {};
  std::string message = {};
  // details
  std::string name = {};
  std::string group = {};
  std::string kind = {};
  std::string uid = {};
  std::vector<Cause> causes = {};
  int retry_after = 0;
  bool empty_details = false;  ///< `details: {}`, which kube-apiserver's generic answers have

  /// The Status document as JSON.
  std::string json() const;
};

/// Boxed, so that a good answer costs nothing.
template <class T>
using Answer = tl::expected<T, std::unique_ptr<Failure>>;

inline tl::unexpected<std::unique_ptr<Failure>> refuse(Failure failure) {
  return tl::unexpected<std::unique_ptr<Failure>>(std::make_unique<Failure>(std::move(failure)));
}
tl::unexpected<std::unique_ptr<Failure>> bad_request(std::string message);
tl::unexpected<std::unique_ptr<Failure>> internal_error(std::string message);

/// What the messages call an object: `deployments.apps "web"`.
struct Named {
  std::string group, resource, kind, name;
  std::string qualified() const;  ///< deployments.apps
};
tl::unexpected<std::unique_ptr<Failure>> not_found(const Named& what);
tl::unexpected<std::unique_ptr<Failure>> already_exists(const Named& what);
tl::unexpected<std::unique_ptr<Failure>> conflict(const Named& what, const std::string& why);
tl::unexpected<std::unique_ptr<Failure>> forbidden(const Named& what, const std::string& why);

/// Validation errors of one object, collected in field order.
class FieldErrors {
 public:
  void required(const std::string& field, const std::string& detail = {});
  void invalid(const std::string& field, const std::string& value_text, const std::string& detail);
  void forbidden(const std::string& field, const std::string& detail);
  void type_invalid(const std::string& field, const std::string& value_text,
                    const std::string& detail);
  void not_supported(const std::string& field, const std::string& value_text,
                     const std::vector<std::string>& supported);
  void duplicate(const std::string& field, const std::string& value_text);
  void too_long(const std::string& field, const std::string& detail);
  void too_many(const std::string& field, const std::string& value_text, const std::string& detail);
  bool empty() const { return causes_.empty(); }
  /// 422: `Kind.group "name" is invalid: spec.x: Required value`.
  Failure failure(const Named& what) const;

 private:
  std::vector<Cause> causes_;
};

}  // namespace sluice::sandbox

#define SANDBOX_CONCAT_(a, b) a##b
#define SANDBOX_CONCAT(a, b) SANDBOX_CONCAT_(a, b)
/// SANDBOX_TRY(auto value, expression); binds the value or returns the failure.
#define SANDBOX_TRY(declaration, ...) \
  SANDBOX_TRY_(SANDBOX_CONCAT(sandbox_try_, __COUNTER__), declaration, __VA_ARGS__)
#define SANDBOX_TRY_(name, declaration, ...)                        \
  auto name = (__VA_ARGS__);                                        \
  if (!name) return ::tl::make_unexpected(std::move(name.error())); \
  declaration = *std::move(name)
#define SANDBOX_CHECK(...) SANDBOX_CHECK_(SANDBOX_CONCAT(sandbox_check_, __COUNTER__), __VA_ARGS__)
#define SANDBOX_CHECK_(name, ...) \
  if (auto name = (__VA_ARGS__); !name) return ::tl::make_unexpected(std::move(name.error()))
