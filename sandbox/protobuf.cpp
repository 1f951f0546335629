#include "sandbox/protobuf.hpp"

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "sluice/base/clock.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::sandbox {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// One field of a message: its number and the value in the form of its wire type.
struct Entry {
  std::uint64_t number = 0;
  Wire wire = Wire::kVarint;
  std::uint64_t value = 0;
  std::string_view bytes;
};

/// Reads the fields of one message in order; not `ok` once something is malformed.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }

  std::optional<Entry> next() {
    if (!ok_ || rest_.empty()) return {};
    const std::uint64_t tag = varint();
    Entry out;
    out.number = tag >> 3;
    out.wire = static_cast<Wire>(tag & 7);
    switch (out.wire) {
      case Wire::kVarint:
        out.value = varint();
        break;
      case Wire::kFixed64:
        out.value = fixed(8);
        break;
      case Wire::kFixed32:
        out.value = fixed(4);
        break;
      case Wire::kBytes:
        out.bytes = take(varint());
        break;
      default:
        ok_ = false;
    }
    if (out.number == 0) ok_ = false;
    if (!ok_) return {};
    return out;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return out;
    }
    ok_ = false;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::uint64_t fixed(unsigned size) {
    std::uint64_t out = 0;
    unsigned shift = 0;
    for (const char c : take(size)) {
      out |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(c)) << shift;
      shift += 8;
    }
    return out;
  }

  std::string_view rest_;
  bool ok_ = true;
};

/// The first field `number` of a message; empty when absent.
std::optional<Entry> find(std::string_view message, std::uint64_t number) {
  MessageReader reader(message);
  while (const auto entry = reader.next()) {
    if (entry->number == number) return entry;
  }
  return {};
}

class ObjectReader {
 public:
  /// Reads a message into `out`, a mapping. `prefix`: "2." inside an inlined message.
  bool message(std::string_view bytes, const Type& type, const std::string& prefix, yaml::Ref out) {
    MessageReader reader(bytes);
    while (const auto entry = reader.next()) {
      const std::string number = prefix + std::to_string(entry->number);
      const Field* known = nullptr;
      bool inlined = false;
      for (const Field& field : type.fields) {
        if (field.wire == number) known = &field;
        inlined = inlined || field.wire.starts_with(number + ".");
      }
      if (known != nullptr) {
        if (!put(*known, *entry, out)) return failed(known->name);
      } else if (inlined) {
        if (entry->wire != Wire::kBytes || !message(entry->bytes, type, number + ".", out))
          return failed(number);
      }
    }
    return reader.ok() || failed("");
  }

  /// Where reading stopped: ".spec.replicas".
  const std::string& path() const { return path_; }

 private:
  bool failed(const std::string& name) {
    if (!name.empty()) path_ = "." + name + path_;
    return false;
  }

  bool put(const Field& field, const Entry& entry, yaml::Ref out) {
    const Type& type = *field.type;
    if (type.shape == Shape::kList) {
      const yaml::Ref list = out.put_sequence(field.name);
      return value(*type.element, entry, list.append_mapping());
    }
    if (type.shape == Shape::kMap && type.element != nullptr) {
      // One entry of the map: a message {1: key, 2: value}.
      if (entry.wire != Wire::kBytes) return false;
      const yaml::Ref map = out.put_mapping(field.name);
      const auto key = find(entry.bytes, 1);
      Entry inner = find(entry.bytes, 2).value_or(Entry{2, Wire::kBytes, 0, {}});
      const std::string_view name = key ? key->bytes : std::string_view();
      return is_text(name) && value(*type.element, inner, map.put_null(name));
    }
    return value(type, entry, out.put_null(field.name));
  }

  bool value(const Type& type, const Entry& entry, yaml::Ref out) {
    switch (type.shape) {
      case Shape::kBool:
        out.set_bool(entry.value != 0);
        return entry.wire == Wire::kVarint;
      case Shape::kInt32:
      case Shape::kInt64:
        out.set_int(static_cast<std::int64_t>(entry.value));
        return entry.wire == Wire::kVarint;
      case Shape::kNumber:
        out.set_scalar(yaml::Kind::kFloat,
                       yaml::format_float_g(std::bit_cast<double>(entry.value)));
        return entry.wire == Wire::kFixed64;
      default:
        break;
    }
    if (entry.wire != Wire::kBytes) return false;
    switch (type.shape) {
      case Shape::kString:
        out.set_string(entry.bytes);
        return is_text(entry.bytes);
      case Shape::kBytes:
        out.set_string(base64_encode(entry.bytes));
        return true;
      case Shape::kTime:
        return time(entry.bytes, out);
      case Shape::kQuantity: {
        const auto text = find(entry.bytes, 1);
        out.set_string(text ? text->bytes : std::string_view("0"));
        return is_text(out.text());
      }
      case Shape::kIntOrString:
        return int_or_string(entry.bytes, out);
      case Shape::kMap:
        out.set_mapping();
        return message(entry.bytes, type, "", out);
      case Shape::kAny:
        return raw(entry.bytes, out);
      default:
        return false;
    }
  }

  static bool is_text(std::string_view text) { return is_valid_utf8(text); }

  /// {1: seconds, 2: nanos}; an empty message is Go's zero time, which is null.
  static bool time(std::string_view bytes, yaml::Ref out) {
    const auto seconds = find(bytes, 1), nanos = find(bytes, 2);
    if (!seconds) {
      out.set_null();
      return true;
    }
    static constexpr std::int64_t kLast = 253'402'300'799;  // 9999-12-31T23:59:59Z
    const auto count = static_cast<std::int64_t>(seconds->value);
    if (count < 0 || count > kLast) return false;
    const auto whole = std::chrono::duration_cast<WallTime::duration>(std::chrono::seconds(
        std::min<std::int64_t>(count, 9'000'000'000)));  // what nanoseconds in 63 bits can hold
    std::string text = rfc3339(WallTime(whole));
    if (nanos && nanos->value != 0) {  // a MicroTime
      if (nanos->value >= 1'000'000'000) return false;
      char digits[16];
      std::snprintf(digits, sizeof digits, ".%06u", static_cast<unsigned>(nanos->value / 1000));
      text.insert(text.size() - 1, digits);
    }
    out.set_string(text);
    return true;
  }

  /// {1: which, 2: the number, 3: the string}
  static bool int_or_string(std::string_view bytes, yaml::Ref out) {
    const auto which = find(bytes, 1), number = find(bytes, 2), text = find(bytes, 3);
    if (which && which->value == 1) {
      out.set_string(text ? text->bytes : std::string_view());
      return is_text(out.text());
    }
    out.set_int(number ? static_cast<std::int64_t>(number->value) : 0);
    return true;
  }

  /// RawExtension, FieldsV1, JSON: {1: a JSON text}.
  static bool raw(std::string_view bytes, yaml::Ref out) {
    const auto json = find(bytes, 1);
    if (!json || json->bytes.empty()) {
      out.set_null();
      return true;
    }
    const auto document = yaml::read_json(json->bytes);
    if (!document) return false;
    out.assign(document->root());
    return true;
  }

  std::string path_;
};

}  // namespace

Answer<yaml::Document> read_protobuf(std::string_view body, const Type& type) {
  if (!body.starts_with(kMagic)) {
    return bad_request(
        "provided data does not appear to be a protobuf message, expected prefix "
        "[107 56 115 0]");
  }
  body.remove_prefix(kMagic.size());
  const auto header = find(body, 1), object = find(body, 2);
  if (!object || object->wire != Wire::kBytes) {
    return bad_request("protobuf: the envelope holds no object");
  }
  yaml::Document out;
  out.root().set_mapping();
  if (header) {
    for (const auto& [number, name] : {std::pair(1, "apiVersion"), std::pair(2, "kind")}) {
      const auto text = find(header->bytes, static_cast<std::uint64_t>(number));
      if (text && is_valid_utf8(text->bytes)) out.root().put_string(name, text->bytes);
    }
  }
  ObjectReader reader;
  if (!reader.message(object->bytes, type, "", out.root())) {
    return bad_request("protobuf: cannot read " +
                       (reader.path().empty() ? "the message" : reader.path()));
  }
  return out;
}

}  // namespace sluice::sandbox
