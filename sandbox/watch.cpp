#include <algorithm>

#include "sandbox/api.hpp"
#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

WatchStream::WatchStream(Store& store, Options options)
    : store_(store), options_(std::move(options)), seen_(options_.since) {
  next_bookmark_ = std::chrono::steady_clock::now() + options_.bookmark_interval;
}

bool WatchStream::wanted(const ObjectPtr& object) const {
  if (!object) return false;
  if (!options_.ns.empty() && object->ns != options_.ns) return false;
  const yaml::Node root = object->document.root();
  return options_.labels.matches(root) && options_.fields.matches(root);
}

void WatchStream::event(std::string& out, const char* type, const ObjectPtr& object) const {
  out += R"({"type":")" + std::string(type) + R"(","object":)";
  switch (options_.form) {
    case Form::kTable:
      out += table_json(*options_.resource, {object},
                        R"({"resourceVersion":")" + std::to_string(object->version) + "\"}",
                        options_.include);
      break;
    case Form::kMetadata:
      out += metadata_only_json(*object);
      break;
    case Form::kObject:
      if (object->document.root().get("apiVersion").text() == options_.resource->api_version()) {
        out += object->json;
      } else {
        append_json(out, root_of(in_version(*options_.resource, *object)));
      }
      break;
  }
  out += "}\n";
}

void WatchStream::bookmark(std::string& out, bool ends_initial) const {
  const std::string metadata =
      R"("metadata":{"resourceVersion":")" + std::to_string(seen_) + "\"" +
      (ends_initial ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") + "}";
  out += R"({"type":"BOOKMARK","object":{"kind":)" + quoted(options_.resource->kind) +
         R"(,"apiVersion":)" + quoted(options_.resource->api_version()) + "," + metadata + "}}\n";
}

WatchStream::State WatchStream::next(std::string& out, std::chrono::milliseconds patience) {
  if (ended_) return State::kEnd;
  if (!started_) {
    started_ = true;
    for (const ObjectPtr& object : options_.initial)
      event(out, "ADDED", object);
    options_.initial.clear();
    if (options_.initial_events && options_.bookmarks) bookmark(out, true);
    if (!out.empty()) return State::kMore;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto until = std::min(options_.deadline, now + patience);
  const Store::Events events = store_.wait(options_.resource->storage_key(), seen_, until);
  if (events.stopped) {
    ended_ = true;
    return State::kEnd;
  }
  if (events.expired) {
    out += R"({"type":"ERROR","object":)";
    Failure gone{.code = 410,
                 .reason = "Expired",
                 .message = "too old resource version: " + std::to_string(seen_)};
    std::string status = gone.json();
    status.pop_back();
    out += status + "}\n";
    ended_ = true;
    return State::kMore;
  }
  for (const Change& change : events.changes) {
    seen_ = change.version;
    const bool now_in = change.kind != ChangeKind::kDeleted && wanted(change.object);
    const bool was_in = wanted(change.before);
    if (now_in)
      event(out, was_in ? "MODIFIED" : "ADDED", change.object);
    else if (was_in) {
      // An object that left the selection is shown as it last was in it, with the new version.
      event(out, "DELETED",
            change.kind == ChangeKind::kDeleted
                ? change.object
                : make_object(change.before->document, change.version));
    }
  }
  if (!out.empty()) return State::kMore;
  const auto later = std::chrono::steady_clock::now();
  if (events.changes.empty()) seen_ = std::max(seen_, events.version);
  if (options_.bookmarks && later >= next_bookmark_) {
    bookmark(out, false);
    next_bookmark_ = later + options_.bookmark_interval;
    return State::kMore;
  }
  if (later >= options_.deadline) {
    ended_ = true;
    return State::kEnd;
  }
  return State::kIdle;
}

}  // namespace sluice::sandbox
