#include "sluice/kube/secret_data.hpp"

#include "support/test.hpp"

using namespace sluice;

TEST_CASE("parse_secret_data: decodes data and passes over everything else") {
  const auto data = kube::parse_secret_data(R"({"kind":"Secret","apiVersion":"v1",
    "metadata":{"name":"a","annotations":{"x":"}\"{","data":"no"},"managedFields":[{"a":[1,-2.5e3,null,true]}]},
    "data":{"age.agekey":"a2V5Cg==","empty":""},"type":"Opaque"})");
  REQUIRE_OK(data);
  REQUIRE(data->size() == 2);
  CHECK(data->find("age.agekey")->second.reveal_text() == "key\n");
  CHECK(data->find("empty")->second.empty());
}

TEST_CASE("parse_secret_data: a Secret without data is empty, anything else is refused") {
  CHECK(kube::parse_secret_data(R"({"kind":"Secret","data":null})")->empty());
  CHECK(kube::parse_secret_data(R"({"kind":"Secret"})")->empty());
  for (const char* bad :
       {"", "{}", "[]", R"({"kind":"ConfigMap","data":{"a":"Yg=="}})",
        R"({"kind":"Secret","data":{"a":"not base64"}})", R"({"kind":"Secret","data":{"a":1}})",
        R"({"kind":"Secret","data":{"a":"Yg=="})", R"({"kind":"Secret"} trailing)",
        R"({"kind":"Secret","x":]})"}) {
    CAPTURE(bad);
    CHECK_FALSE(kube::parse_secret_data(bad).has_value());
  }
}
