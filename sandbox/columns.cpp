#include "sandbox/columns.hpp"

#include <chrono>
#include <cstdio>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/scalar.hpp"

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {
namespace {

std::int64_t number(yaml::Node node) {
  return yaml::int64_value(node.text()).value_or(0);
}

/// Go's duration.HumanDuration, shortened: 45s, 5m30s, 3h, 2d.
std::string human(std::int64_t seconds) {
  if (seconds < 0) return "<invalid>";
  if (seconds < 120) return std::to_string(seconds) + "s";
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) {
    return std::to_string(minutes) + "m" +
           (seconds % 60 == 0 ? "" : std::to_string(seconds % 60) + "s");
  }
  if (minutes < 180) return std::to_string(minutes) + "m";
  const std::int64_t hours = minutes / 60;
  if (hours < 8) {
    return std::to_string(hours) + "h" +
           (minutes % 60 == 0 ? "" : std::to_string(minutes % 60) + "m");
  }
  if (hours < 48) return std::to_string(hours) + "h";
  if (hours < 192) {
    return std::to_string(hours / 24) + "d" +
           (hours % 24 == 0 ? "" : std::to_string(hours % 24) + "h");
  }
  return std::to_string(hours / 24) + "d";
}

std::string since(std::string_view rfc3339) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(std::string(rfc3339).c_str(), "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour,
                  &minute, &second) != 6) {
    return "<unknown>";
  }
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                        std::chrono::day(static_cast<unsigned>(day));
  const auto then = date + hours(hour) + minutes(minute) + seconds(second);
  return human(duration_cast<seconds>(system_clock::now() - then).count());
}

/// Of `path`, `.name`: goes there and takes it away.
yaml::Node take_name(yaml::Node at, std::string_view& path) {
  std::string name;
  std::size_t i = 1;
  for (; i < path.size() && path[i] != '.' && path[i] != '['; ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) ++i;
    name += path[i];
  }
  path.remove_prefix(i);
  return name.empty() ? at : at.get(name);
}

/// The same of `[?(@.key==value)]`, for the first item that fits.
yaml::Node take_filter(yaml::Node at, std::string_view& path) {
  const std::size_t equals = path.find("==");
  const std::size_t end = path.find(")]");
  if (equals == std::string_view::npos || end == std::string_view::npos || equals > end) return {};
  const std::string_view key = trim(path.substr(5, equals - 5), " '\"");
  const std::string_view value = trim(path.substr(equals + 2, end - equals - 2), " '\"");
  path.remove_prefix(end + 2);
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at.at(i).get(key).text() == value) return at.at(i);
  }
  return {};
}

/// The same of `[0]`, `[*]` and `['name']`.
yaml::Node take_index(yaml::Node at, std::string_view& path) {
  const std::size_t end = path.find(']');
  if (end == std::string_view::npos) return {};
  const std::string_view inner = path.substr(1, end - 1);
  path.remove_prefix(end + 1);
  if (inner == "*") return at.at(0);
  if (inner.starts_with('\'')) return at.get(inner.substr(1, inner.size() - 2));
  return at.at(static_cast<std::size_t>(yaml::int64_value(inner).value_or(0)));
}

}  // namespace

yaml::Node select(yaml::Node at, std::string_view path) {
  while (!path.empty() && at) {
    if (path.starts_with('.')) {
      at = take_name(at, path);
    } else if (path.starts_with("[?(@.")) {
      at = take_filter(at, path);
    } else if (path.starts_with('[')) {
      at = take_index(at, path);
    } else {
      return {};
    }
  }
  return at;
}

Cell text_at(const char* path) {
  return [path](yaml::Node object) { return quoted(select(object, path).text()); };
}

Cell text_or_none(const char* path) {
  return [path](yaml::Node object) {
    const std::string_view text = select(object, path).text();
    return quoted(text.empty() ? "<none>" : text);
  };
}

Cell number_at(const char* path) {
  return [path](yaml::Node object) { return std::to_string(number(select(object, path))); };
}

Cell count_at(const char* path) {
  return [path](yaml::Node object) { return std::to_string(select(object, path).size()); };
}

Cell ratio(const char* part, const char* of) {
  return [part, of](yaml::Node object) {
    return quoted(std::to_string(number(select(object, part))) + "/" +
                  std::to_string(number(select(object, of))));
  };
}

Cell pairs_at(const char* path) {
  return [path](yaml::Node object) {
    const yaml::Node map = select(object, path);
    std::string out;
    for (std::size_t i = 0; i < map.size(); ++i) {
      out += (i == 0 ? "" : ",") + std::string(map.key(i).text()) + "=" +
             std::string(map.value(i).text());
    }
    return quoted(out.empty() ? "<none>" : out);
  };
}

Cell time_since(const char* path) {
  return [path](yaml::Node object) { return quoted(since(select(object, path).text())); };
}

Cell each_at(const char* list, const char* field) {
  return [list, field](yaml::Node object) {
    const yaml::Node items = select(object, list);
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i)
      out += (i == 0 ? "" : ",") + std::string(items.at(i).get(field).text());
    return quoted(out);
  };
}

namespace {

/// As the definition says; `column` outlives it.
Cell custom_cell(const PrinterColumn& column) {
  return [&column](yaml::Node object) {
    const yaml::Node value = select(object, column.json_path);
    if (!value || value.is_null()) {
      return std::string(column.type == "date" ? "\"<unknown>\"" : "null");
    }
    if (column.type == "date") return quoted(since(value.text()));
    if (column.type == "string" && value.is_scalar()) return quoted(value.text());
    return column.type == "string" ? quoted(json_of(value)) : json_of(value);
  };
}

}  // namespace

std::vector<Column> custom_columns(const Resource& resource) {
  std::vector<Column> columns = {name_column()};
  for (const PrinterColumn& column : resource.columns) {
    columns.push_back(
        {column.name, column.type, custom_cell(column), column.priority, column.format});
  }
  if (resource.columns.empty()) {
    columns.push_back({"Age", "date", time_since(".metadata.creationTimestamp")});
  }
  return columns;
}

}  // namespace sluice::sandbox
