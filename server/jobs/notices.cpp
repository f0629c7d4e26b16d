#include "jobs/notices.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "delivery/statements.h"

namespace saldo::server {

NoticeJob::NoticeJob(Writer& writer, Metrics& metrics, std::chrono::milliseconds every)
    : writer_(writer), metrics_(metrics), every_(every), thread_([this] { run(); }) {}

void NoticeJob::run() {
  constexpr std::chrono::milliseconds kRetryAfter{1000};
  std::chrono::milliseconds pause{};
  do {
    move();
    pause = failing_ ? std::min(every_, kRetryAfter) : every_;
  } while (writer_.commits().sleep(std::chrono::steady_clock::now() + pause));
}

// In a commit of its own: many notices at once may take a while.
void NoticeJob::move() {
  bool failed = false;
  try {
    writer_.write(
        [](Database& database) {
          const std::string now = format_instant(clock_now());
          delivery_statement(database, "move_clock", {{":now", now}}).step();
        },
        true);
  } catch (const std::exception& error) {
    // The sentence of a refusal names instants and accounts, never money.
    spdlog::error("posting notices failed, and is tried again: {}", error.what());
    metrics_.count_failed_notices();
    failed = true;
  }
  failing_ = failed;
}

}  // namespace saldo::server
