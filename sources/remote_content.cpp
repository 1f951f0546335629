#include "sluice/sources/remote_content.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdlib.h>
#include <string_view>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/hash.hpp"

#include "git_program.hpp"
#include "git_tree.hpp"
#include "submodules.hpp"
#include "upload_pack.hpp"

namespace sluice::sources {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxRedirects = 10;       // Go's http.Client
constexpr int kMaxSubmoduleDepth = 10;  // go-git's; git has no limit
constexpr std::size_t kMaxSubmodules = 500;
constexpr std::chrono::seconds kFileTimeout{60};
constexpr std::string_view kModulesFile = ".gitmodules";

/// A URL without its credentials, and those.
struct SplitUrl {
  std::string url;
  std::string user, password;
  bool has_credentials() const { return !user.empty() || !password.empty(); }
};

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = hex_decode(text.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

bool is_http(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

/// As git tells them apart: a path of this machine has neither a scheme nor a colon before its
/// first slash.
bool is_local(std::string_view url) {
  if (url.find("://") != std::string_view::npos) return url.starts_with("file:");
  const std::size_t colon = url.find(':');
  return colon == std::string_view::npos || url.find('/') < colon;
}

SplitUrl split_credentials(const std::string& url) {
  if (!is_http(url)) return {url, {}, {}};
  const std::size_t start = url.find("://") + 3;
  const std::size_t end = std::min(url.size(), url.find_first_of("/?#", start));
  const std::size_t at = url.rfind('@', end == 0 ? 0 : end - 1);
  if (at == std::string::npos || at < start || at >= end) return {url, {}, {}};
  const std::string info = url.substr(start, at - start);
  const std::size_t colon = info.find(':');
  return {url.substr(0, start) + url.substr(at + 1), percent_decoded(info.substr(0, colon)),
          colon == std::string::npos ? std::string() : percent_decoded(info.substr(colon + 1))};
}

std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, std::min(url.size(), url.find_first_of("/?#", scheme + 3)));
}

/// Where a redirect leads; "" when it cannot be followed.
std::string redirected(const std::string& from, std::string_view location) {
  if (is_http(location)) return std::string(location);
  if (location.starts_with("//")) {
    return from.substr(0, from.find("://") + 1) + std::string(location);
  }
  if (location.starts_with('/')) return std::string(origin_of(from)) + std::string(location);
  return {};
}

/// A directory that goes with its scope.
struct Scratch {
  explicit Scratch(std::string parent) : path(std::move(parent) + "/fetch-XXXXXX") {
    if (::mkdtemp(path.data()) == nullptr) path.clear();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
  std::string path;
};

class RealContent final : public RemoteContent {
 public:
  RealContent(SourceStore& store, http::Client& http, RemoteOptions options)
      : store_(store), http_(http), options_(std::move(options)) {}

  Result<Artifact> repository(const RemoteRepository& wanted, const CancelToken& cancel) override {
    return whole(wanted, 0, cancel);
  }

  Result<RemoteFile> file(const std::string& url, const CancelToken& cancel) override {
    SplitUrl split = split_credentials(url);
    const std::string first_origin(origin_of(split.url));
    std::shared_ptr<const crypto::SecretBytes> authorization;
    if (split.has_credentials()) {
      authorization = http::basic_authorization(
          split.user, crypto::SecretBytes::copy_of(std::string_view(split.password)));
    }
    std::string at = std::move(split.url);
    for (int hop = 0;; ++hop) {
      http::Request request;
      request.url = at.substr(0, at.find('#'));
      request.timeout = kFileTimeout;
      request.proxy = options_.proxy ? options_.proxy(at) : std::string();
      request.max_response_bytes = options_.max_file_bytes;
      if (authorization && origin_of(at) == first_origin) {
        request.secret_header_name = "Authorization";
        request.secret_header_value = authorization;
      }
      SLUICE_TRY(http::Response response, http_.send(request, cancel));
      const std::string_view location = response.header("location");
      const bool redirects = response.status == 301 || response.status == 302 ||
                             response.status == 303 || response.status == 307 ||
                             response.status == 308;
      if (!redirects || location.empty()) {
        return RemoteFile{response.status,
                          std::make_shared<const std::string>(std::move(response.body))};
      }
      if (hop == kMaxRedirects) {
        return fail(Code::kInvalid,
                    "stopped after " + std::to_string(kMaxRedirects) + " redirects");
      }
      std::string next = redirected(at, location);
      if (next.empty()) {
        return fail(Code::kInvalid, "the server redirects to a place that is no web address");
      }
      at = split_credentials(next).url;
    }
  }

 private:
  Result<Artifact> whole(const RemoteRepository& wanted, int depth, const CancelToken& cancel) {
    SLUICE_TRY(Artifact found, one(wanted, cancel));
    if (!wanted.submodules) return found;
    const auto file = TreePath::parse(kModulesFile);
    const auto modules = found.tree->read(*file);
    if (!modules) return found;  // the usual case: there are none
    if (depth == kMaxSubmoduleDepth) {
      return fail(Code::kInvalid,
                  "submodules are nested deeper than " + std::to_string(kMaxSubmoduleDepth));
    }
    std::vector<Mount> mounts;
    for (const Submodule& module : parse_gitmodules(*modules->bytes)) {
      const auto at = TreePath::parse(module.path);
      if (!at || at->is_root()) continue;
      const auto commit = submodule_commit(*found.tree, *at);
      if (!commit) continue;
      if (mounts.size() == kMaxSubmodules) {
        return fail(Code::kInvalid, "more than " + std::to_string(kMaxSubmodules) + " submodules");
      }
      RemoteRepository inner = wanted;
      inner.url = submodule_url(wanted.url, module.url);
      inner.ref = commit->hex();
      if (is_local(inner.url) && !is_local(wanted.url)) {
        return fail(Code::kDenied, "submodule '" + module.path + "': transport 'file' not allowed");
      }
      // What the parent's URL holds is for the parent's server.
      auto tree = whole(inner, depth + 1, cancel);
      if (!tree) {
        return fail(std::move(tree).error().prefix("submodule '" + module.path + "': "));
      }
      mounts.push_back({*at, std::move(tree->tree)});
    }
    if (!mounts.empty()) {
      found.tree = make_mounted_tree(std::move(found.tree), std::move(mounts));
    }
    return found;
  }

  Result<Artifact> one(const RemoteRepository& wanted, const CancelToken& cancel) {
    const std::string path = wanted.url.starts_with('/') ? "file://" + wanted.url : wanted.url;
    const SplitUrl split = split_credentials(path);
    const std::string ref = wanted.ref.empty() ? "HEAD" : wanted.ref;
    if (split.url.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
      return fail(Code::kInvalid, "the repository's URL holds a line break");
    }
    if (!options_.allow_local && split.url.starts_with("file:")) {
      return fail(Code::kDenied, "'" + split.url + "': repositories of this machine are not read");
    }
    const std::string command = "git fetch --depth=1 " + split.url + " " + ref;
    const auto started = std::chrono::steady_clock::now();
    const bool is_ours = is_http(split.url) || split.url.starts_with("file:///");
    auto pulled = is_ours ? pull(wanted, split, ref, cancel)
                          : Result<Artifact>(fail(Code::kUnsupported,
                                                  "'" + split.url + "': there is no git program"));
    if (pulled) return pulled;
    const Code code = pulled.error().code();
    if (code == Code::kCancelled) return pulled;
    if (code == Code::kUnavailable &&
        std::chrono::steady_clock::now() - started >= wanted.timeout) {
      return fail(timeout_error(command, wanted.timeout));
    }
    // What is wrong with the content, or with the certificate, git need not be asked about.
    const bool may_ask_git = code == Code::kUnsupported || code == Code::kDenied ||
                             code == Code::kNotFound || code == Code::kUnavailable;
    if (may_ask_git && !options_.git_program.empty()) return ask_git(wanted, split, ref, cancel);
    Error error(code, "failed to run '" + command + "': " + pulled.error().message());
    if (code == Code::kUnsupported) {
      error =
          std::move(error).hint("only https:// and http:// are fetched without the git program");
    }
    return fail(std::move(error));
  }

  Result<Artifact> pull(const RemoteRepository& wanted, const SplitUrl& split,
                        const std::string& ref, const CancelToken& cancel) {
    GitSpec spec;
    spec.id = id_of(wanted.url, split);
    spec.url = split.url;
    spec.timeout = wanted.timeout;
    if (is_object_id(ref)) {
      spec.ref.commit = ref;
    } else {
      spec.ref.any = ref;
    }
    if (options_.proxy && is_http(split.url)) spec.proxy = options_.proxy(split.url);
    Credentials credentials;
    credentials.username = split.user;
    if (!split.password.empty()) {
      credentials.password = std::make_shared<const crypto::SecretBytes>(
          crypto::SecretBytes::copy_of(std::string_view(split.password)));
    }
    return store_.pull(spec, credentials, cancel);
  }

  /// Fetches with git and takes the objects over, checked like those of any server.
  Result<Artifact> ask_git(const RemoteRepository& wanted, const SplitUrl& split,
                           const std::string& ref, const CancelToken& cancel) {
    const Scratch scratch(options_.scratch_directory);
    if (scratch.path.empty()) {
      return fail(Code::kUnavailable, "cannot make a directory below \"" +
                                          options_.scratch_directory +
                                          "\": " + std::strerror(errno));
    }
    auto commit = fetch_with_git(options_.git_program, options_.git_environment, scratch.path,
                                 wanted.url, ref, wanted.timeout, cancel);
    if (!commit) {
      const Error& error = commit.error();
      return fail(
          Error(error.code(), masked(error.message(), wanted.url, split)).reason(error.reason()));
    }
    GitSpec spec;
    spec.id = id_of("git " + wanted.url, split);
    spec.url = "file://" + scratch.path;
    spec.ref.commit = *commit;
    return store_.pull(spec, {}, cancel);
  }

  static std::string id_of(const std::string& url, const SplitUrl& split) {
    // What was fetched with credentials is no business of those who do not have them.
    return split.has_credentials() || url.size() > 400 ? "remote:" + crypto::sha256(url).hex()
                                                       : "remote:" + url;
  }

  static std::string masked(std::string text, const std::string& url, const SplitUrl& split) {
    if (!split.has_credentials()) return text;
    const auto replace = [&text](const std::string& from, const std::string& to) {
      for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    };
    replace(url, split.url);
    if (!split.password.empty()) replace(split.password, "xxxxx");
    return text;
  }

  SourceStore& store_;
  http::Client& http_;
  RemoteOptions options_;
};

}  // namespace

std::unique_ptr<RemoteContent> make_remote_content(SourceStore& store, http::Client& http,
                                                   RemoteOptions options) {
  return std::make_unique<RealContent>(store, http, std::move(options));
}

}  // namespace sluice::sources
