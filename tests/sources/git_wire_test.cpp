// Git's protocol: pkt-lines, advertisements, lists of refs, answers to a fetch, and what is sent.
// gitprotocol-common(5), gitprotocol-v2(5), gitprotocol-pack(5).
#include "sources/git_wire.hpp"

#include <numeric>

#include "support/scripted_http.hpp"
#include "support/test.hpp"

namespace sluice::sources {
namespace {

const std::string kOne(40, '1');
const std::string kTwo(40, '2');

/// Packets as "data:…", "flush" …, fed in pieces of `piece` bytes.
std::string packets(std::string_view bytes, std::size_t piece) {
  std::string out;
  PktLines lines([&](PacketKind kind, std::string_view payload) -> Result<void> {
    static constexpr const char* kNames[] = {"data:", "flush", "delimiter", "end"};
    out += kNames[static_cast<int>(kind)];
    out += payload;
    out += ' ';
    return {};
  });
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (const auto fed = lines.feed(bytes.substr(at, piece)); !fed) {
      return out + std::string(code_name(fed.error().code()));
    }
  }
  if (const auto end = lines.finish(); !end) out += code_name(end.error().code());
  return out;
}

struct Answer {
  std::string pack;
  std::string error;
  Code code = Code::kInternal;
  std::vector<std::string> shallow;
};

Answer fetch_answer(int protocol, std::string_view bytes) {
  Answer out;
  FetchAnswer parser(protocol, [&](std::string_view pack) -> Result<void> {
    out.pack += pack;
    return {};
  });
  auto result = parser.feed(bytes);
  if (result) result = parser.finish();
  if (!result) {
    out.error = result.error().message();
    out.code = result.error().code();
  }
  out.shallow = parser.shallow();
  return out;
}

std::string band(char number, std::string_view bytes) {
  return pkt_line(number + std::string(bytes));
}

http::Response reply(std::string type, std::string body) {
  http::Response out;
  out.status = 200;
  out.headers = {{"content-type", "application/x-git-upload-pack-" + std::move(type)}};
  out.body = std::move(body);
  return out;
}

}  // namespace

TEST_CASE("pkt-lines are found wherever the bytes are cut") {
  const std::string bytes =
      pkt_line("hello\n") + "0000" + pkt_line("") + "0001" + pkt_line("x") + "0002";
  const std::string want = "data:hello\n flush data: delimiter data:x end ";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    CHECK(packets(bytes, piece) == want);
  }
  CHECK(pkt_line("a\n") == "0006a\n");
}

TEST_CASE("pkt-lines: bad lengths are kIntegrity, an unfinished packet is kUnavailable") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100'000}}) {
    CHECK(packets("0003", piece) == "integrity");
    CHECK(packets("zzzz", piece) == "integrity");
    CHECK(packets("-001", piece) == "integrity");
    CHECK(packets("00", piece) == "unavailable");
    CHECK(packets("000ahell", piece) == "unavailable");
    // The longest packet, and one byte more.
    CHECK(packets("fff0" + std::string(65516, 'x'), piece) ==
          "data:" + std::string(65516, 'x') + " ");
    CHECK(packets("fff1" + std::string(65517, 'x'), piece) == "integrity");
  }
  CHECK(packets("", 1).empty());
}

TEST_CASE("advertisements of all versions") {
  const auto v2 = parse_advertisement("000eversion 2\n" + pkt_line("agent=git/2\n") +
                                      pkt_line("ls-refs=unborn\n") +
                                      pkt_line("fetch=shallow filter\n") + "0000");
  REQUIRE_OK(v2);
  CHECK(v2->protocol == 2);
  CHECK(v2->capabilities.at("fetch") == "shallow filter");

  const std::string lines =
      pkt_line(kOne + " HEAD" + std::string(1, '\0') + "shallow agent=git/2 object-format=sha1\n") +
      pkt_line(kOne + " refs/heads/main\n") + pkt_line(kTwo + " refs/tags/v1\n") +
      pkt_line(kOne + " refs/tags/v1^{}\n") + "0000";
  for (const std::string& head :
       {pkt_line("# service=git-upload-pack\n") + "0000", pkt_line("version 1\n"), std::string()}) {
    const auto v0 = parse_advertisement(head + lines);
    REQUIRE_OK(v0);
    CHECK(v0->protocol == 0);
    CHECK(v0->capabilities.contains("shallow"));
    REQUIRE(v0->refs.size() == 3);
    CHECK(v0->refs[2].name == "refs/tags/v1");
    CHECK(v0->refs[2].id == kTwo);
  }
  const auto empty = parse_advertisement(
      pkt_line(std::string(40, '0') + " capabilities^{}" + std::string(1, '\0') + "shallow") +
      "0000");
  REQUIRE_OK(empty);
  CHECK(empty->refs.empty());

  const auto code = [](const std::string& body) {
    return parse_advertisement(body).error().code();
  };
  CHECK(code("") == Code::kIntegrity);
  CHECK(code(pkt_line(kOne + " HEAD") + "0000") == Code::kIntegrity);
  CHECK(code(pkt_line("nonsense" + std::string(1, '\0')) + "0000") == Code::kIntegrity);
  CHECK(code(pkt_line("ERR access denied or repository not found") + "0000") == Code::kNotFound);
  CHECK(code("000eversion 2\n" + pkt_line("object-format=sha256\n") + "0000") ==
        Code::kUnsupported);
}

TEST_CASE("lists of refs") {
  const auto refs = parse_ls_refs(pkt_line(kOne + " HEAD symref-target:refs/heads/main\n") +
                                  pkt_line("unborn refs/heads/x\n") +
                                  pkt_line(kTwo + " refs/tags/v1 peeled:" + kOne + "\n") + "0000");
  REQUIRE_OK(refs);
  REQUIRE(refs->size() == 2);
  CHECK((*refs)[1].name == "refs/tags/v1");
  CHECK(parse_ls_refs("0000")->empty());
  CHECK(parse_ls_refs("").error().code() == Code::kIntegrity);
  CHECK(parse_ls_refs(pkt_line(kOne + " a\n")).error().code() == Code::kUnavailable);
  CHECK(parse_ls_refs(pkt_line("short a\n") + "0000").error().code() == Code::kIntegrity);
  CHECK(parse_ls_refs(pkt_line(kOne) + "0000").error().code() == Code::kIntegrity);
}

TEST_CASE("a list of more refs than the limit is refused") {
  std::string body;
  const std::string line = pkt_line(kOne + " r\n");
  for (std::size_t i = 0; i < kMaxRefs; ++i)
    body += line;
  CHECK_OK(parse_ls_refs(body + "0000"));
  CHECK(parse_ls_refs(body + line + "0000").error().code() == Code::kInvalid);
}

TEST_CASE("answers to a fetch, protocol 2") {
  const std::string shallow = pkt_line("shallow-info\n") + pkt_line("shallow " + kOne + "\n") +
                              pkt_line("unshallow " + kTwo + "\n") + "0001";
  const std::string pack =
      pkt_line("packfile\n") + band(2, "Counting\n") + band(1, "PA") + band(1, "CK") + "0000";
  const Answer good =
      fetch_answer(2, pkt_line("acknowledgments\n") + pkt_line("NAK\n") + "0001" + shallow + pack);
  CHECK(good.error.empty());
  CHECK(good.pack == "PACK");
  CHECK(good.shallow == std::vector<std::string>{kOne});

  CHECK(fetch_answer(2, "").code == Code::kUnavailable);
  CHECK(fetch_answer(2, pkt_line("packfile\n") + band(1, "PA")).code == Code::kUnavailable);
  CHECK(fetch_answer(2, "0000").code == Code::kIntegrity);
  CHECK(fetch_answer(2, pkt_line("packfile\n") + band(7, "x") + "0000").code == Code::kIntegrity);
  CHECK(fetch_answer(2, pkt_line("shallow-info\n") + pkt_line("shallow x\n")).code ==
        Code::kIntegrity);
  const Answer dying = fetch_answer(2, pkt_line("packfile\n") + band(3, "out of\x1b[2J memory\n"));
  CHECK(dying.code == Code::kUnavailable);
  CHECK(dying.error == "the server says: out of [2J memory");
  CHECK(fetch_answer(2, pkt_line("ERR upload-pack: not our ref " + kOne)).code == Code::kNotFound);
}

TEST_CASE("answers to a fetch, protocol 0") {
  const std::string tail = pkt_line("NAK\n") + band(1, "PACK") + "0000";
  for (const std::string& head : {pkt_line("shallow " + kOne) + "0000", std::string("0000"),
                                  std::string(), pkt_line("ACK " + kOne + "\n")}) {
    const Answer good = fetch_answer(0, head + tail);
    CHECK(good.error.empty());
    CHECK(good.pack == "PACK");
  }
  CHECK(fetch_answer(0, pkt_line("NAK\n")).code == Code::kUnavailable);
  CHECK(fetch_answer(0, pkt_line("ERR no\n")).code == Code::kUnavailable);
}

TEST_CASE("what is sent: protocol 2 asks for one ref and one commit deep, thin on what is here") {
  test::ScriptedHttp http;
  http.answer(
      200,
      "000eversion 2\n" + pkt_line("fetch=shallow\n") + pkt_line("object-format=sha1\n") + "0000",
      {{"content-type", "application/x-git-upload-pack-advertisement"}});
  http.on_request([](const auto& sent) -> Result<http::Response> {
    if (sent.body.find("ls-refs") != std::string::npos) {
      return reply("result", pkt_line(kOne + " refs/heads/main\n") + "0000");
    }
    return reply("result", pkt_line("packfile\n") + "0000");
  });
  ServerMemory memory;
  const GitSpec spec{.url = "https://git.example.com/fleet.git/"};
  Credentials credentials;
  credentials.username = "git";
  GitRemote remote(http, spec, credentials, memory);
  const auto refs = remote.list({"refs/heads/main"}, {});
  REQUIRE_OK(refs);
  Spool spool("/tmp");
  REQUIRE_OK(remote.fetch({{kOne}, kTwo}, spool, 1000, {}));
  const auto sent = http.sent();
  REQUIRE(sent.size() == 3);
  CHECK(remote.requests() == 3);
  CHECK(sent[0].url == "https://git.example.com/fleet.git/info/refs?service=git-upload-pack");
  CHECK(sent[1].url == "https://git.example.com/fleet.git/git-upload-pack");
  for (const auto& one : sent) {
    CHECK(one.header("Git-Protocol") == "version=2");
    CHECK(one.secret_header == "Authorization: Basic Z2l0Og==");
  }
  CHECK(sent[1].body.find("ref-prefix refs/heads/main\n") != std::string::npos);
  for (const char* words : {"thin-pack", "ofs-delta", "deepen 1", "done"})
    CHECK_MESSAGE(sent[2].body.find(words) != std::string::npos, words);
  CHECK(sent[2].body.find("want " + kOne) != std::string::npos);
  CHECK(sent[2].body.find("shallow " + kTwo) != std::string::npos);
  CHECK(sent[2].body.find("have " + kTwo) != std::string::npos);
  Spool fresh("/tmp");
  REQUIRE_OK(remote.fetch({{kOne}, ""}, fresh, 1000, {}));
  CHECK(http.sent()[3].body.find("thin-pack") == std::string::npos);
  CHECK(http.sent()[3].body.find("have") == std::string::npos);
}

TEST_CASE("an answer of exactly the limit is kept, one byte more is refused") {
  test::ScriptedHttp http([](const auto&) { return reply("result", std::string(1000, 'x')); });
  ServerMemory memory{2, "http://h/r", {}};
  const GitSpec spec{.url = "http://h/r"};
  GitRemote remote(http, spec, {}, memory);
  Spool fits("/tmp");
  CHECK_OK(remote.fetch({{kOne}, ""}, fits, 1000, {}));
  Spool larger("/tmp");
  CHECK(remote.fetch({{kOne}, ""}, larger, 999, {}).error().code() == Code::kInvalid);
}

TEST_CASE("redirects: credentials stay with their host, odd locations are refused") {
  const auto redirected = [](const std::string& location, int times = 1) {
    auto count = std::make_shared<int>(0);
    return [=](const test::ScriptedHttp::Sent& sent) -> Result<http::Response> {
      if (sent.method == "GET" && (*count)++ < times) {
        http::Response out;
        out.status = 302;
        out.headers = {{"location", location}};
        return out;
      }
      if (sent.method == "GET") {
        return reply("advertisement", "000eversion 2\n0000");
      }
      return reply("result", "0000");
    };
  };
  const std::string tail = "/info/refs?service=git-upload-pack";
  struct Case {
    std::string location;
    bool works;
    bool with_credentials;
  };
  for (const Case& one :
       {Case{"https://a.example/other" + tail, true, true}, Case{"/other.git" + tail, true, true},
        Case{"https://b.example/other" + tail, true, false},
        Case{"http://a.example/other" + tail, false, false},
        Case{"https://a.example/login", false, false}, Case{"", false, false}}) {
    CAPTURE(one.location);
    test::ScriptedHttp http(redirected(one.location));
    ServerMemory memory;
    const GitSpec spec{.url = "https://a.example/fleet"};
    Credentials credentials;
    credentials.username = "git";
    GitRemote remote(http, spec, credentials, memory);
    const auto refs = remote.list({"refs/heads/main"}, {});
    CHECK(refs.has_value() == one.works);
    if (refs) {
      CHECK(http.sent().back().secret_header.empty() == !one.with_credentials);
    } else {
      CHECK(refs.error().code() == Code::kInvalid);
      CHECK(http.count() == 1);
    }
  }
  test::ScriptedHttp endless(redirected("https://a.example/fleet" + tail, 1000));
  ServerMemory memory;
  const GitSpec spec{.url = "https://a.example/fleet"};
  GitRemote remote(endless, spec, {}, memory);
  CHECK(remote.list({"x"}, {}).error().code() == Code::kInvalid);
  CHECK(endless.count() == 6);  // five are followed
}

TEST_CASE("a spool keeps all bytes in order, in memory and beyond") {
  for (const std::size_t pieces : {std::size_t{0}, std::size_t{3}, std::size_t{200}}) {
    Spool spool("/tmp");
    std::string piece(100'000, '\0');
    std::iota(piece.begin(), piece.end(), '\0');
    for (std::size_t i = 0; i < pieces; ++i) {
      piece[0] = static_cast<char>(i);
      REQUIRE(spool.append(piece));
    }
    CHECK(spool.size() == pieces * piece.size());
    std::string read;
    REQUIRE_OK(spool.read([&](std::string_view bytes) -> Result<void> {
      read += bytes;
      return {};
    }));
    REQUIRE(read.size() == pieces * piece.size());
    for (std::size_t i = 0; i < pieces; ++i) {
      piece[0] = static_cast<char>(i);
      REQUIRE(read.compare(i * piece.size(), piece.size(), piece) == 0);
    }
  }
}

}  // namespace sluice::sources
