// Plugins that are programs, with a stand-in for the process. What real programs see, beside the
// real kustomize: tests/e2e/plugins_e2e.py.

#include <string>
#include <vector>

#include "kustomize/builder.hpp"
#include "support/files.hpp"

using namespace sluice;
using sluice::test::Files;
using sluice::test::fixture;
using sluice::test::kConfigMap;

namespace {

std::string function(const std::string& spec) {
  return "apiVersion: x.io/v1\nkind: Fn\nmetadata:\n  name: fn\n  annotations:\n"
         "    config.kubernetes.io/function: |\n      " +
         spec + "\n";
}
const std::string kExec = function("exec: {path: ./fn, args: [a], envs: [B=1, A=2, C=1=2]}");

/// Calls that a build made, answered by a function of the input.
struct Calls {
  std::vector<Program> programs;
  std::vector<std::string> inputs;

  kustomize::BuildOptions options(std::function<ProgramResult(const std::string&)> answer) {
    kustomize::Programs stand_in;
    stand_in.run = [this, answer = std::move(answer)](const Program& program,
                                                      const CancelToken&) -> Result<ProgramResult> {
      programs.push_back(program);
      inputs.emplace_back(program.input);
      return answer(inputs.back());
    };
    stand_in.environment = [] { return std::vector<std::string>{"PATH=/bin", "HOME=/none"}; };
    kustomize::BuildOptions made;
    made.enable_alpha_plugins = true;
    made.enable_exec = true;
    made.programs = std::make_shared<const kustomize::Programs>(std::move(stand_in));
    return made;
  }
};

ProgramResult printed(std::string output) {
  return {std::move(output), {}, {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Files tree(const std::string& field, const std::string& config) {
  return {{"kustomization.yaml", "resources: [cm.yaml]\n" + field + ": [fn.yaml]\n"},
          {"cm.yaml", kConfigMap},
          {"fn.yaml", config}};
}

}  // namespace

TEST_CASE("exec function: what it prints for a resource takes its place") {
  Calls calls;
  const auto options = calls.options(
      [](const std::string& input) { return printed(replaced(input, "a: b", "a: changed")); });
  const std::string text = test::build_text(tree("transformers", kExec), "", options);
  CHECK(text == "apiVersion: v1\ndata:\n  a: changed\nkind: ConfigMap\nmetadata:\n  name: cm\n");
  REQUIRE(calls.programs.size() == 1);
  CHECK(calls.programs[0].argv == std::vector<std::string>{"./fn", "a"});
  CHECK(calls.programs[0].environment ==
        std::vector<std::string>{"PATH=/bin", "HOME=/none", "A=2", "B=1"});
  CHECK(calls.inputs[0].starts_with("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"));
}

TEST_CASE("exec function: without --enable-exec nothing runs and nothing changes") {
  Calls calls;
  auto options = calls.options([](const std::string&) { return printed("x"); });
  options.enable_exec = false;
  CHECK(test::build_text(tree("transformers", kExec), "", options) ==
        test::build_text(
            {{"kustomization.yaml", "resources: [cm.yaml]\n"}, {"cm.yaml", kConfigMap}}));
  CHECK(calls.programs.empty());
}

TEST_CASE("exec function: where no program may run, it is refused by name") {
  kustomize::BuildOptions options;
  options.enable_alpha_plugins = options.enable_exec = true;
  const Error error = test::build_error(tree("transformers", kExec), "", options);
  CHECK(error.code() == Code::kUnsupported);
  CHECK(error.message() ==
        "plugin Fn.v1.x.io/fn.[noNs] runs the program \"./fn\", which is not done here");
  CHECK(error.where().file == "fn.yaml");
}

TEST_CASE("external plugins are off unless they are enabled") {
  const Error error = test::build_error(tree("generators", kExec));
  CHECK(error.message() ==
        "loading generator plugins: failed to load generator: external plugins disabled; unable to "
        "load external plugin 'Fn'");
}

TEST_CASE("container functions are refused with what to do") {
  Calls calls;
  const auto options = calls.options([](const std::string&) { return printed(""); });
  for (const std::string& config :
       {function("container: {image: example.com/fn}"),
        std::string("apiVersion: x.io/v1\nkind: Fn\nmetadata:\n  name: fn\n  annotations: "
                    "{config.kubernetes.io/container: example.com/fn}\n"),
        std::string("apiVersion: x.io/v1\nkind: Fn\nmetadata:\n  name: fn\n  configFn: "
                    "{container: {image: example.com/fn}}\n")}) {
    const Error error = test::build_error(tree("transformers", config), "", options);
    CHECK(error.code() == Code::kUnsupported);
    CHECK(error.message().find("runs in a container") != std::string::npos);
    CHECK(error.message().find("example.com/fn") != std::string::npos);
    CHECK(error.hint().find("--enable-exec") != std::string::npos);
  }
}

TEST_CASE("starlark functions are an unknown field, as in kustomize") {
  Calls calls;
  const auto options = calls.options([](const std::string&) { return printed(""); });
  const Error error =
      test::build_error(tree("transformers", function("starlark: {path: x}")), "", options);
  CHECK(error.message() ==
        "loader: failed to get FunctionSpec: config.kubernetes.io/function unmarshal error: error "
        "unmarshaling JSON: while decoding JSON: json: unknown field \"starlark\"");
}

TEST_CASE("an encrypted value is never handed to a program") {
  Calls calls;
  auto options = calls.options([](const std::string& input) { return printed(input); });
  options.lift_encrypted = true;
  Files files = tree("transformers", kExec);
  files["cm.yaml"] = fixture("ksops/secret.enc.yaml");
  const Error error = test::build_error(files, "", options);
  CHECK(error.code() == Code::kUnsupported);
  CHECK(error.message() ==
        "the encrypted value \"stringData:true\" of Secret.v1.[noGrp]/zoo.[noNs] would be handed "
        "to a program");
  CHECK(calls.programs.empty());
}

TEST_CASE("a validator that changes nothing passes, although its output is written another way") {
  Calls calls;
  const auto options = calls.options([](const std::string& input) { return printed(input); });
  CHECK(test::build_text(tree("validators", kExec), "", options) ==
        test::build_text(
            {{"kustomization.yaml", "resources: [cm.yaml]\n"}, {"cm.yaml", kConfigMap}}));
  CHECK(calls.programs.size() == 1);
}

TEST_CASE("a validator that changes or removes something fails the build") {
  Calls calls;
  const auto changed = calls.options(
      [](const std::string& input) { return printed(replaced(input, "a: b", "a: c")); });
  CHECK(test::build_error(tree("validators", kExec), "", changed)
            .message()
            .starts_with("validator shouldn't modify the resource map: "));
  const auto removed = calls.options([](const std::string&) { return printed(""); });
  CHECK(test::build_error(tree("validators", kExec), "", removed)
            .message()
            .starts_with("validator shouldn't modify the resource map: lists have different "));
}

TEST_CASE("a failing function ends the build with its exit status") {
  Calls calls;
  const auto options = calls.options([](const std::string&) {
    return ProgramResult{{}, {}, "exit status 2"};
  });
  CHECK(test::build_error(tree("transformers", kExec), "", options).message() ==
        "couldn't execute function: exit status 2 ");
  CHECK(test::build_error(tree("generators", kExec), "", options).message() ==
        "couldn't execute function: exit status 2");
}

TEST_CASE("legacy plugins: the places that were looked in are named") {
  Calls calls;
  const auto options = calls.options([](const std::string&) { return printed(""); });
  const Error error = test::build_error(
      tree("transformers", "apiVersion: x.io/v1\nkind: Leg\nmetadata: {name: leg}\n"), "", options);
  CHECK(
      error.message() ==
      "unable to find plugin root - tried: ('<no value>'; homed in $KUSTOMIZE_PLUGIN_HOME), ('<no "
      "value>'; homed in $XDG_CONFIG_HOME), ('/none/.config/kustomize/plugin'; homed in default "
      "value of $XDG_CONFIG_HOME), ('/none/kustomize/plugin'; homed in home directory)");
}

TEST_CASE("charts need --enable-helm, and a place where programs may run") {
  const Files files = {{"kustomization.yaml", "helmCharts:\n- name: web\n  releaseName: r\n"}};
  CHECK(test::build_error(files).message() ==
        "trouble configuring builtin HelmChartInflationGenerator with config: `\nname: "
        "web\nreleaseName: r\n`: must specify --enable-helm");
  kustomize::BuildOptions options;
  options.enable_helm = true;
  const Error error = test::build_error(files, "", options);
  CHECK(error.code() == Code::kUnsupported);
  CHECK(error.message().find("the chart \"web\" needs the program helm") != std::string::npos);
  CHECK(error.where().line == 2);
}
