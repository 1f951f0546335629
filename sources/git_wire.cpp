#include "git_wire.hpp"

#include <algorithm>

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxListBytes = 64U << 20;
constexpr int kMaxRedirects = 5;
constexpr std::string_view kInfoRefs = "/info/refs?service=git-upload-pack";
constexpr std::string_view kAdvertisementType = "application/x-git-upload-pack-advertisement";
constexpr std::string_view kResultType = "application/x-git-upload-pack-result";
const std::string kAgent = "agent=sluice/" SLUICE_VERSION;

std::string without_trailing_slash(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

/// "https://host:port", lower-cased by nobody: enough to tell whether credentials may go along.
std::string_view origin(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, std::min(url.size(), url.find_first_of("/?#", scheme + 3)));
}

std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

std::string_view media_type(std::string_view content_type) {
  return content_type.substr(0, content_type.find_first_of("; "));
}

}  // namespace

GitRemote::GitRemote(http::Client& http, const GitSpec& spec, const Credentials& credentials,
                     ServerMemory& memory)
    : http_(http),
      url_(without_trailing_slash(spec.url)),
      proxy_(spec.proxy),
      timeout_(spec.timeout),
      memory_(memory) {
  if (credentials.bearer_token) {
    authorization_ = http::bearer_authorization(*credentials.bearer_token);
  } else if (!credentials.username.empty() || credentials.password) {
    const crypto::SecretBytes none;
    authorization_ = http::basic_authorization(credentials.username,
                                               credentials.password ? *credentials.password : none);
  }
  if (!credentials.ca_pem.empty() || !credentials.client_certificate_pem.empty()) {
    auto tls = std::make_shared<http::Tls>();
    tls->ca_pem = credentials.ca_pem;
    tls->client_certificate_pem = credentials.client_certificate_pem;
    tls->client_key_pem = credentials.client_key_pem;
    tls_ = std::move(tls);
  }
}

http::Request GitRemote::request(std::string method, const std::string& url) const {
  http::Request out;
  out.method = std::move(method);
  out.url = url;
  out.headers = {{"Git-Protocol", "version=2"}};
  if (authorization_ && origin(url) == origin(url_)) {
    out.secret_header_name = "Authorization";
    out.secret_header_value = authorization_;
  }
  out.tls = tls_;
  out.proxy = proxy_;
  out.timeout = timeout_;
  out.stall_timeout = std::chrono::seconds(30);
  out.max_response_bytes = kMaxListBytes;
  return out;
}

// The words are those of Flux and go-git, which people search for.
Result<void> GitRemote::check_status(const http::Response& response) const {
  const std::string shown(without_query(url_));
  switch (response.status) {
    case 200:
      return {};
    case 401:
      return fail(Code::kDenied,
                  "unable to clone '" + shown + "': authentication required" +
                      (authorization_ ? ": the server refused the credentials" : ""),
                  Where{}, "check the Secret that the source's secretRef names");
    case 403:
      return fail(Code::kDenied, "unable to clone '" + shown + "': authorization failed");
    case 404:
    case 410:
      return fail(Code::kNotFound,
                  "unable to clone: repository not found: git repository: '" + shown + "'");
    case 408:
    case 429:
      break;
    default:
      if (response.status < 500) {
        return fail(Code::kInvalid, "unable to clone '" + shown + "': the server answered " +
                                        std::to_string(response.status));
      }
  }
  return fail(Code::kUnavailable, "unable to clone '" + shown + "': the server answered " +
                                      std::to_string(response.status));
}

Result<Advertisement> GitRemote::discover(const CancelToken& cancel) {
  std::string base = url_;
  for (int redirects = 0;; ++redirects) {
    ++requests_;
    SLUICE_TRY(const http::Response response,
               http_.send(request("GET", base + std::string(kInfoRefs)), cancel));
    if (response.status >= 300 && response.status < 400) {
      // Only a location of the same shape is followed, as Git does on the first contact.
      std::string location(response.header("location"));
      if (location.starts_with('/')) location = std::string(origin(base)) + location;
      const bool same_shape = location.ends_with(kInfoRefs) &&
                              (location.starts_with("https://") ||
                               (location.starts_with("http://") && base.starts_with("http://")));
      if (!same_shape || redirects == kMaxRedirects) {
        return fail(Code::kInvalid, "unable to clone '" + std::string(without_query(url_)) +
                                        "': the server redirects to \"" +
                                        std::string(without_query(location)) +
                                        "\": use the repository's own URL");
      }
      base = location.substr(0, location.size() - kInfoRefs.size());
      continue;
    }
    SLUICE_CHECK(check_status(response));
    if (media_type(response.header("content-type")) != kAdvertisementType) {
      return fail(Code::kUnsupported,
                  "'" + std::string(without_query(url_)) +
                      "' is not a Git repository over HTTP, or one without the smart protocol");
    }
    SLUICE_TRY(Advertisement out, parse_advertisement(response.body));
    memory_.protocol = out.protocol;
    memory_.base = base;
    memory_.capabilities = out.capabilities;
    return out;
  }
}

Result<std::vector<RemoteRef>> GitRemote::list(const std::vector<std::string>& prefixes,
                                               const CancelToken& cancel) {
  if (memory_.protocol == 2) {
    auto known = ls_refs(prefixes, cancel);
    // A server that has changed since (another protocol, another URL) is met again; what says
    // nothing about that is the answer.
    if (known || known.error().code() == Code::kDenied ||
        known.error().code() == Code::kCancelled || known.error().code() == Code::kUnavailable) {
      return known;
    }
    memory_ = {};
  }
  SLUICE_TRY(Advertisement advertisement, discover(cancel));
  if (advertisement.protocol != 2) return std::move(advertisement.refs);
  return ls_refs(prefixes, cancel);
}

Result<std::vector<RemoteRef>> GitRemote::ls_refs(const std::vector<std::string>& prefixes,
                                                  const CancelToken& cancel) {
  http::Request post = request("POST", memory_.base + "/git-upload-pack");
  post.headers.emplace_back("Content-Type", "application/x-git-upload-pack-request");
  post.headers.emplace_back("Accept", kResultType);
  post.body = pkt_line("command=ls-refs\n") + pkt_line(kAgent);
  if (has_capability("object-format")) post.body += pkt_line("object-format=sha1");
  post.body += kDelimiterPacket;
  for (const std::string& prefix : prefixes)
    post.body += pkt_line("ref-prefix " + prefix + "\n");
  post.body += kFlushPacket;
  ++requests_;
  SLUICE_TRY(const http::Response response, http_.send(post, cancel));
  SLUICE_CHECK(check_status(response));
  if (media_type(response.header("content-type")) != kResultType) {
    return fail(Code::kIntegrity, "the server's answer is not in Git's protocol (content type)");
  }
  return parse_ls_refs(response.body);
}

bool GitRemote::has_capability(const std::string& name) const {
  return memory_.capabilities.contains(name);
}

std::string GitRemote::fetch_body(const FetchWish& wish) const {
  std::string body;
  if (memory_.protocol == 2) {
    body = pkt_line("command=fetch\n") + pkt_line(kAgent);
    if (has_capability("object-format")) body += pkt_line("object-format=sha1");
    body += kDelimiterPacket;
    body += pkt_line("ofs-delta\n") + pkt_line("no-progress\n");
    if (!wish.have.empty()) body += pkt_line("thin-pack\n");
    for (const std::string& want : wish.wants)
      body += pkt_line("want " + want + "\n");
  } else {
    std::string asked = " side-band-64k ofs-delta";
    if (has_capability("no-progress")) asked += " no-progress";
    if (has_capability("thin-pack") && !wish.have.empty()) asked += " thin-pack";
    asked += " " + kAgent;
    for (std::size_t i = 0; i < wish.wants.size(); ++i)
      body += pkt_line("want " + wish.wants[i] + (i == 0 ? asked : "") + "\n");
  }
  const bool can_deepen = memory_.protocol == 2
                              ? has_capability("fetch") && memory_.capabilities.at("fetch").find(
                                                               "shallow") != std::string::npos
                              : has_capability("shallow");
  if (can_deepen) {
    if (!wish.have.empty()) body += pkt_line("shallow " + wish.have + "\n");
    body += pkt_line("deepen 1\n");
  }
  if (memory_.protocol != 2) body += kFlushPacket;
  if (!wish.have.empty()) body += pkt_line("have " + wish.have + "\n");
  body += pkt_line("done\n");
  if (memory_.protocol == 2) body += kFlushPacket;
  return body;
}

Result<void> GitRemote::fetch(const FetchWish& wish, Spool& spool, std::size_t max_bytes,
                              const CancelToken& cancel) {
  if (memory_.protocol < 0) SLUICE_CHECK(discover(cancel));
  if (memory_.protocol != 2 && !has_capability("side-band-64k")) {
    return fail(Code::kUnsupported, "the Git server does not offer side-band-64k");
  }
  http::Request post = request("POST", memory_.base + "/git-upload-pack");
  post.headers.emplace_back("Content-Type", "application/x-git-upload-pack-request");
  post.headers.emplace_back("Accept", kResultType);
  post.body = fetch_body(wish);
  bool too_large = false;
  bool kept = true;
  post.on_body = [&](std::string_view bytes) {
    too_large = bytes.size() > max_bytes - spool.size();
    if (too_large) return false;
    kept = spool.append(bytes);
    return kept;
  };
  ++requests_;
  const auto response = http_.send(post, cancel);
  if (too_large) {
    return fail(Code::kInvalid,
                "the pack is larger than the limit of " + std::to_string(max_bytes) + " bytes");
  }
  if (!kept) {
    return fail(Code::kUnavailable, "cannot keep the received pack (disk full?)");
  }
  if (!response) return fail(response.error());
  SLUICE_CHECK(check_status(*response));
  if (media_type(response->header("content-type")) != kResultType) {
    return fail(Code::kIntegrity, "the server's answer is not in Git's protocol (content type)");
  }
  return {};
}

}  // namespace sluice::sources
