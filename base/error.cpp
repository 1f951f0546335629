#include "sluice/base/error.hpp"

#include <utility>

namespace sluice {

struct Error::Body {
  Code code;
  std::string message;
  Where where;
  std::string hint;
  std::vector<std::string> within;
  std::vector<Error> also;
  std::string reason;
};

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not found";
    case Code::kDenied:
      return "denied";
    case Code::kConflict:
      return "conflict";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kIntegrity:
      return "integrity";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kInternal:
      return "internal";
    case Code::kCancelled:
      return "cancelled";
  }
  return "internal";
}

int exit_code(Code code) {
  switch (code) {
    case Code::kInvalid:
    case Code::kNotFound:
    case Code::kUnsupported:
      return 1;
    case Code::kDenied:
      return 2;
    case Code::kConflict:
    case Code::kUnavailable:
    case Code::kCancelled:
      return 3;
    case Code::kIntegrity:
      return 4;
    case Code::kInternal:
      return 70;
  }
  return 70;
}

std::string Where::text() const {
  std::string out = file;
  if (line != 0) {
    out += out.empty() ? "line " : ":";
    out += std::to_string(line);
    if (column != 0) out += ":" + std::to_string(column);
  }
  return out;
}

Error::Error(Code code, std::string message) : Error(code, std::move(message), Where{}) {}
Error::Error(Code code, std::string message, Where where, std::string hint)
    : body_(new Body{code, std::move(message), std::move(where), std::move(hint), {}, {}, {}}) {}
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::Error(const Error& other) : body_(std::make_unique<Body>(*other.body_)) {}
Error& Error::operator=(const Error& other) {
  if (this != &other) body_ = std::make_unique<Body>(*other.body_);
  return *this;
}
Error::~Error() = default;

Code Error::code() const {
  return body_->code;
}
const std::string& Error::message() const {
  return body_->message;
}
const Where& Error::where() const {
  return body_->where;
}
const std::string& Error::hint() const {
  return body_->hint;
}
const std::vector<std::string>& Error::within() const {
  return body_->within;
}
const std::string& Error::reason() const {
  return body_->reason;
}
const std::vector<Error>& Error::also() const {
  return body_->also;
}

Error&& Error::at(Where where) && {
  if (body_->where.empty()) {
    body_->where = std::move(where);
  } else if (body_->where.file.empty()) {
    body_->where.file = std::move(where.file);
  }
  return std::move(*this);
}
Error&& Error::hint(std::string text) && {
  body_->hint = std::move(text);
  return std::move(*this);
}
Error&& Error::in(std::string context) && {
  body_->within.push_back(std::move(context));
  return std::move(*this);
}
Error&& Error::prefix(std::string_view text) && {
  body_->message.insert(0, text);
  return std::move(*this);
}
Error&& Error::as(Code code) && {
  body_->code = code;
  return std::move(*this);
}
Error&& Error::reason(std::string word) && {
  body_->reason = std::move(word);
  return std::move(*this);
}
void Error::add(Error other) {
  body_->also.push_back(std::move(other));
}

std::string Error::text() const {
  std::string out;
  if (!body_->where.empty()) out += body_->where.text() + ": ";
  out += body_->message;
  for (const std::string& line : body_->within)
    out += "\n  in " + line;
  if (!body_->hint.empty()) out += "\n  hint: " + body_->hint;
  for (const Error& other : body_->also)
    out += "\n" + other.text();
  return out;
}

}  // namespace sluice
