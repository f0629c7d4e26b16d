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
    if (acknowledges_nothing) throw LogUnreachable("permission denied");
  }

  std::atomic<bool> takes_nothing{false};
  std::atomic<bool> acknowledges_nothing{false};
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

  static Put put_of(const std::string& node, std::vector<Entry> entries) {
    return {random_id(), node, kBuild, {}, clock_milliseconds(), std::move(entries)};
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

class Refused : public OneNode {
 protected:
  void start() {
    options_.stale_after = std::chrono::seconds{4};
    options_.mark_every = milliseconds{5000};
    OneNode::start(options_);
    put_by_another();
  }
  // Something to be written, for which nobody waits to the end.
  std::future<Applied> write() {
    return std::async(std::launch::async,
                      [&] { return replica_->submit("close", clock_now(), {}); });
  }
  bool is_told(const char* what, bool is_of_writes) const {
    const auto problem = replica_->problem();
    return problem && problem->sentence.find(what) != std::string::npos &&
           problem->sentence.find("permission denied") != std::string::npos &&
           problem->is_of_writes == is_of_writes;
  }
  bool is_out() const {
    const auto problem = replica_->problem();
    return problem && !problem->is_of_writes;
  }
  // For longer than it takes to be stale.
  template <typename Meanwhile>
  void stays_in_the_balancer(const Meanwhile& meanwhile) {
    const auto begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begun < 2 * options_.stale_after) {
      meanwhile();
      ASSERT_FALSE(is_out()) << replica_->problem()->sentence;
      std::this_thread::sleep_for(milliseconds{20});
    }
  }

  ReplicaOptions options_;
};

TEST_F(Refused, LeavesTheBalancerWhenOthersCanWriteAndItCannot) {
  start();
  log_->takes_nothing = true;
  const auto written = write();
  // As far as is known nobody can, for however long.
  stays_in_the_balancer([] {});
  EXPECT_TRUE(is_told("has taken nothing for", true));
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

TEST_F(Refused, StaysInTheBalancerWhereItIsTakenAndOnlyTheAnswerIsLost) {
  start();
  log_->acknowledges_nothing = true;
  const auto written = write();
  stays_in_the_balancer([&] { put_by_another(); });
}

TEST_F(OneNode, TellsTheTimeOfEachSending) {
  start();
  ASSERT_TRUE(comes_true([&] { return replica_->figures().appends >= 1; }));
  log_->takes_nothing = true;
  auto done = std::async(std::launch::async,
                         [&] { return replica_->submit("close", clock_now(), {}).status; });
  const auto resent = [&] { return replica_->figures().resends; };
  ASSERT_TRUE(comes_true([&] { return resent() >= 3; }));
  const auto later = clock_milliseconds();
  const auto before = resent();
  ASSERT_TRUE(comes_true([&] { return resent() >= before + 2; }));
  log_->takes_nothing = false;
  ASSERT_EQ(done.get(), Applied::kDone);
  replica_.reset();
  for (auto text = store_->puts.rbegin(); text != store_->puts.rend(); ++text) {
    const auto put = decode(*text);
    ASSERT_TRUE(put);
    if (put->entries.empty() || put->entries.front().kind != "close") continue;
    EXPECT_GE(put->clock, later);
    return;
  }
  FAIL() << "it is not in the log";
}

}  // namespace
}  // namespace saldo::server
