#include "kube/resource_path.hpp"

#include "sluice/base/ascii.hpp"

namespace sluice::kube {
namespace {

bool is_unreserved(char c) {  // RFC 3986 section 2.3
  return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    }
  }
}

}  // namespace

std::string collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = type.gvk.group.empty() ? "/api/" : "/apis/" + type.gvk.group + "/";
  path += type.gvk.version;
  if (type.namespaced && !ns.empty()) {
    path += "/namespaces/";
    append_escaped(path, ns);
  }
  path.push_back('/');
  append_escaped(path, type.plural);
  return path;
}

std::string object_path(const ResourceType& type, std::string_view ns, std::string_view name,
                        std::string_view subresource) {
  std::string path = collection_path(type, ns);
  path.push_back('/');
  append_escaped(path, name);
  if (!subresource.empty()) {
    path.push_back('/');
    append_escaped(path, subresource);
  }
  return path;
}

void Query::add(std::string_view key, std::string_view value) {
  text_.push_back(text_.empty() ? '?' : '&');
  append_escaped(text_, key);
  text_.push_back('=');
  append_escaped(text_, value);
}

}  // namespace sluice::kube
