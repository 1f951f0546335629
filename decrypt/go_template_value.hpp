#pragma once
/// Values of a template, and its functions. Private to go_template.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "go_template.hpp"

namespace sluice::decrypt::go_template {

struct Value {
  enum class Kind : std::uint8_t {
    kMissing,  ///< reflect's invalid value: what a key that is not there gives
    kNil,
    kBool,
    kInt,
    kString,
    kMap,
  };
  Kind kind = Kind::kMissing;
  bool boolean = false;
  std::int64_t number = 0;
  std::shared_ptr<const crypto::SecretBytes> bytes;  ///< of kString
  const TemplateData* map = nullptr;

  static Value of(bool value);
  static Value of(std::int64_t value);
  static Value of(crypto::SecretBytes value);
  static Value of(std::shared_ptr<const crypto::SecretBytes> value);
  static Value of(const TemplateData& value);
  std::string_view text() const;  ///< of kString
};

using Arguments = std::span<const Value>;

/// Go's truth: not zero, not empty.
bool is_true(const Value& value);
/// As an action prints it (fmt.Fprint, "<no value>" for a missing one).
void print(const Value& value, ByteSink& out);

using Function = Result<Value> (*)(Arguments arguments);
struct FunctionEntry {
  std::string_view name;
  std::size_t least, most;  ///< number of arguments
  Function call;
};
/// nullptr when there is none of this name. `and` and `or` are not here: they do not look at all of
/// their arguments.
const FunctionEntry* find_function(std::string_view name);

}  // namespace sluice::decrypt::go_template
