#include "jobs/notices.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "delivery/statements.h"

namespace saldo::server {

NoticeJob::NoticeJob(Writer& writer, Writes& writes, Metrics& metrics,
                     std::chrono::milliseconds every)
    : writer_(writer), writes_(writes), metrics_(metrics), every_(every), thread_([this] {
        run();
      }) {}

void NoticeJob::run() {
  constexpr std::chrono::milliseconds kRetryAfter{1000};
  std::chrono::milliseconds pause{};
  do {
    pause = move() ? every_ : std::min(every_, kRetryAfter);
  } while (writer_.commits().sleep(std::chrono::steady_clock::now() + pause));
}

bool NoticeJob::was_moved() {
  bool moved = false;
  writer_.write([&](Database& database) {
    const std::string since =
        format_instant(clock_now() - std::chrono::duration_cast<seconds>(every_));
    auto row = database.prepare("SELECT at > ?1 FROM notice_clock");
    row.bind_static(1, since);
    moved = row.step() && row.integer(0) != 0;
  });
  return moved;
}

// False: it is to be tried again soon. In a commit of its own: many notices at once may take a
// while.
bool NoticeJob::move() {
  auto* replica = writes_.replica();
  try {
    if (replica != nullptr) {
      const auto end = std::chrono::steady_clock::now() + replica->random_delay();
      const bool is_due = !was_moved() && writer_.commits().sleep(end) && !was_moved();
      if (!is_due) {
        failing_ = false;
        return true;
      }
    }
    writes_.write("notice_clock", nlohmann::ordered_json::object(), true);
    failing_ = false;
    return true;
  } catch (const std::exception& error) {
    // What is wrong with the log is told of the log.
    const auto* known = dynamic_cast<const Error*>(&error);
    if (replica != nullptr && known != nullptr && known->code() == ErrorCode::kOverloaded)
      return false;
    // The sentence of a refusal names instants and accounts, never money.
    spdlog::error("posting notices failed, and is tried again: {}", error.what());
    metrics_.count_failed_notices();
    failing_ = true;
    return false;
  }
}

}  // namespace saldo::server
