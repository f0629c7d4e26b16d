#include "store/writer.h"

#include <exception>
#include <utility>

namespace saldo::server {
namespace {

constexpr std::size_t kWritesPerCommitMax = 256;

}  // namespace

struct Writer::Job {
  const Work* work;
  bool alone;
  enum { kWaiting, kRunning, kDone } state = kWaiting;
  std::exception_ptr error;
};

Writer::Writer(const std::string& path, std::chrono::milliseconds busy, std::size_t waiting_max,
               std::chrono::milliseconds patience)
    : database_(path, Database::Mode::kWrite, busy),
      waiting_max_(waiting_max),
      patience_(patience),
      thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void Writer::write(const Work& work, bool alone) {
  const auto job = std::make_shared<Job>(Job{&work, alone, Job::kWaiting, nullptr});
  std::unique_lock lock(mutex_);
  if (stopping_ || jobs_.size() >= waiting_max_) {
    throw Error(ErrorCode::kOverloaded,
                stopping_ ? "the server stops" : "too many writes wait; try again");
  }
  jobs_.push_back(job);
  arrived_.notify_one();
  if (!finished_.wait_for(lock, patience_, [&] { return job->state != Job::kWaiting; })) {
    for (auto waiting = jobs_.begin(); waiting != jobs_.end(); ++waiting) {
      if (*waiting != job) continue;
      jobs_.erase(waiting);
      throw Error(ErrorCode::kOverloaded,
                  "the write waited too long for its turn; nothing of it was done");
    }
  }
  finished_.wait(lock, [&] { return job->state == Job::kDone; });
  if (job->error) std::rethrow_exception(job->error);
}

Writer::Figures Writer::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.waiting = jobs_.size();
  return figures;
}

void Writer::run() {
  for (Jobs jobs = next_jobs(); !jobs.empty(); jobs = next_jobs()) {
    commit(jobs);
    finish(jobs);
  }
}

// Those that wait now; none: the writer stops.
Writer::Jobs Writer::next_jobs() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return !jobs_.empty() || stopping_; });
  Jobs taken;
  while (!jobs_.empty() && taken.size() < kWritesPerCommitMax) {
    if (jobs_.front()->alone && !taken.empty()) break;
    taken.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
    taken.back()->state = Job::kRunning;
    if (taken.back()->alone) break;
  }
  return taken;
}

void Writer::commit(const Jobs& jobs) {
  if (try_commit(jobs)) return;
  // The whole transaction was undone: each by itself, so that the one at fault fails alone.
  for (const auto& job : jobs) {
    job->error = nullptr;
    if (jobs.size() > 1) try_commit({job});
  }
}

// False: several were undone together, and none has an answer. One alone always has one.
bool Writer::try_commit(const Jobs& jobs) {
  const auto fail = [&](const std::exception_ptr& error) {
    for (const auto& job : jobs) job->error = error;
    return true;
  };
  try {
    Transaction transaction(database_, "BEGIN IMMEDIATE");
    for (const auto& job : jobs) {
      job->error = nullptr;
      try {
        in_savepoint(database_, [&] { (*job->work)(database_); });
      } catch (...) {
        job->error = std::current_exception();
      }
      if (!database_.in_transaction()) return jobs.size() == 1;
    }
    transaction.commit();
  } catch (...) {
    return fail(std::current_exception());
  }
  const std::lock_guard lock(mutex_);
  ++figures_.commits;
  figures_.writes += jobs.size();
  return true;
}

void Writer::finish(const Jobs& jobs) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& job : jobs) job->state = Job::kDone;
  }
  finished_.notify_all();
  commits_.announce();
}

}  // namespace saldo::server
