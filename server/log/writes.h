// How the server's own work (closing days, notices, deliveries) comes to be written: here at once,
// or, where the file follows a log, by an entry that every node applies. The work itself is the
// same, and is told by a kind and its data.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "log/replica.h"

namespace saldo::server {

class Writes {
 public:
  Writes(Writer& writer, Replica::Apply apply) : writer_(writer), apply_(std::move(apply)) {}

  // From now on by this log; null: here.
  void use(Replica* replica) { replica_ = replica; }
  // Null: there is no log.
  [[nodiscard]] Replica* replica() const { return replica_; }

  // What came of it. `alone`: in a commit of its own. Where `still` says no at the last moment,
  // nothing is done, and the status is 0. Throws as Writer::write() and Replica::submit() do.
  Applied write(const std::string& kind, const nlohmann::ordered_json& data, bool alone = false,
                const std::function<bool()>& still = nullptr) {
    Applied applied;
    if (auto* replica = replica_.load()) {
      if (still && !still()) return applied;
      return replica->submit(kind, replica->now(), data);
    }
    writer_.write(
        [&](Database& database) {
          applied = {};
          if (still && !still()) return;
          const Instant now = clock_now();
          applied = apply_(database, {"", kind, now, now, data}, now);
        },
        alone);
    return applied;
  }

 private:
  Writer& writer_;
  Replica::Apply apply_;
  std::atomic<Replica*> replica_{nullptr};
};

}  // namespace saldo::server
