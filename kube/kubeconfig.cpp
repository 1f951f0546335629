#include <filesystem>
#include <optional>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/secret_file.hpp"
#include "sluice/kube/config.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::kube {
namespace {

using yaml::Node;

constexpr std::size_t kMaxFileBytes = 4U << 20;

/// What the parts of one kubeconfig share.
struct Reader {
  const std::string& path;
  std::filesystem::path directory;

  Where where(Node node) const {
    return {path, node.exists() ? node.position().line() : 0,
            node.exists() ? node.position().column() : 0};
  }

  std::string file(std::string_view name) const {
    const std::filesystem::path given(name);
    return (given.is_absolute() ? given : directory / given).lexically_normal().string();
  }

  /// The text under `key`: "" when absent or null.
  Result<std::string_view> text(Node mapping, std::string_view key) const {
    const Node value = mapping.get(key);
    if (!value.exists() || value.is_null()) return std::string_view();
    if (!value.is_scalar())
      return fail(Code::kInvalid, "kubeconfig: \"" + std::string(key) + "\" must be a string",
                  where(value));
    return value.text();
  }

  /// The entry of the list `list` named `name`; `inner` of it.
  Result<Node> named(Node root, std::string_view list, std::string_view name,
                     std::string_view inner, Node asked_at) const {
    const Node entries = root.get(list);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries.at(i).get("name").text() == name) return entries.at(i).get(inner);
    }
    return fail(
        Code::kInvalid,
        "kubeconfig: no entry named " + go_quote(name) + " in \"" + std::string(list) + "\"",
        where(asked_at), "check the names in contexts[].context and current-context");
  }

  /// PEM text given inline in base64 under `key`-data or as a file name under `key`.
  Result<std::string> pem(Node mapping, const std::string& key) const {
    SLUICE_TRY(const std::string_view inline_text, text(mapping, key + "-data"));
    if (!inline_text.empty()) {
      auto bytes = base64_decode(inline_text);
      if (!bytes)
        return fail(Code::kInvalid, "kubeconfig: \"" + key + "-data\" is not base64",
                    where(mapping.get(key + "-data")));
      return *std::move(bytes);
    }
    SLUICE_TRY(const std::string_view name, text(mapping, key));
    if (name.empty()) return std::string();
    auto bytes = crypto::read_secret_file(file(name), kMaxFileBytes);
    if (!bytes) return fail(std::move(bytes).error().at(where(mapping.get(key))));
    return std::string(bytes->reveal_text());  // a certificate: public
  }

  Result<std::shared_ptr<const crypto::SecretBytes>> key(Node user) const {
    SLUICE_TRY(const std::string_view inline_text, text(user, "client-key-data"));
    if (!inline_text.empty()) {
      auto bytes = crypto::base64_decode_secret(inline_text);
      if (!bytes)
        return fail(Code::kInvalid, "kubeconfig: \"client-key-data\" is not base64",
                    where(user.get("client-key-data")));
      return std::make_shared<const crypto::SecretBytes>(*std::move(bytes));
    }
    SLUICE_TRY(const std::string_view name, text(user, "client-key"));
    if (name.empty()) return nullptr;
    auto bytes = crypto::read_secret_file(file(name), kMaxFileBytes);
    if (!bytes) return fail(std::move(bytes).error().at(where(user.get("client-key"))));
    return std::make_shared<const crypto::SecretBytes>(*std::move(bytes));
  }
};

bool is_true(Node node) {
  return node.exists() && node.kind() == yaml::Kind::kBool && node.text() == "true";
}

Result<void> read_cluster(const Reader& reader, Node cluster, Config& config, http::Tls& tls) {
  SLUICE_TRY(const std::string_view server, reader.text(cluster, "server"));
  if (server.empty())
    return fail(Code::kInvalid, "kubeconfig: the cluster has no \"server\"", reader.where(cluster));
  config.server = server;
  while (config.server.ends_with('/'))
    config.server.pop_back();
  SLUICE_TRY(tls.ca_pem, reader.pem(cluster, "certificate-authority"));
  tls.insecure = is_true(cluster.get("insecure-skip-tls-verify"));
  if (tls.insecure && !tls.ca_pem.empty())
    return fail(Code::kInvalid,
                "kubeconfig: \"insecure-skip-tls-verify\" together with a certificate authority",
                reader.where(cluster.get("insecure-skip-tls-verify")), "remove one of them");
  SLUICE_TRY(const std::string_view name, reader.text(cluster, "tls-server-name"));
  tls.server_name = name;
  SLUICE_TRY(const std::string_view proxy, reader.text(cluster, "proxy-url"));
  config.proxy = proxy;
  // client-go: a server without a scheme is https when there is any TLS setting, else http.
  if (config.server.find("://") == std::string::npos)
    config.server = (tls.ca_pem.empty() && !tls.insecure ? "http://" : "https://") + config.server;
  return {};
}

Result<void> read_user(const Reader& reader, Node user, Config& config, http::Tls& tls) {
  for (const std::string_view plugin : {"exec", "auth-provider"}) {
    if (user.get(plugin).exists() && !user.get(plugin).is_null())
      return fail(Code::kUnsupported,
                  "kubeconfig: credential plugins (\"" + std::string(plugin) +
                      "\") are not supported: sluice runs no programs",
                  reader.where(user.get(plugin)),
                  "use a token, a tokenFile or a client certificate");
  }
  SLUICE_TRY(tls.client_certificate_pem, reader.pem(user, "client-certificate"));
  SLUICE_TRY(tls.client_key_pem, reader.key(user));
  if (tls.client_certificate_pem.empty() != (tls.client_key_pem == nullptr))
    return fail(Code::kInvalid,
                "kubeconfig: a client certificate needs both \"client-certificate\" and "
                "\"client-key\"",
                reader.where(user));
  SLUICE_TRY(const std::string_view token_file, reader.text(user, "tokenFile"));
  SLUICE_TRY(const std::string_view token, reader.text(user, "token"));
  if (!token_file.empty()) {
    config.bearer_token_file = reader.file(token_file);  // client-go: the file wins
  } else if (!token.empty()) {
    config.bearer_token =
        std::make_shared<const crypto::SecretBytes>(crypto::SecretBytes::copy_of(token));
  }
  SLUICE_TRY(const std::string_view name, reader.text(user, "username"));
  SLUICE_TRY(const std::string_view password, reader.text(user, "password"));
  if (!name.empty()) {
    if (config.bearer_token || !config.bearer_token_file.empty())
      return fail(Code::kInvalid, "kubeconfig: a user with both a token and a password",
                  reader.where(user), "keep one of them");
    config.username = name;
    config.password =
        std::make_shared<const crypto::SecretBytes>(crypto::SecretBytes::copy_of(password));
  }
  SLUICE_TRY(const std::string_view as, reader.text(user, "as"));
  config.impersonate_user = as;
  if (user.get("as-groups").size() != 0)
    return fail(Code::kUnsupported, "kubeconfig: \"as-groups\" is not supported",
                reader.where(user.get("as-groups")), "impersonate a user with \"as\" only");
  return {};
}

Result<Config> read_config(const Reader& reader, Node root, const std::string& context) {
  if (!root.is_mapping())
    return fail(Code::kInvalid, "kubeconfig: not a mapping", Where{reader.path, 0, 0});
  SLUICE_TRY(const std::string_view current, reader.text(root, "current-context"));
  const std::string_view wanted = context.empty() ? current : std::string_view(context);
  if (wanted.empty())
    return fail(Code::kInvalid, "kubeconfig: no \"current-context\"", Where{reader.path, 0, 0},
                "name a context");
  SLUICE_TRY(const Node chosen,
             reader.named(root, "contexts", wanted, "context", root.get("current-context")));
  SLUICE_TRY(const std::string_view cluster_name, reader.text(chosen, "cluster"));
  SLUICE_TRY(const std::string_view user_name, reader.text(chosen, "user"));
  SLUICE_TRY(const Node cluster,
             reader.named(root, "clusters", cluster_name, "cluster", chosen.get("cluster")));
  Config config;
  auto tls = std::make_shared<http::Tls>();
  SLUICE_CHECK(read_cluster(reader, cluster, config, *tls));
  if (!user_name.empty()) {
    SLUICE_TRY(const Node user, reader.named(root, "users", user_name, "user", chosen.get("user")));
    SLUICE_CHECK(read_user(reader, user, config, *tls));
  }
  SLUICE_TRY(const std::string_view ns, reader.text(chosen, "namespace"));
  if (!ns.empty()) config.default_namespace = ns;
  config.tls = std::move(tls);
  return config;
}

Result<Config> parse_owned(std::shared_ptr<std::string> text, const std::string& path,
                           const std::string& context) {
  // Scalars of the document point into `text`, which is overwritten when we are done: credentials
  // stay only where read_user() put them.
  Result<Config> result = [&]() -> Result<Config> {
    auto documents = yaml::read_yaml(std::shared_ptr<const std::string>(text), FileId::kNone);
    if (!documents) {
      Error error = std::move(documents).error();
      const Where at{path, error.where().line, error.where().column};
      return fail(Error(error.code(), "kubeconfig: " + error.message(), at));
    }
    if (documents->size() != 1)
      return fail(Code::kInvalid, "kubeconfig: expected one YAML document", Where{path, 0, 0});
    const Reader reader{path, std::filesystem::path(path).parent_path()};
    return read_config(reader, documents->front().root(), context);
  }();
  crypto::wipe(*text);
  return result;
}

}  // namespace

Result<Config> parse_kubeconfig(std::string_view text, const std::string& path,
                                const std::string& context) {
  return parse_owned(std::make_shared<std::string>(text), path, context);
}

Result<Config> load_kubeconfig(const std::string& path, const std::string& context) {
  SLUICE_TRY(const crypto::SecretBytes bytes, crypto::read_secret_file(path, kMaxFileBytes));
  return parse_owned(std::make_shared<std::string>(bytes.reveal_text()), path, context);
}

Result<Config> in_cluster_config(const std::string& host, const std::string& port,
                                 const std::string& directory) {
  const std::string token_file = directory + "/token";
  if (host.empty() || port.empty())
    return fail(Code::kNotFound, "not in a cluster: KUBERNETES_SERVICE_HOST is not set", Where{},
                "give a kubeconfig");
  if (auto token = crypto::read_secret_file(token_file, kMaxFileBytes); !token)
    return fail(std::move(token).error().prefix("not in a cluster: ").hint("give a kubeconfig"));
  Config config;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  config.server = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  config.bearer_token_file = token_file;
  auto tls = std::make_shared<http::Tls>();
  SLUICE_TRY(const crypto::SecretBytes ca,
             crypto::read_secret_file(directory + "/ca.crt", kMaxFileBytes));
  tls->ca_pem = ca.reveal_text();
  config.tls = std::move(tls);
  if (auto ns = crypto::read_secret_file(directory + "/namespace", kMaxFileBytes)) {
    config.default_namespace = ns->reveal_text();
    while (config.default_namespace.ends_with('\n'))
      config.default_namespace.pop_back();
  }
  return config;
}

}  // namespace sluice::kube
