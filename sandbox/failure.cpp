#include "sandbox/failure.hpp"

#include <algorithm>

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

std::string Failure::json() const {
  std::string out =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)";
  append_quoted(out, message);
  if (!reason.empty()) {
    out += R"(,"reason":)";
    append_quoted(out, reason);
  }
  if (!name.empty() || !kind.empty() || !causes.empty() || retry_after != 0 || empty_details) {
    out += R"(,"details":{)";
    JsonFields fields(out);
    if (!name.empty()) fields.text("name", name);
    if (!group.empty()) fields.text("group", group);
    if (!kind.empty()) fields.text("kind", kind);
    if (!uid.empty()) fields.text("uid", uid);
    if (!causes.empty()) {
      fields.key("causes");
      out += '[';
      for (const Cause& cause : causes) {
        if (&cause != &causes.front()) out += ',';
        out += '{';
        JsonFields inner(out);
        if (!cause.reason.empty()) inner.text("reason", cause.reason);
        if (!cause.message.empty()) inner.text("message", cause.message);
        if (!cause.field.empty()) inner.text("field", cause.field);
        out += '}';
      }
      out += ']';
    }
    if (retry_after != 0) fields.number("retryAfterSeconds", retry_after);
    out += '}';
  }
  out += R"(,"code":)" + std::to_string(code) + "}\n";
  return out;
}

std::string Named::qualified() const {
  return group.empty() ? resource : resource + "." + group;
}

tl::unexpected<std::unique_ptr<Failure>> bad_request(std::string message) {
  return refuse({.code = 400, .reason = "BadRequest", .message = std::move(message)});
}

tl::unexpected<std::unique_ptr<Failure>> internal_error(std::string message) {
  return refuse({.code = 500, .message = std::move(message)});
}

namespace {

Failure about(const Named& what, int code, const char* reason, std::string message) {
  return {.code = code,
          .reason = reason,
          .message = std::move(message),
          .name = what.name,
          .group = what.group,
          .kind = what.resource};
}

}  // namespace

tl::unexpected<std::unique_ptr<Failure>> not_found(const Named& what) {
  return refuse(
      about(what, 404, "NotFound", what.qualified() + " \"" + what.name + "\" not found"));
}

tl::unexpected<std::unique_ptr<Failure>> already_exists(const Named& what) {
  return refuse(about(what, 409, "AlreadyExists",
                      what.qualified() + " \"" + what.name + "\" already exists"));
}

tl::unexpected<std::unique_ptr<Failure>> conflict(const Named& what, const std::string& why) {
  return refuse(about(
      what, 409, "Conflict",
      "Operation cannot be fulfilled on " + what.qualified() + " \"" + what.name + "\": " + why));
}

tl::unexpected<std::unique_ptr<Failure>> forbidden(const Named& what, const std::string& why) {
  return refuse(about(what, 403, "Forbidden",
                      what.qualified() + " \"" + what.name + "\" is forbidden: " + why));
}

void FieldErrors::required(const std::string& field, const std::string& detail) {
  causes_.push_back(
      {"FieldValueRequired", "Required value" + (detail.empty() ? "" : ": " + detail), field});
}
void FieldErrors::invalid(const std::string& field, const std::string& value_text,
                          const std::string& detail) {
  causes_.push_back({"FieldValueInvalid", "Invalid value: " + value_text + ": " + detail, field});
}
void FieldErrors::type_invalid(const std::string& field, const std::string& value_text,
                               const std::string& detail) {
  causes_.push_back(
      {"FieldValueTypeInvalid", "Invalid value: " + value_text + ": " + detail, field});
}
void FieldErrors::forbidden(const std::string& field, const std::string& detail) {
  causes_.push_back({"FieldValueForbidden", "Forbidden: " + detail, field});
}
void FieldErrors::not_supported(const std::string& field, const std::string& value_text,
                                const std::vector<std::string>& supported) {
  std::string list;
  for (const std::string& one : supported)
    list += (list.empty() ? "" : ", ") + one;
  causes_.push_back({"FieldValueNotSupported",
                     "Unsupported value: " + value_text + ": supported values: " + list, field});
}
void FieldErrors::duplicate(const std::string& field, const std::string& value_text) {
  causes_.push_back({"FieldValueDuplicate", "Duplicate value: " + value_text, field});
}
void FieldErrors::too_long(const std::string& field, const std::string& detail) {
  causes_.push_back({"FieldValueTooLong", "Too long: " + detail, field});
}
void FieldErrors::too_many(const std::string& field, const std::string& value_text,
                           const std::string& detail) {
  causes_.push_back({"FieldValueTooMany", "Too many: " + value_text + ": " + detail, field});
}

Failure FieldErrors::failure(const Named& what) const {
  Failure failure = about(what, 422, "Invalid", "");
  failure.kind = what.kind;
  const std::string kind = what.group.empty() ? what.kind : what.kind + "." + what.group;
  std::string list;
  std::vector<std::string> seen;  // kube-apiserver's aggregate names equal errors once
  for (const Cause& cause : causes_) {
    std::string text = cause.field + ": " + cause.message;
    if (std::find(seen.begin(), seen.end(), text) == seen.end()) seen.push_back(std::move(text));
  }
  for (const std::string& one : seen)
    list += (list.empty() ? "" : ", ") + one;
  if (seen.size() > 1) list = "[" + list + "]";
  failure.message = kind + " \"" + what.name + "\" is invalid: " + list;
  failure.causes = causes_;
  return failure;
}

}  // namespace sluice::sandbox
