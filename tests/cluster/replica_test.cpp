// One node by a log in the process (memory_log.h): what no etcd can be made to do at a given
// moment.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "../support/comes_true.h"
#include "log/replica.h"
#include "memory_log.h"

namespace saldo::server {
namespace {

using std::chrono::milliseconds;

constexpr const char* kBuild = "build";

// A log that can be told to do that.
class HeldLog : public MemoryLog {
 public:
  using MemoryLog::MemoryLog;

  Head head() override {
    while (holds_heads && !stopped_) {
      is_held = true;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return MemoryLog::head();
  }
  void stop() override {
    stopped_ = true;
    MemoryLog::stop();
  }

  void append(const std::string& text) override {
    if (takes_nothing) throw LogUnreachable("permission denied");
    MemoryLog::append(text);
  }

  std::atomic<bool> takes_nothing{false};
  std::atomic<bool> holds_heads{false};
  std::atomic<bool> is_held{false};

 private:
  std::atomic<bool> stopped_{false};
};

class OneNode : public testing::Test {
 protected:
  OneNode()
      : path_((std::filesystem::temp_directory_path() / ("saldo-" + random_id())).string()),
        store_(std::make_shared<LogStore>(LogFaults{}, 1U)),
        log_(std::make_shared<HeldLog>(store_)) {
    const Instant at = clock_now();
    const Put put = put_of("n0", {{random_id(), "fence", at, at, {}}});
    store_->append(encode(put));
    Database books(path_, Database::Mode::kCreate);
    books.compile_once("SELECT saldo_install('2026-01-01', 'none')").step();
    write_log_state(books, {{store_->cluster_id, 1, 1, put.id}, "", at, "", 0});
  }
  ~OneNode() override {
    replica_.reset();
    writer_.reset();
    for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }

  void start(ReplicaOptions options = {}) {
    options.node = "n0";
    options.build = kBuild;
    writer_ = std::make_unique<Writer>(path_, milliseconds{1000}, 100, milliseconds{1000});
    replica_ =
        std::make_unique<Replica>(*writer_, log_, options, [](Database&, const Entry&, Instant) {
          Applied done;
          done.status = Applied::kDone;
          return done;
        });
    ASSERT_TRUE(comes_true([&] { return !replica_->problem(); }));
  }

  static std::int64_t clock() {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  static Put put_of(const std::string& node, std::vector<Entry> entries) {
    return {random_id(), node, kBuild, {}, clock(), std::move(entries)};
  }
  void put_by_another() {
    const Instant at = clock_now();
    store_->append(encode(put_of("x", {{random_id(), "fence", at, at, {}}})));
  }

  std::string path_;
  std::shared_ptr<LogStore> store_;
  std::shared_ptr<HeldLog> log_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Replica> replica_;
};

TEST_F(OneNode, AppliesWhatComesWhileNobodyTellsWhereTheLogEnds) {
  start();
  log_->holds_heads = true;
  ASSERT_TRUE(comes_true([&] { return log_->is_held.load(); }));
  const auto before = replica_->position();
  for (int i = 0; i < 3; ++i) put_by_another();
  EXPECT_TRUE(replica_->wait_for(before + 3, milliseconds{10'000}));
}

TEST_F(OneNode, LeavesTheBalancerWhenOthersCanWriteAndItCannot) {
  ReplicaOptions options;
  options.stale_after = std::chrono::seconds{4};
  options.mark_every = milliseconds{2000};
  start(options);
  put_by_another();
  log_->takes_nothing = true;
  const auto is_told = [&](const char* what, bool is_of_writes) {
    const auto problem = replica_->problem();
    return problem && problem->sentence.find(what) != std::string::npos &&
           problem->sentence.find("permission denied") != std::string::npos &&
           problem->is_of_writes == is_of_writes;
  };
  // As far as is known nobody can, for however long.
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(comes_true([&] {
    return is_told("has taken nothing for", true) &&
           std::chrono::steady_clock::now() - begun > options.stale_after + milliseconds{1000};
  }));
  EXPECT_TRUE(comes_true([&] {
    put_by_another();
    std::this_thread::sleep_for(milliseconds{10});
    return is_told("has taken nothing of this node for", false);
  }));
  // Nobody any more.
  EXPECT_TRUE(comes_true([&] { return is_told("has taken nothing for", true); }));
  log_->takes_nothing = false;
  EXPECT_TRUE(comes_true([&] { return !replica_->problem(); }));
}

TEST_F(OneNode, TellsTheTimeOfTheLastSending) {
  start();
  log_->takes_nothing = true;
  auto done = std::async(std::launch::async,
                         [&] { return replica_->submit("close", clock_now(), {}).status; });
  ASSERT_TRUE(comes_true([&] { return replica_->figures().resends >= 3; }));
  const auto later = clock();
  log_->takes_nothing = false;
  ASSERT_EQ(done.get(), Applied::kDone);
  replica_.reset();
  const auto put = decode(store_->puts.back());
  ASSERT_TRUE(put);
  ASSERT_EQ(put->entries.front().kind, "close");
  EXPECT_GE(put->clock, later);
}

}  // namespace
}  // namespace saldo::server
