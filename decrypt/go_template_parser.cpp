#include <algorithm>
#include <charconv>
#include <utility>

#include "sluice/base/ascii.hpp"

#include "go_template_tree.hpp"

namespace sluice::decrypt::go_template {
namespace {

constexpr std::size_t kMaxTemplateBytes = 1 << 20;
constexpr int kMaxDepth = 100;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_word(char c) {
  return is_letter_or_digit(c) || c == '_' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

class Parser {
 public:
  Parser(const std::string& name, std::string_view text) : name_(name), text_(text) {}

  Result<std::vector<Node>> parse() {
    if (text_.size() > kMaxTemplateBytes) {
      return fail(
          refuse(Code::kUnsupported, name_, 1,
                 "larger than the limit of " + std::to_string(kMaxTemplateBytes) + " bytes"));
    }
    std::vector<Node> nodes;
    SLUICE_TRY(const std::string end, list(nodes, 0));
    if (!end.empty()) return fail(error("unexpected {{" + end + "}}"));
    return nodes;
  }

 private:
  Error error(const std::string& what, Code code = Code::kInvalid) const {
    return refuse(code, name_, line_, what);
  }

  /// Reads nodes up to `else…` or `end`, which it gives ("" at the end of the text).
  Result<std::string> list(std::vector<Node>& into, int depth) {
    if (depth > kMaxDepth) return fail(error("nested deeper than " + std::to_string(kMaxDepth)));
    while (true) {
      const std::size_t open = text_.find("{{", at_);
      std::string_view text = text_.substr(at_, open == text_.npos ? text_.npos : open - at_);
      const std::size_t lines =
          static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
      if (trim_) {
        while (!text.empty() && is_space(text.front()))
          text.remove_prefix(1);
        trim_ = false;
      }
      if (open == text_.npos) {
        add_text(into, text);
        at_ = text_.size();
        return std::string();
      }
      at_ = open + 2;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && is_space(text_[at_ + 1])) {
        while (!text.empty() && is_space(text.back()))
          text.remove_suffix(1);
        at_ += 2;
      }
      add_text(into, text);
      line_ += lines;
      SLUICE_TRY(const bool comment, skip_comment());
      if (comment) continue;
      skip_space();
      const std::string word = peek_word();
      if (word == "end" || word == "else") {
        at_ += word.size();
        return word;
      }
      SLUICE_CHECK(action(into, word, depth));
    }
  }

  static void add_text(std::vector<Node>& into, std::string_view text) {
    if (text.empty()) return;
    Node node{};
    node.kind = Node::Kind::kText;
    node.text = text;
    into.push_back(std::move(node));
  }

  Result<bool> skip_comment() {
    if (text_.substr(at_, 2) != "/*") return false;
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == text_.npos) return fail(error("unclosed comment"));
    line_ += static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                 text_.begin() + static_cast<std::ptrdiff_t>(end),
                                                 '\n'));
    at_ = end + 2;
    if (!close()) return fail(error("comment ends before closing delimiter"));
    return true;
  }

  /// Takes `}}` or ` -}}` (the space may be taken already).
  bool close() {
    std::size_t at = at_;
    while (at < text_.size() && is_space(text_[at]))
      ++at;
    const bool spaced = at > at_ || (at > 0 && is_space(text_[at - 1]));
    if (spaced && text_.substr(at, 3) == "-}}") {
      count_lines(at);
      at_ = at + 3;
      trim_ = true;
      return true;
    }
    if (text_.substr(at, 2) != "}}") return false;
    count_lines(at);
    at_ = at + 2;
    return true;
  }
  void count_lines(std::size_t to) {
    for (std::size_t i = at_; i < to; ++i)
      line_ += text_[i] == '\n' ? 1U : 0U;
  }
  void skip_space() {
    std::size_t at = at_;
    while (at < text_.size() && is_space(text_[at]))
      ++at;
    count_lines(at);
    at_ = at;
  }
  std::string peek_word() const {
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end]))
      ++end;
    return std::string(text_.substr(at_, end - at_));
  }

  Result<void> action(std::vector<Node>& into, const std::string& word, int depth) {
    Node node{};
    node.kind = Node::Kind::kAction;
    node.line = line_;
    if (word == "define" || word == "template" || word == "block" || word == "break" ||
        word == "continue") {
      return fail(error("{{" + word + "}} is not supported", Code::kUnsupported));
    }
    if (word == "if" || word == "with" || word == "range") {
      at_ += word.size();
      node.kind = word == "if"     ? Node::Kind::kIf
                  : word == "with" ? Node::Kind::kWith
                                   : Node::Kind::kRange;
    }
    const std::size_t known = variables_.size();
    SLUICE_CHECK(pipeline(node));
    if (!close()) return fail(unexpected());
    if (node.kind == Node::Kind::kAction) {
      into.push_back(std::move(node));
      return {};
    }
    SLUICE_CHECK(branches(node, word, depth));
    variables_.resize(known);
    into.push_back(std::move(node));
    return {};
  }

  Result<void> branches(Node& node, const std::string& word, int depth) {
    SLUICE_TRY(std::string end, list(node.body, depth + 1));
    if (end == "else") {
      skip_space();
      const std::string next = peek_word();
      if (!next.empty()) {  // {{else if}} nests without an {{end}} of its own
        if (next != word || next == "range") return fail(unexpected());
        Node nested{};
        nested.line = line_;
        nested.kind = node.kind;
        at_ += next.size();
        SLUICE_CHECK(pipeline(nested));
        if (!close()) return fail(unexpected());
        SLUICE_CHECK(branches(nested, next, depth + 1));
        node.otherwise.push_back(std::move(nested));
        return {};
      }
      if (!close()) return fail(unexpected());
      SLUICE_TRY(end, list(node.otherwise, depth + 1));
      if (end == "else") return fail(error("expected end; found {{else}}"));
    }
    if (end.empty()) return fail(error("unexpected EOF"));
    if (!close()) return fail(unexpected());
    return {};
  }

  /// `$x := a | b`, `$k, $v := .` of a range, or `a | b`.
  Result<void> pipeline(Node& node) {
    skip_space();
    const std::size_t start = at_;
    std::vector<std::string> names;
    while (at_ < text_.size() && text_[at_] == '$') {
      ++at_;
      const std::string word = peek_word();
      at_ += word.size();
      names.push_back("$" + word);
      skip_space();
      if (node.kind == Node::Kind::kRange && names.size() == 1 && at_ < text_.size() &&
          text_[at_] == ',') {
        ++at_;
        skip_space();
        continue;
      }
      break;
    }
    const bool declares = text_.substr(at_, 2) == ":=";
    const bool assigns = !declares && at_ < text_.size() && text_[at_] == '=';
    if (!names.empty() && (declares || assigns)) {
      at_ += declares ? 2 : 1;
      node.variables = names;
      node.declares = declares;
      if (assigns) {
        for (const std::string& name : names)
          if (!known(name)) return fail(error("undefined variable \"" + name + "\""));
      }
    } else if (names.size() > 1) {
      return fail(unexpected());
    } else {
      at_ = start;
    }
    SLUICE_CHECK(commands(node.pipe, 0));
    if (node.declares) variables_.insert(variables_.end(), names.begin(), names.end());
    return {};
  }

  bool known(const std::string& name) const {
    return name == "$" || std::find(variables_.begin(), variables_.end(), name) != variables_.end();
  }

  Result<void> commands(Pipe& into, int depth) {
    if (depth > kMaxDepth) return fail(error("nested deeper than " + std::to_string(kMaxDepth)));
    while (true) {
      Command command;
      skip_space();
      while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '|' || c == ')' || c == '}') break;
        if (c == '-' && text_.substr(at_, 3) == "-}}") break;
        SLUICE_TRY(Operand operand, operand_here(depth));
        command.operands.push_back(std::move(operand));
        const std::size_t before = at_;
        skip_space();
        const char next = at_ < text_.size() ? text_[at_] : '}';
        if (before == at_ && next != '|' && next != ')' && next != '}') return fail(unexpected());
      }
      if (command.operands.empty()) return fail(error("missing value for command"));
      const Operand& first = command.operands.front();
      if (!into.empty() && first.kind != Operand::Kind::kFunction) {
        if (first.kind == Operand::Kind::kLiteral || first.kind == Operand::Kind::kDot) {
          return fail(
              error("non executable command in pipeline stage " + std::to_string(into.size() + 1)));
        }
      }
      into.push_back(std::move(command));
      if (at_ >= text_.size() || text_[at_] != '|') return {};
      ++at_;
    }
  }

  Result<Operand> operand_here(int depth) {
    Operand operand{};
    operand.line = line_;
    const char c = text_[at_];
    if (c == '.') {
      ++at_;
      operand.name = peek_word();
      operand.kind = operand.name.empty() ? Operand::Kind::kDot : Operand::Kind::kField;
      at_ += operand.name.size();
      take_fields(operand);
      return operand;
    }
    if (c == '$') {
      ++at_;
      const std::string word = peek_word();
      at_ += word.size();
      operand.kind = Operand::Kind::kVariable;
      operand.name = "$" + word;
      if (!known(operand.name)) return fail(error("undefined variable \"" + operand.name + "\""));
      take_fields(operand);
      return operand;
    }
    if (c == '(') {
      ++at_;
      operand.kind = Operand::Kind::kPipe;
      SLUICE_CHECK(commands(operand.pipe, depth + 1));
      if (at_ >= text_.size() || text_[at_] != ')') return fail(error("unclosed left paren"));
      ++at_;
      take_fields(operand);
      return operand;
    }
    operand.kind = Operand::Kind::kLiteral;
    if (c == '"' || c == '`') {
      SLUICE_TRY(operand.literal, string_here());
      return operand;
    }
    if (is_digit(c) || c == '-' || c == '+') {
      SLUICE_TRY(operand.literal, number_here());
      return operand;
    }
    const std::string word = peek_word();
    if (word.empty()) return fail(unexpected());
    at_ += word.size();
    if (word == "true" || word == "false") {
      operand.literal = Value::of(word == "true");
      return operand;
    }
    if (word == "nil") {
      operand.literal.kind = Value::Kind::kNil;
      return operand;
    }
    operand.kind = Operand::Kind::kFunction;
    operand.name = word;
    if (word != "and" && word != "or" && find_function(word) == nullptr) {
      return fail(error("function \"" + word + "\" not defined, or not supported by sluice",
                        Code::kUnsupported));
    }
    return operand;
  }

  void take_fields(Operand& operand) {
    while (at_ + 1 < text_.size() && text_[at_] == '.' && is_word(text_[at_ + 1])) {
      ++at_;
      operand.fields.push_back(peek_word());
      at_ += operand.fields.back().size();
    }
  }

  Result<Value> string_here() {
    const char quote = text_[at_++];
    std::string out;
    while (true) {
      if (at_ >= text_.size()) return fail(error("unterminated quoted string"));
      const char c = text_[at_++];
      if (c == quote) break;
      if (c == '\n' && quote == '"') return fail(error("unterminated quoted string"));
      if (c == '\n') ++line_;
      if (c != '\\' || quote == '`') {
        if (c != '\r') out += c;
        continue;
      }
      if (at_ >= text_.size()) return fail(error("unterminated quoted string"));
      const char escaped = text_[at_++];
      static constexpr std::string_view kFrom = "abfnrtv\\\"", kTo = "\a\b\f\n\r\t\v\\\"";
      const std::size_t place = kFrom.find(escaped);
      if (place == kFrom.npos) {
        return fail(error(std::string("the escape \\") + escaped + " is not supported",
                          Code::kUnsupported));
      }
      out += kTo[place];
    }
    return Value::of(crypto::SecretBytes::copy_of(out));
  }

  Result<Value> number_here() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.'))
      ++end;
    std::string_view text = text_.substr(at_, end - at_);
    const std::string shown(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [last, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || last != text.data() + text.size() ||
        (text.size() > 1 && text[0] == '0')) {
      return fail(error("the number \"" + shown + "\" is not supported", Code::kUnsupported));
    }
    at_ = end;
    return Value::of(number);
  }

  Error unexpected() const {
    if (at_ >= text_.size()) return error("unclosed action");
    return error("unexpected \"" + std::string(text_.substr(at_, 1)) + "\" in action");
  }

  const std::string& name_;
  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
  bool trim_ = false;
  std::vector<std::string> variables_;
};

}  // namespace

Error refuse(Code code, const std::string& name, std::size_t line, const std::string& what) {
  return {code, "template: " + name + ":" + std::to_string(line) + ": " + what};
}

Result<std::vector<Node>> parse(const std::string& name, std::string_view text) {
  return Parser(name, text).parse();
}

}  // namespace sluice::decrypt::go_template
