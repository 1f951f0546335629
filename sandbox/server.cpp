#include <arpa/inet.h>
#include <atomic>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>

#include <microhttpd.h>

#include "sluice/sandbox/sandbox.hpp"

#include "sandbox/api.hpp"

namespace sluice::sandbox {
namespace {

using namespace std::chrono_literals;

struct DaemonDeleter {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
struct ResponseDeleter {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using ResponsePtr = std::unique_ptr<MHD_Response, ResponseDeleter>;

}  // namespace

struct Sandbox::State {
  explicit State(const SandboxOptions& given) : options(given), api(given) {}

  const SandboxOptions options;
  Api api;
  std::atomic<std::uint64_t> requests{0}, writes{0}, watches{0};
  std::atomic<bool> stopping{false};
  std::uint16_t port = 0;
  std::unique_ptr<MHD_Daemon, DaemonDeleter> daemon;  // last: its threads use the rest
};

namespace {

template <class State>
struct Exchange {
  ApiRequest request;
  bool too_large = false;
};

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string() : std::string(value);
}

MHD_Result add_parameter(void* to, MHD_ValueKind, const char* key, const char* value) {
  static_cast<ApiRequest*>(to)->query.emplace_back(key, value == nullptr ? "" : value);
  return MHD_YES;
}

/// One watch on its connection's thread: the reader callback waits for events.
struct OpenWatch {
  std::unique_ptr<WatchStream> stream;
  std::string pending;
  std::size_t sent = 0;
  int socket = -1;
  std::atomic<bool>* stopping = nullptr;
  std::atomic<std::uint64_t>* open = nullptr;
};

/// True when the client closed its side; a gone watcher must not hold its thread.
bool is_gone(int socket) {
  pollfd one{socket, POLLRDHUP, 0};
  return poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

ssize_t read_watch(void* of, std::uint64_t, char* buffer, std::size_t size) {
  auto& watch = *static_cast<OpenWatch*>(of);
  while (watch.sent == watch.pending.size()) {
    if (*watch.stopping) return MHD_CONTENT_READER_END_OF_STREAM;
    watch.pending.clear();
    watch.sent = 0;
    switch (watch.stream->next(watch.pending, 500ms)) {
      case WatchStream::State::kEnd:
        return MHD_CONTENT_READER_END_OF_STREAM;
      case WatchStream::State::kMore:
        break;
      case WatchStream::State::kIdle:
        if (is_gone(watch.socket)) return MHD_CONTENT_READER_END_WITH_ERROR;
        break;
    }
  }
  const std::size_t count = std::min(size, watch.pending.size() - watch.sent);
  std::memcpy(buffer, watch.pending.data() + watch.sent, count);
  watch.sent += count;
  return static_cast<ssize_t>(count);
}

void close_watch(void* of) {
  auto* watch = static_cast<OpenWatch*>(of);
  watch->open->fetch_sub(1);
  delete watch;
}

ResponsePtr make_response(ApiAnswer& answer, MHD_Connection* connection,
                          std::atomic<bool>& stopping, std::atomic<std::uint64_t>& open) {
  ResponsePtr response;
  if (answer.stream) {
    auto watch = std::make_unique<OpenWatch>();
    watch->stream = std::move(answer.stream);
    watch->stopping = &stopping;
    watch->open = &open;
    if (const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)) {
      watch->socket = info->connect_fd;
    }
    response.reset(MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64U << 10, read_watch,
                                                     watch.get(), close_watch));
    if (response) {
      open.fetch_add(1);
      (void)watch.release();  // close_watch owns it now
    }
  } else {
    response.reset(MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                   MHD_RESPMEM_MUST_COPY));
  }
  if (!response) return response;
  MHD_add_response_header(response.get(), "Content-Type", answer.content_type.c_str());
  MHD_add_response_header(response.get(), "Cache-Control", "no-cache, private");
  MHD_add_response_header(response.get(), "Server", "sluice-sandbox");
  MHD_add_response_header(response.get(), "Vary", "Accept");
  for (const std::string& warning : answer.warnings) {
    std::string escaped;
    for (const char c : warning) {
      if (c == '"' || c == '\\') escaped += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) escaped += c;
    }
    MHD_add_response_header(response.get(), "Warning", ("299 - \"" + escaped + "\"").c_str());
  }
  return response;
}

template <class State>
MHD_Result on_request(void* of, MHD_Connection* connection, const char* url, const char* method,
                      const char*, const char* data, std::size_t* size, void** slot) {
  auto& state = *static_cast<State*>(of);
  if (*slot == nullptr) {
    auto* exchange = new Exchange<State>;
    exchange->request.method = method;
    exchange->request.path = url;
    *slot = exchange;
    const std::string length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!length.empty() &&
        std::strtoull(length.c_str(), nullptr, 10) > state.options.max_body_bytes) {
      exchange->too_large = true;
    }
    return MHD_YES;
  }
  auto& exchange = *static_cast<Exchange<State>*>(*slot);
  ApiRequest& request = exchange.request;
  if (*size != 0) {
    if (!exchange.too_large && request.body.size() + *size > state.options.max_body_bytes) {
      exchange.too_large = true;
      request.body.clear();
      request.body.shrink_to_fit();
    }
    if (!exchange.too_large) request.body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  state.requests.fetch_add(1);
  if (request.method != "GET" && request.method != "HEAD") state.writes.fetch_add(1);
  ApiAnswer answer;
  if (exchange.too_large) {
    answer = state.api.too_large();
  } else {
    request.accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
    request.content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    request.user_agent = header(connection, MHD_HTTP_HEADER_USER_AGENT);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_parameter, &request);
    answer = state.api.handle(request);
  }
  const ResponsePtr response = make_response(answer, connection, state.stopping, state.watches);
  if (!response) return MHD_NO;
  return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
}

template <class State>
void on_completed(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode) {
  delete static_cast<Exchange<State>*>(*slot);
  *slot = nullptr;
}

/// MHD's own complaints are about clients that went away; they are no one's news.
void no_log(void*, const char*, va_list) {}

}  // namespace

Sandbox::Sandbox(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Sandbox>> Sandbox::start(const SandboxOptions& options) {
  if (options.port < 0 || options.port > 65'535) {
    return fail(Code::kInvalid, "sandbox: no such port: " + std::to_string(options.port));
  }
  const auto port = static_cast<std::uint16_t>(options.port);
  auto state = std::make_unique<State>(options);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  state->daemon.reset(MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
          MHD_USE_ERROR_LOG | MHD_USE_ITC,
      port, nullptr, nullptr, &on_request<State>, state.get(), MHD_OPTION_EXTERNAL_LOGGER, &no_log,
      nullptr, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, &on_completed<State>,
      nullptr, MHD_OPTION_CONNECTION_LIMIT, options.max_connections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<std::size_t>(64U << 10), MHD_OPTION_END));
  if (!state->daemon) {
    return fail(Code::kUnavailable,
                "sandbox: cannot listen on 127.0.0.1:" + std::to_string(options.port) + ": " +
                    std::strerror(errno),
                Where{}, "another program may use the port; --port 0 takes a free one");
  }
  const MHD_DaemonInfo* info = MHD_get_daemon_info(state->daemon.get(), MHD_DAEMON_INFO_BIND_PORT);
  state->port = info == nullptr ? port : info->port;
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(state)));
}

Sandbox::~Sandbox() {
  state_->stopping = true;
  state_->api.stop();
  state_->daemon.reset();
}

int Sandbox::port() const {
  return state_->port;
}
std::string Sandbox::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->port);
}
std::string Sandbox::kubeconfig() const {
  return "apiVersion: v1\nkind: Config\ncurrent-context: sluice-sandbox\ncontexts:\n- name: "
         "sluice-sandbox\n"
         "  context: {cluster: sluice-sandbox, user: sluice-sandbox}\nclusters:\n- name: "
         "sluice-sandbox\n"
         "  cluster:\n    server: " +
         url() + "\nusers:\n- name: sluice-sandbox\n  user: {}\n";
}
std::uint64_t Sandbox::requests() const {
  return state_->requests;
}
std::uint64_t Sandbox::write_requests() const {
  return state_->writes;
}
std::uint64_t Sandbox::open_watches() const {
  return state_->watches;
}

}  // namespace sluice::sandbox
