#include "exchange.hpp"

#include <cstring>
#include <utility>

#include "sluice/base/ascii.hpp"

namespace sluice::http {
namespace {

constexpr std::size_t kMaxHeaderBytes = 256U << 10;

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// Adds a line to a list; libcurl copies it into memory that is wiped when freed.
void add(Slist& list, const char* line) {
  curl_slist* longer = curl_slist_append(list.get(), line);
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

curl_blob blob_of(std::string_view bytes) {
  // The memory is the request's, which outlives the transfer; libcurl copies what a connection
  // keeps.
  return {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_NOCOPY};
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  // Options this file sets exist in the libcurl it is built against; what is left is memory.
  if (curl_easy_setopt(handle, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
}

}  // namespace

Result<std::shared_ptr<Exchange>> Exchange::prepare(const Request& request,
                                                    const std::string& user_agent) {
  std::shared_ptr<Exchange> out(new Exchange(request));
  SLUICE_CHECK(out->set_up(user_agent));
  return out;
}

Result<void> Exchange::set_up(const std::string& user_agent) {
  const Request& request = *request_;
  const std::unique_ptr<CURLU, UrlCleanup> url(curl_url());
  if (!url) throw std::bad_alloc();
  if (has_line_break(request.url) ||
      curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), 0) != CURLUE_OK) {
    return fail(Code::kInvalid, "not a URL that can be requested (expected http:// or https://)");
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  peer_.host = url_part(url.get(), CURLUPART_HOST);
  peer_.port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  peer_.is_https = scheme == "https";
  if (scheme != "http" && scheme != "https") {
    return fail(Code::kInvalid, "\"" + scheme + "://" + peer_.host +
                                    "\": only http:// and https:// can be requested");
  }
  if (!url_part(url.get(), CURLUPART_USER).empty() ||
      !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
    return fail(Code::kInvalid, "the URL for \"" + peer_.host +
                                    "\" holds credentials: give them in a Secret instead");
  }
  if (request.method.empty() ||
      request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
    return fail(Code::kInvalid, "not an HTTP method: \"" + request.method + "\"");
  }
  url_ = request.url;
  easy_.reset(curl_easy_init());
  if (!easy_) throw std::bad_alloc();
  CURL* handle = easy_.get();

  if (peer_.is_https && request.tls && !request.tls->server_name.empty()) {
    // libcurl verifies the URL's host: so the URL gets the name, CONNECT_TO the address, and Host
    // stays what the caller wrote.
    const std::string& name = request.tls->server_name;
    if (curl_url_set(url.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) {
      return fail(Code::kInvalid, "not a server name: \"" + name + "\"");
    }
    const std::string explicit_port = url_part(url.get(), CURLUPART_PORT);
    host_header_ = peer_.host + (explicit_port.empty() ? "" : ":" + explicit_port);
    url_ = url_part(url.get(), CURLUPART_URL);
    add(connect_to_, ("::" + peer_.host + ":" + peer_.port).c_str());
    set(handle, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  set(handle, CURLOPT_URL, url_.c_str());
  set(handle, CURLOPT_PRIVATE, static_cast<void*>(this));
  set(handle, CURLOPT_ERRORBUFFER, error_);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_USERAGENT, user_agent.c_str());
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  // "" also stops libcurl from asking the environment.
  set(handle, CURLOPT_PROXY, request.proxy.c_str());
  set(handle, CURLOPT_NOPROXY, "");
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  if (request.stall_timeout.count() > 0) {
    set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  }
  if (peer_.is_https && !is_private()) {
    set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(handle, CURLOPT_PIPEWAIT, 1L);  // rather wait for a stream than open a connection
  } else {
    set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  }
  if (request.on_body) set(handle, CURLOPT_BUFFERSIZE, 128L << 10);
  set(handle, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(handle, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(handle, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(handle, CURLOPT_WRITEDATA, static_cast<void*>(this));
  SLUICE_CHECK(set_headers());
  set_body();
  set_tls();
  return {};
}

Result<void> Exchange::set_headers() {
  const Request& request = *request_;
  const bool has_body = !request.body.empty() || request.secret_body;
  bool has_content_type = false;
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has_line_break(name) || name.find(':') != std::string::npos ||
        has_line_break(value)) {
      return fail(Code::kInvalid, "header \"" + std::string(trim(name)) +
                                      "\": a name or value must not hold a line break");
    }
    if (equals_ignoring_case(name, "content-type")) has_content_type = true;
    // libcurl's spelling of a header without a value.
    add(headers_, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  if (request.secret_header_value) {
    const std::string_view value = request.secret_header_value->reveal_text();
    if (request.secret_header_name.empty() || has_line_break(request.secret_header_name) ||
        has_line_break(value)) {
      return fail(Code::kInvalid, "header \"" + request.secret_header_name +
                                      "\": its secret value holds a line break");
    }
    const std::string start = request.secret_header_name + ": ";
    crypto::SecretBytes line(start.size() + value.size() + 1);  // and the NUL that ends it
    auto* to = reinterpret_cast<char*>(line.writable().data());
    std::memcpy(to, start.data(), start.size());
    std::memcpy(to + start.size(), value.data(), value.size());
    add(headers_, to);
  }
  if (!host_header_.empty()) add(headers_, ("Host: " + host_header_).c_str());
  if (has_body) {
    if (!has_content_type) add(headers_, "Content-Type:");  // not libcurl's form-urlencoded
    add(headers_, "Expect:");                               // no round trip before a large body
  }
  set(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
  return {};
}

void Exchange::set_body() {
  const Request& request = *request_;
  CURL* handle = easy_.get();
  const std::string_view body =
      request.secret_body ? request.secret_body->reveal_text() : std::string_view(request.body);
  const bool has_body = !body.empty() || request.secret_body;
  if (request.method == "HEAD") {
    set(handle, CURLOPT_NOBODY, 1L);
  } else if (has_body || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    // POSTFIELDS is not copied: it is sent from where it lies.
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(handle, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
    set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    set(handle, CURLOPT_HTTPGET, 1L);
    if (request.method != "GET") set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void Exchange::set_tls() {
  CURL* handle = easy_.get();
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const Tls* tls = request_->tls.get();
  if (tls == nullptr) return;
  if (tls->insecure) {
    set(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    set(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls->ca_pem.empty()) {
    curl_blob blob = blob_of(tls->ca_pem);
    set(handle, CURLOPT_CAINFO_BLOB, &blob);
    // Only this authority: the blob replaces the system's bundle, but not its directory.
    set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!tls->client_certificate_pem.empty()) {
    curl_blob blob = blob_of(tls->client_certificate_pem);
    set(handle, CURLOPT_SSLCERT_BLOB, &blob);
  }
  if (tls->client_key_pem) {
    curl_blob blob = blob_of(tls->client_key_pem->reveal_text());
    set(handle, CURLOPT_SSLKEY_BLOB, &blob);
  }
}

long Exchange::status() const {
  long code = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
  return code;
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view line(data, size * count);
  exchange.header_bytes_ += line.size();
  if (exchange.header_bytes_ > kMaxHeaderBytes) {
    exchange.stop_ = Stop::kHeaderLimit;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // also after "100 Continue" or a proxy's own answer
    exchange.response_.headers.clear();
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange.response_.headers.emplace_back(to_lower(trim(line.substr(0, colon))),
                                            trim(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view bytes(data, size * count);
  const Request& request = *exchange.request_;
  if (request.on_body) {
    const long status = exchange.status();
    if (status >= 200 && status < 300) {
      if (request.on_body(bytes)) return bytes.size();
      exchange.stop_ = Stop::kByReader;
      return 0;
    }
  }
  if (bytes.size() > request.max_response_bytes - exchange.body_bytes_) {
    exchange.stop_ = Stop::kBodyLimit;
    return 0;
  }
  exchange.body_bytes_ += bytes.size();
  if (request.secret_response) {
    if (!exchange.secret_) exchange.secret_.emplace();
    exchange.secret_->append(bytes);
  } else {
    exchange.response_.body.append(bytes);
  }
  return bytes.size();
}

Error Exchange::failure(CURLcode code) const {
  const std::string peer = peer_.text();
  const std::string_view detail(error_, strnlen(error_, sizeof error_));
  const auto says = [detail](std::string_view words) {
    return detail.find(words) != std::string_view::npos;
  };
  switch (stop_) {
    case Stop::kHeaderLimit:
      return Error(Code::kInvalid, peer + ": the answer's headers are larger than the limit of " +
                                       std::to_string(kMaxHeaderBytes) + " bytes");
    case Stop::kBodyLimit:
      return Error(Code::kInvalid, peer + ": the answer is larger than the limit of " +
                                       std::to_string(request_->max_response_bytes) + " bytes");
    case Stop::kByReader:
      return Error(Code::kCancelled, peer + ": the reader ended the exchange");
    case Stop::kNo:
      break;
  }
  if (says("certificate required") || says("alert bad certificate") || says("alert unknown ca") ||
      says("alert certificate")) {
    return Error(Code::kDenied, peer + ": the server refused the TLS client certificate (" +
                                    std::string(detail) + ")");
  }
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error(Code::kInvalid, "not a URL that can be requested: host \"" + peer_.host + "\"");
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(Code::kUnavailable, "cannot resolve host \"" + peer_.host + "\"");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(Code::kUnavailable, peer + ": cannot resolve the proxy's host");
    case CURLE_COULDNT_CONNECT: {
      long number = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
      return Error(Code::kUnavailable,
                   std::string("cannot connect to ") +
                       (request_->proxy.empty() ? "" : "the proxy for ") + peer +
                       (number != 0 ? ": " + std::string(std::strerror(static_cast<int>(number)))
                                    : std::string()));
    }
    case CURLE_OPERATION_TIMEDOUT:
      if (says("too slow")) {
        return Error(Code::kUnavailable, peer + ": nothing arrived for " +
                                             std::to_string(request_->stall_timeout.count()) +
                                             " s");
      }
      return Error(Code::kUnavailable, peer + ": timed out");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return Error(Code::kIntegrity, peer + ": cannot trust the server: " + std::string(detail));
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Code::kInvalid, peer + ": the CA certificate is not usable PEM");
    case CURLE_SSL_CERTPROBLEM:
      return Error(Code::kInvalid,
                   peer +
                       ": the TLS client certificate or its key is not usable PEM, or they do "
                       "not belong together");
    case CURLE_SSL_CONNECT_ERROR:
      return Error(Code::kUnavailable, peer + ": the TLS handshake failed: " + std::string(detail));
    case CURLE_OUT_OF_MEMORY:
      return Error(Code::kInternal, peer + ": out of memory");
    default:
      return Error(Code::kUnavailable,
                   peer + ": the exchange was cut off: " + curl_easy_strerror(code));
  }
}

void Exchange::finish_with(Result<Response> result) {
  const std::lock_guard lock(mutex_);
  if (!result_) result_.emplace(std::move(result));
  done_.notify_all();
}

void Exchange::finish(CURLcode code) {
  if (is_private()) crypto::wipe_scratch();  // before the caller may look
  if (code != CURLE_OK) return finish_with(fail(failure(code)));
  response_.status = static_cast<int>(status());
  if (request_->secret_response) {
    response_.secret_body = std::make_shared<const crypto::SecretBytes>(
        secret_ ? std::move(*secret_).take() : crypto::SecretBytes());
  }
  finish_with(std::move(response_));
}

void Exchange::finish_cancelled() {
  finish_with(fail(Code::kCancelled, peer_.text() + ": the request was cancelled"));
}

Result<Response> Exchange::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return result_.has_value(); });
  easy_.reset();  // wipes libcurl's buffers now, not when the last reference goes
  headers_.reset();
  if (is_private()) crypto::wipe_scratch();
  return *std::move(result_);
}

}  // namespace sluice::http
