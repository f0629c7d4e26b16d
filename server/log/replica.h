// This node's part in the log: what it is asked to write it appends, and whatever anybody has
// appended it applies, in the log's order. One thread appends, with one put of this node's
// under way at a time, and one follows and applies. A third one looks where the log ends, so that
// a member of etcd that does not answer holds up neither.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "log/figures.h"
#include "log/position.h"
#include "store/writer.h"

namespace saldo::server {

// This machine's clock, since 1970.
std::int64_t clock_milliseconds();

struct ReplicaOptions {
  std::string node;
  std::string build;
  std::chrono::seconds stale_after{60};      // so long without the log a node is still well
  std::chrono::milliseconds spread{30'000};  // what any node may do is done up to so much later
  std::chrono::milliseconds mark_every{60'000};
  std::chrono::milliseconds patience{10'000};  // an entry counts so long after it was asked for
  bool test_clock = false;                     // time is what requests say it is
  // In milliseconds since 1970; null: the system's. With test_clock, clocks are compared only if
  // this is set.
  std::function<std::int64_t()> clock;
};

// What came of an entry.
struct Applied {
  // Numbers as HTTP has them, so that log_entry reads alike for all kinds.
  static constexpr int kDone = 200;
  static constexpr int kNothingToDo = 204;
  static constexpr int kRefused = 409;

  int status = 0;
  std::string body;
  std::shared_ptr<void> reply;  // what whoever applies has for whoever asked
};

class Replica {
 public:
  // Applies an entry that a route, a job or a command made, at that instant, inside of a
  // transaction. A refusal is an answer, of which nothing is left in the database. Throws what has
  // to do with this machine alone (a full disk, no memory): then the entry is applied again later.
  using Apply = std::function<Applied(Database&, const Entry&, Instant now)>;

  // Reads where the file is. Throws std::runtime_error for one that follows no log, or whose last
  // entry was of another build and is not sealed.
  Replica(Writer& writer, std::shared_ptr<Log> log, ReplicaOptions options, Apply apply);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;
  Replica(Replica&&) = delete;
  Replica& operator=(Replica&&) = delete;
  ~Replica();

  // Appends an entry and waits until this node has applied it. Throws overloaded, with a sentence
  // that says whether it was not done or is not known, and too_large for one that no put holds.
  Applied submit(std::string kind, Instant at, nlohmann::ordered_json data);

  // The number of the last put that this node has applied.
  [[nodiscard]] std::int64_t position() const;
  // Until that one is applied; false: it was not by then.
  bool wait_for(std::int64_t number, std::chrono::milliseconds patience) const;
  // For what no request tells the time of.
  [[nodiscard]] Instant now() const;
  [[nodiscard]] const ReplicaOptions& options() const { return options_; }

  // A part of `spread`, another one each time.
  [[nodiscard]] std::chrono::milliseconds random_delay();
  // Whether this node may take a delivery of that channel now: it took the last one, or no other
  // node has for a while.
  [[nodiscard]] bool may_claim(const std::string& channel);

  [[nodiscard]] LogFigures figures() const;
  // What an operator has to know, in a sentence.
  struct Problem {
    std::string sentence;
    // What is read here is as good as anywhere, and as far as is known nobody else writes either.
    bool is_of_writes = false;
  };
  // nullopt: all is well.
  [[nodiscard]] std::optional<Problem> problem() const;

  // From any thread: nothing more is taken, and nobody waits any more.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Pending {
    Entry entry;
    std::size_t bytes = 0;
    Clock::time_point send_until{};  // then it is not sent any more
    enum { kQueued, kSent, kDone } state = kQueued;
    enum { kUnknown, kApplied, kNotDone } outcome = kUnknown;
    Applied applied;
  };
  using Pendings = std::vector<std::shared_ptr<Pending>>;

  // A put that was read, with what of it is done where.
  struct Read {
    LogItem item;
    Put put;
    std::int64_t received = 0;  // by the clock that nobody sets, in milliseconds
    bool is_fresh = false;      // it was in the log a moment before, and not for longer
  };
  struct Result {
    std::string id;
    Applied applied;
  };

  void append_all();
  Pendings next_pendings();
  void send(const Pendings& pendings, const Seen& seen);
  bool send_until(Put put, Clock::time_point until, const Pendings& pendings);
  void fence(const Pendings& pendings, Instant by, const Seen& seen);
  void tell_clock();
  bool all_done(const Pendings& pendings) const;
  void settle(const Pendings& pendings, int outcome);

  void follow_all();
  void follow_once();
  void read_on();
  std::optional<Read> accept(LogItem item);
  void judge(const Read& read, const LogState& before);
  void hear_clock(const Read& read);
  void judge_seen(const Read& read);
  void apply_all(const std::vector<Read>& reads);
  void apply_put(Database& database, LogState& state, const Read& read,
                 std::vector<Result>& results);
  Applied apply_entry(Database& database, LogState& state, const Put& put, const Entry& entry);
  void note_applied(const LogState& state, const std::vector<Read>& reads,
                    const std::vector<Seen>& seen, const std::vector<Result>& results);
  [[nodiscard]] Instant own_now() const;
  [[nodiscard]] std::int64_t own_clock() const;
  std::chrono::milliseconds draw_delay();  // with mutex_
  void look_all();
  void note_head(const Log::Head& head, Clock::time_point asked);  // with mutex_
  void look_whether_told();
  void mark_when_due();
  void stop_for(const std::string& reason);
  std::shared_ptr<Pending> make_pending(std::string kind, Instant at,
                                        nlohmann::ordered_json data) const;
  std::optional<std::string> refusal() const;
  std::optional<std::string> clock_problem() const;
  [[nodiscard]] bool has_namesake() const;
  [[nodiscard]] bool takes_nothing() const;
  [[nodiscard]] bool takes_of_others() const;
  [[nodiscard]] Put make_put(const Seen& seen, std::vector<Entry> entries) const;
  [[nodiscard]] bool is_of_process(const Put& put) const;  // made by this process
  [[nodiscard]] std::optional<double> clock_offset() const;
  [[nodiscard]] std::size_t count_verdicts(bool agree) const;

  Writer& writer_;
  std::shared_ptr<Log> log_;
  ReplicaOptions options_;
  Apply apply_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<std::shared_ptr<Pending>> queue_;
  std::map<std::string, std::shared_ptr<Pending>> pending_;  // those that were not answered yet
  LogState state_;
  Seen seen_;  // at state_
  LogFigures figures_;
  std::optional<std::string> stopped_;  // why nothing is applied any more
  std::optional<std::string> failing_;  // why what was read cannot be applied right now
  std::optional<std::string> damaged_;  // likewise, why it cannot be read
  std::optional<std::string> unreachable_;
  std::optional<std::string> untaken_;  // why the last put was not taken
  Clock::time_point untaken_since_{};
  Clock::time_point heard_at_{};  // when a put was read that another node had made a moment before
  std::optional<Clock::time_point> applying_since_;  // what may take long
  bool sealed_ = false;       // a seal was applied by this process, and nothing behind it
  bool tells_clock_ = false;  // it is to be appended what time it is here
  bool ready_ = false;        // what was in the log at the start is applied
  std::int64_t live_from_ = 0;
  Clock::time_point contact_{};  // when the log was last known to be there
  std::map<std::int64_t, Seen> history_;
  struct Other {
    std::optional<bool> agrees;
    Clock::time_point judged{};
    // Its clock less the one of this machine that nobody sets, in milliseconds: the latest of each
    // of a few spans.
    std::deque<std::pair<Clock::time_point, std::int64_t>> clocks;
  };
  std::map<std::string, Other> others_;
  Clock::time_point mark_at_{};
  // Of puts: those that this process makes begin with it.
  const std::string mark_of_process_ = random_id().substr(0, 16);
  const std::int64_t started_;       // by own_clock()
  Clock::time_point namesake_at_{};  // when another node of this name was heard last
  bool knows_others_ = false;        // there are nodes that could tell their clocks
  Clock::time_point alone_from_ = Clock::time_point::max();  // without them it goes on from then
  Clock::time_point ask_at_{};  // when the others may be asked for their clocks again
  struct Claim {
    std::string node;
    Clock::time_point at{};
    std::chrono::milliseconds delay{};
  };
  std::map<std::string, Claim> claims_;
  std::minstd_rand random_{std::random_device{}()};
  int bad_reads_ = 0;
  bool is_followed_ = false;  // false while the log is out of reach, and is not looked at
  std::optional<std::string> look_failed_;  // why the last look at the log's end failed
  std::int64_t head_ = 0;       // where the log ended at the last look that was answered
  std::int64_t last_head_ = 0;  // head_ when nothing came the last time
  // What stands behind that put came into the log later than that.
  Clock::time_point looked_at_{};
  std::int64_t looked_head_ = 0;
  std::string sent_id_;  // this node's last put
  Clock::time_point sent_at_{};

  std::thread follower_;
  std::thread looker_;
  std::thread appender_;
};

}  // namespace saldo::server
