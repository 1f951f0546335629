#include "sluice/kube/secret_data.hpp"

#include <utility>

#include "sluice/http/secret_json.hpp"

namespace sluice::kube {
namespace {

using http::JsonScanner;

/// Values of `data` are base64, so they hold no escapes.
bool read_data(JsonScanner& scanner, SecretData& out) {
  std::string_view ignored;
  if (!scanner.take('{')) return scanner.value(ignored);  // null
  if (scanner.take('}')) return true;
  do {
    std::string_view key;
    std::string_view value;
    if (!scanner.string(key) || !scanner.take(':') || !scanner.string(value)) return false;
    auto bytes = crypto::base64_decode_secret(value);
    if (!bytes) return false;
    out.insert_or_assign(std::string(key), *std::move(bytes));
  } while (scanner.take(','));
  return scanner.take('}');
}

}  // namespace

Result<SecretData> parse_secret_data(std::string_view json, std::string* resource_version) {
  JsonScanner scanner(json);
  std::string_view ignored;
  SecretData data;
  std::string_view kind;
  bool good = scanner.take('{');
  if (good && !scanner.take('}')) {
    do {
      std::string_view key;
      good = scanner.string(key) && scanner.take(':');
      if (!good) break;
      good = key == "data"   ? read_data(scanner, data)
             : key == "kind" ? scanner.string(kind)
                             : scanner.value(ignored);
    } while (good && scanner.take(','));
    good = good && scanner.take('}');
  }
  if (!good || !scanner.at_end() || kind != "Secret") {
    return fail(Code::kInvalid, "the API server's answer is not a Secret");
  }
  if (resource_version != nullptr) {
    *resource_version = http::json_text(json, {"metadata", "resourceVersion"});
  }
  return data;
}

Result<SecretData> get_secret_data(Client& client, const std::string& ns, const std::string& name,
                                   const CancelToken& cancel, std::string* resource_version) {
  auto body = client.get_secret_body("/api/v1/namespaces/" + ns + "/secrets/" + name, cancel);
  if (!body) {
    if (body.error().code() != Code::kNotFound) return fail(std::move(body.error()));
    return fail(Code::kNotFound, "secrets \"" + name + "\" not found");
  }
  return parse_secret_data(body->reveal_text(), resource_version);
}

}  // namespace sluice::kube
