// Templates beside what Go's text/template and sprig made of them (fixtures/go_template).
#include "decrypt/go_template.hpp"

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "sluice/yaml/read.hpp"

#include "support/test.hpp"

namespace sluice::decrypt {
namespace {

// What Go can do and we refuse by name.
const std::set<std::string> kRefused = {"{{ define \"x\" }}{{ end }}", "{{ .num | int }}",
                                        "{{ printf \"%d\" .num }}"};

std::string read(const std::string& path) {
  std::ifstream file(SLUICE_SOURCE_DIR "/" + path, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TemplateData data_of(yaml::Node node) {
  TemplateData data;
  for (std::size_t i = 0; i < node.size(); ++i) {
    data.emplace(std::string(node.key(i).text()),
                 std::make_shared<const crypto::SecretBytes>(
                     crypto::SecretBytes::copy_of(node.value(i).text())));
  }
  return data;
}

/// "template: k:LINE" of a message.
std::string place(const std::string& message) {
  const std::size_t end =
      message.find_first_not_of("0123456789", std::string("template: k:").size());
  return message.substr(0, end);
}

}  // namespace

TEST_CASE("templates give what Go and sprig give, and fail where they fail") {
  const std::string text = read("fixtures/go_template/cases.json");
  const auto document = yaml::read_json(text);
  REQUIRE_OK(document);
  const TemplateData data = data_of(document->root().get("data"));
  const yaml::Node cases = document->root().get("cases");
  REQUIRE(cases.size() > 60);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string source(cases.at(i).get("template").text());
    CAPTURE(source);
    const auto got = render_template("k", source, data);
    if (kRefused.count(source) != 0) {
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code() == Code::kUnsupported);
    } else if (const yaml::Node error = cases.at(i).get("error"); error.exists()) {
      REQUIRE_FALSE(got.has_value());
      CHECK(place(got.error().message()) == place(std::string(error.text())));
      for (const auto& [key, value] : data)
        if (value->size() > 3)
          CHECK(got.error().text().find(value->reveal_text()) == std::string::npos);
    } else {
      REQUIRE_OK(got);
      CHECK(got->reveal_text() == cases.at(i).get("output").text());
    }
  }
}

TEST_CASE("a template one past each limit is refused") {
  const TemplateData none;
  REQUIRE_OK(render_template("k", std::string(1 << 20, 'x'), none));
  CHECK(render_template("k", std::string((1 << 20) + 1, 'x'), none).error().code() ==
        Code::kUnsupported);
  const auto nested = [&](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
      text += "{{if 1}}";
    for (std::size_t i = 0; i < depth; ++i)
      text += "{{end}}";
    return render_template("k", text, none).has_value();
  };
  CHECK(nested(100));
  CHECK_FALSE(nested(101));
  const auto in_parentheses = [&](std::size_t depth) {
    return render_template(
               "k", "{{" + std::string(depth, '(') + "1" + std::string(depth, ')') + "}}", none)
        .has_value();
  };
  CHECK(in_parentheses(100));
  CHECK_FALSE(in_parentheses(101));
  CHECK(render_template("k", "{{ repeat 16777216 \"x\" | len }}", none).has_value());
  CHECK_FALSE(render_template("k", "{{ repeat 16777217 \"x\" | len }}", none).has_value());
}

}  // namespace sluice::decrypt
