// Which proxy a URL is fetched through: the rules of Go's golang.org/x/net/http/httpproxy.
#include <map>

#include "cli/remote_content.hpp"
#include "support/test.hpp"

using namespace sluice;

namespace {

std::string proxy(const std::string& url, const std::map<std::string, std::string>& variables) {
  return cli::proxy_for(url, [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

}  // namespace

TEST_CASE("proxy: by scheme, in capitals before small letters, never for this machine") {
  CHECK(proxy("https://kms.example/x", {{"HTTPS_PROXY", "http://p:1"}}) == "http://p:1");
  CHECK(proxy("https://kms.example/x", {{"https_proxy", "http://q:1"}}) == "http://q:1");
  CHECK(proxy("https://kms.example", {{"HTTPS_PROXY", "a"}, {"https_proxy", "b"}}) == "a");
  CHECK(proxy("https://kms.example", {{"HTTP_PROXY", "a"}}).empty());
  CHECK(proxy("http://kms.example", {{"HTTP_PROXY", "a"}}) == "a");
  for (const char* url : {"https://localhost/x", "https://127.0.0.1:8200", "https://[::1]:8200/v1",
                          "https://user:pw@LOCALHOST:1/"}) {
    CHECK(proxy(url, {{"HTTPS_PROXY", "a"}}).empty());
  }
}

TEST_CASE("proxy: NO_PROXY has names with what is below them, addresses, networks and ports") {
  const auto direct = [](const std::string& url, const std::string& exceptions) {
    return proxy(url, {{"HTTPS_PROXY", "a"}, {"NO_PROXY", exceptions}}).empty();
  };
  CHECK(direct("https://a.example", "a.example"));
  CHECK(direct("https://x.a.example", "other, a.example"));
  CHECK(direct("https://x.a.example", ".a.example"));
  CHECK(direct("https://x.a.example", "*.a.example"));
  CHECK_FALSE(direct("https://a.example", ".a.example"));
  CHECK_FALSE(direct("https://xa.example", "a.example"));
  CHECK(direct("https://a.example", "*"));
  CHECK(direct("https://a.example:8443", "a.example:8443"));
  CHECK_FALSE(direct("https://a.example", "a.example:8443"));
  CHECK(direct("https://a.example", "a.example:443"));
  CHECK(direct("https://10.1.2.3:8200", "10.0.0.0/8"));
  CHECK_FALSE(direct("https://11.1.2.3:8200", "10.0.0.0/8"));
  CHECK(direct("https://[fd00::7]:8200", "fd00::/8"));
  CHECK(direct("https://10.1.2.3", "10.1.2.3"));
  CHECK_FALSE(direct("https://10.1.2.3", "10.0.0.0/99"));
}
