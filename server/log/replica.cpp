#include "log/replica.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace saldo::server {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPutsPerCommit = 256;
constexpr std::size_t kBytesPerCommit = 4 << 20;
constexpr std::size_t kHistory = 10'000;
constexpr milliseconds kLook{500};  // without a put of this node's, the log is asked so often where
                                    // it ends
constexpr milliseconds kUnreachable{3000};  // then a write is refused at once
constexpr milliseconds kAgain{100};
constexpr milliseconds kAgainOnDisk{500};
constexpr milliseconds kFencePatience{5000};
constexpr seconds kFenceLasts{3600};
constexpr milliseconds kVerdictLasts{300'000};
constexpr milliseconds kClockLasts{180'000};
constexpr milliseconds kClockEvery{10'000};
constexpr std::size_t kClocks = 3;  // of each node
constexpr milliseconds kAskEvery{5000};
// What a node sent before it was started again was made before that, by its own clock.
constexpr std::int64_t kStartTakes = 5000;  // milliseconds
constexpr milliseconds kNamesakeLasts{300'000};
constexpr milliseconds kAloneAfter{10'000};
constexpr std::int64_t kClockOffMax = 2000;  // milliseconds
// What was in the log for longer, before it was read here, tells nothing of its node's clock.
constexpr milliseconds kFresh{1500};
constexpr int kBadReadsMax = 6;  // in a row, and an operator is told

// By the clock that nobody sets.
std::int64_t steady_milliseconds() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Error unavailable(const std::string& sentence) { return {ErrorCode::kOverloaded, sentence}; }

std::string seconds_since(std::chrono::steady_clock::time_point at) {
  return std::to_string(std::chrono::ceil<seconds>(std::chrono::steady_clock::now() - at).count());
}

constexpr const char* kUnknownOutcome =
    "whether it was done is not known; ask again with the same Idempotency-Key";
constexpr const char* kNotDone = "it was not done, and will not be; ask again";

}  // namespace

std::int64_t clock_milliseconds() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Replica::Replica(Writer& writer, std::shared_ptr<Log> log, ReplicaOptions options, Apply apply)
    : writer_(writer),
      log_(std::move(log)),
      options_(std::move(options)),
      apply_(std::move(apply)),
      started_(own_clock()) {
  writer_.write([&](Database& database) {
    const auto state = read_log_state(database);
    if (!state) {
      throw std::runtime_error(
          "the file follows no log yet; `saldod log init` begins one with it, `saldod log join` "
          "takes a backup of a node");
    }
    state_ = *state;
    seen_ = seen_in(database, state_);
    knows_others_ = least_revision(database, options_.node).has_value();
  });
  if (!state_.build.empty() && state_.build != options_.build) {
    throw std::runtime_error("the last entry applied in this file was of another build: " +
                             state_.build + "; this one is " + options_.build +
                             "; start that one, seal the log (`saldod log seal`), or join from a "
                             "backup of a node that has gone on");
  }
  history_.emplace(seen_.number, seen_);
  figures_.number = state_.position.number;
  contact_ = Clock::now();
  follower_ = std::thread([this] { follow_all(); });
  looker_ = std::thread([this] { look_all(); });
  appender_ = std::thread([this] { append_all(); });
}

Replica::~Replica() {
  stop();
  follower_.join();
  looker_.join();
  appender_.join();
}

void Replica::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  log_->stop();
  changed_.notify_all();
}

// What is asked for
// --------------------------------------------------------------------------------

std::shared_ptr<Replica::Pending> Replica::make_pending(std::string kind, Instant at,
                                                        nlohmann::ordered_json data) const {
  auto pending = std::make_shared<Pending>();
  // A fence moves the time on to a second beyond `by`: not each time from where the last one did.
  const auto patience = std::chrono::ceil<seconds>(options_.patience);
  const Instant by = std::max(at + patience, state_.log_time + patience - patience / 5);
  pending->entry = {random_id(), std::move(kind), at, by, std::move(data)};
  pending->bytes = encode(pending->entry).size();
  pending->send_until = Clock::now() + options_.patience;
  return pending;
}

Applied Replica::submit(std::string kind, Instant at, nlohmann::ordered_json data) {
  std::unique_lock lock(mutex_);
  if (const auto reason = refusal()) throw unavailable(*reason);
  // `at` was taken before the clocks were compared.
  if (!options_.test_clock && at > clock_now() + milliseconds{kClockOffMax})
    throw unavailable("this machine's clock was set back meanwhile; nothing was done");
  const auto pending = make_pending(std::move(kind), at, std::move(data));
  if (pending->bytes > kPutBytesMax)
    throw Error(ErrorCode::kTooLarge, "the request is larger than the log takes");
  queue_.push_back(pending);
  pending_.emplace(pending->entry.id, pending);
  changed_.notify_all();
  const auto end = pending->send_until + kFencePatience + milliseconds{1000};
  changed_.wait_until(lock, end,
                      [&] { return pending->state == Pending::kDone || stopping_ || stopped_; });
  pending_.erase(pending->entry.id);
  if (pending->outcome == Pending::kApplied) return std::move(pending->applied);
  const bool never_sent = pending->state == Pending::kQueued;
  queue_.erase(std::remove(queue_.begin(), queue_.end(), pending), queue_.end());
  if (never_sent || pending->outcome == Pending::kNotDone) throw unavailable(kNotDone);
  throw unavailable(kUnknownOutcome);
}

// Why nothing is taken right now.
std::optional<std::string> Replica::refusal() const {
  if (stopping_) return "the server stops; nothing was done";
  if (stopped_) return "this node has stopped applying the log; nothing was done";
  if (failing_) return "this machine cannot write what is in the log right now; nothing was done";
  if (damaged_) return "the log cannot be read any further; nothing was done";
  if (applying_since_ && Clock::now() - *applying_since_ > options_.patience)
    return "this node is still applying what is in the log; nothing was done";
  if (sealed_) return "the log is sealed for an upgrade; nothing was done";
  if (!ready_) return "this node catches up with the log; nothing was done";
  if (count_verdicts(false) > count_verdicts(true))
    return "this node and others differ; nothing was done";
  if (has_namesake()) return "two nodes have the same name; nothing was done";
  if (unreachable_ && Clock::now() - contact_ > kUnreachable)
    return "the log is out of reach; nothing was done";
  if (takes_nothing()) return "the log takes nothing right now; nothing was done";
  if (const auto clock = clock_problem()) return *clock + "; nothing was done";
  return std::nullopt;
}

Instant Replica::own_now() const { return options_.test_clock ? state_.log_time : clock_now(); }

std::int64_t Replica::own_clock() const {
  return options_.clock ? options_.clock() : clock_milliseconds();
}

std::int64_t Replica::position() const {
  const std::lock_guard lock(mutex_);
  return state_.position.number;
}

bool Replica::wait_for(std::int64_t number, milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] {
    return state_.position.number >= number || stopping_ || stopped_;
  }) && state_.position.number >= number;
}

Instant Replica::now() const {
  const std::lock_guard lock(mutex_);
  return own_now();
}

milliseconds Replica::random_delay() {
  const std::lock_guard lock(mutex_);
  return draw_delay();
}

milliseconds Replica::draw_delay() {
  return milliseconds(
      std::uniform_int_distribution<std::int64_t>(0, options_.spread.count())(random_));
}

bool Replica::may_claim(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  if (refusal()) return false;
  auto& claim = claims_[channel];
  if (claim.node == options_.node) return true;
  if (claim.at == Clock::time_point()) {
    claim.at = Clock::now();
    claim.delay = draw_delay();
  }
  return Clock::now() - claim.at >= claim.delay;
}

LogFigures Replica::figures() const {
  const std::lock_guard lock(mutex_);
  LogFigures figures = figures_;
  figures.number = state_.position.number;
  figures.head = std::max(figures.head, figures.number);
  figures.stopped = stopped_.has_value();
  figures.differs = count_verdicts(false);
  figures.clock_offset_seconds = clock_offset().value_or(0) / 1000;
  return figures;
}

std::optional<Replica::Problem> Replica::problem() const {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Problem{*stopped_};
  if (failing_) return Problem{"what is in the log cannot be applied right now: " + *failing_};
  if (damaged_) return Problem{*damaged_};
  if (count_verdicts(false) > 0 && count_verdicts(false) > count_verdicts(true)) {
    return Problem{
        "this node and others differ in what the log has made of the books, and it is not known "
        "which is right; no writes are taken"};
  }
  if (has_namesake()) {
    return Problem{"another node has the name " + options_.node +
                   ", too; no writes are taken until one of them was stopped for some minutes"};
  }
  const auto silent_since = applying_since_.value_or(contact_);
  if (Clock::now() - silent_since > options_.stale_after) {
    const auto so_long = seconds_since(silent_since) + " s";
    if (!applying_since_) {
      return Problem{"the log has been out of reach for " + so_long + ": " +
                     unreachable_.value_or("nothing comes")};
    }
    return Problem{"this node has been applying what follows put " +
                   std::to_string(state_.position.number) + " of the log for " + so_long};
  }
  if (!ready_) {
    return Problem{"this node catches up with the log: " + std::to_string(state_.position.number) +
                   " of " + std::to_string(std::max(live_from_, figures_.head))};
  }
  if (sealed_) {
    return Problem{
        "the log is sealed for an upgrade: replace saldod on this machine, or start it again to go "
        "on with this build",
        true};
  }
  if (const auto clock = clock_problem()) return Problem{*clock};
  if (takes_nothing()) {
    // Then whoever writes is better served there.
    if (takes_of_others() && Clock::now() - untaken_since_ > options_.stale_after) {
      return Problem{"the log has taken nothing of this node for " + seconds_since(untaken_since_) +
                     " s, and does take what others write; no writes are taken here: " + *untaken_};
    }
    return Problem{"the log has taken nothing for " + seconds_since(untaken_since_) +
                       " s, and so no writes are taken: " + *untaken_,
                   true};
  }
  return std::nullopt;
}

// Of this machine's clock against the others' median, in milliseconds; nullopt: none has told its.
std::optional<double> Replica::clock_offset() const {
  std::vector<std::int64_t> clocks;
  const auto since = Clock::now() - kClockLasts;
  for (const auto& [node, other] : others_) {
    // What took longer on its way shows an earlier clock: the latest is the truest.
    std::optional<std::int64_t> latest;
    for (const auto& [at, clock] : other.clocks) {
      if (at >= since) latest = std::max(latest.value_or(clock), clock);
    }
    if (latest) clocks.push_back(*latest);
  }
  if (clocks.empty()) return std::nullopt;
  std::sort(clocks.begin(), clocks.end());
  const auto own = own_clock() - steady_milliseconds();
  // Of two in the middle the one nearer to this machine's.
  const auto upper = own - clocks[clocks.size() / 2];
  const auto lower = own - clocks[(clocks.size() - 1) / 2];
  return static_cast<double>(std::abs(lower) < std::abs(upper) ? lower : upper);
}

// What this node dates stays so: before its clock is known to be right it dates nothing.
std::optional<std::string> Replica::clock_problem() const {
  if (options_.test_clock && !options_.clock) return std::nullopt;
  const auto offset = clock_offset();
  if (!offset) {
    if (!knows_others_ || Clock::now() >= alone_from_) return std::nullopt;
    return "this node waits for another one to tell what time it is";
  }
  if (std::abs(*offset) < kClockOffMax) return std::nullopt;
  return "this machine's clock is " + std::to_string(static_cast<long>(std::abs(*offset) / 1000)) +
         (*offset > 0 ? " s ahead of" : " s behind") +
         " the others'; no writes are taken until it, or theirs, is set";
}

bool Replica::takes_nothing() const {
  return untaken_ && Clock::now() - untaken_since_ > kUnreachable;
}

// Another node's put came in after this one's was refused, and not long ago.
bool Replica::takes_of_others() const {
  return heard_at_ - kFresh > untaken_since_ && Clock::now() - heard_at_ < 2 * options_.mark_every;
}

bool Replica::has_namesake() const {
  return namesake_at_ != Clock::time_point() && Clock::now() - namesake_at_ < kNamesakeLasts;
}

Put Replica::make_put(const Seen& seen, std::vector<Entry> entries) const {
  std::string id = mark_of_process_ + random_id().substr(mark_of_process_.size());
  return {std::move(id), options_.node, options_.build, seen, Put::kNoClock, std::move(entries)};
}

bool Replica::is_of_process(const Put& put) const { return put.id.starts_with(mark_of_process_); }

std::size_t Replica::count_verdicts(bool agree) const {
  const auto since = Clock::now() - kVerdictLasts;
  return static_cast<std::size_t>(
      std::count_if(others_.begin(), others_.end(), [&](const auto& other) {
        return other.second.agrees == agree && other.second.judged >= since;
      }));
}

// Appending
// ----------------------------------------------------------------------------------------

void Replica::append_all() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] {
      return stopping_ || tells_clock_ || (!queue_.empty() && !stopped_ && !sealed_);
    });
    if (stopping_) return;
    if (std::exchange(tells_clock_, false)) {
      lock.unlock();
      tell_clock();
      lock.lock();
      continue;
    }
    const auto pendings = next_pendings();
    if (pendings.empty()) continue;
    // Of the same moment as `sealed_`: what is sent once a seal was applied counts behind it.
    const Seen seen = seen_;
    lock.unlock();
    send(pendings, seen);
    lock.lock();
  }
}

// Those that go into one put.
Replica::Pendings Replica::next_pendings() {
  Pendings taken;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    const auto next = queue_.front();
    if (!taken.empty() && bytes + next->bytes > kPutBytes) break;
    queue_.pop_front();
    if (next->send_until <= Clock::now()) {
      next->state = Pending::kDone;
      next->outcome = Pending::kNotDone;
      changed_.notify_all();
      continue;
    }
    next->state = Pending::kSent;
    bytes += next->bytes;
    taken.push_back(next);
    // A seal is the last of its build.
    if (next->entry.kind == "seal") break;
  }
  return taken;
}

bool Replica::all_done(const Pendings& pendings) const {
  return std::all_of(pendings.begin(), pendings.end(),
                     [](const auto& each) { return each->state == Pending::kDone; });
}

// One put, until it is known what came of it, or nobody waits for that any more.
void Replica::send(const Pendings& pendings, const Seen& seen) {
  Put put = make_put(seen, {});
  auto until = Clock::time_point::max();
  std::optional<Instant> by;
  for (const auto& pending : pendings) {
    put.entries.push_back(pending->entry);
    until = std::min(until, pending->send_until);
    // Nobody waits for a mark, and it is dated by a clock that may be wrong.
    if (pending->entry.kind != "mark") by = std::max(by.value_or(Instant()), pending->entry.by);
  }
  {
    const std::lock_guard lock(mutex_);
    sent_id_ = put.id;
    sent_at_ = Clock::now();
  }
  if (!send_until(std::move(put), until, pendings) && by) fence(pendings, *by, seen);
}

// False: it is not known whether it was appended. Each sending tells the clock of its own moment;
// by its ids it is the same put.
bool Replica::send_until(Put put, Clock::time_point until, const Pendings& pendings) {
  for (bool first = true;; first = false) {
    std::optional<std::string> why_not;
    try {
      put.clock = own_clock();
      log_->append(encode(put));
    } catch (const std::exception& error) {
      why_not = error.what();
    }
    std::unique_lock lock(mutex_);
    ++(first ? figures_.appends : figures_.resends);
    if (why_not && !untaken_) untaken_since_ = Clock::now();
    untaken_ = why_not;
    if (!why_not || all_done(pendings)) return true;
    if (changed_.wait_for(lock, kAgain, [&] { return stopping_ || all_done(pendings); }))
      return true;
    if (Clock::now() >= until) return false;
  }
}

// Behind it nothing of what was sent before can count any more: so what is not there by then is
// not done.
void Replica::fence(const Pendings& pendings, Instant by, const Seen& seen) {
  auto barrier = std::make_shared<Pending>();
  const auto end = Clock::now() + kFencePatience;
  const Instant at = by + seconds{1};
  barrier->entry = {random_id(), "fence", at, at + kFenceLasts, nlohmann::ordered_json::object()};
  {
    const std::lock_guard lock(mutex_);
    pending_.emplace(barrier->entry.id, barrier);
  }
  if (send_until(make_put(seen, {barrier->entry}), end, pendings)) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, end, [&] {
      return stopping_ || barrier->state == Pending::kDone || all_done(pendings);
    });
  }
  const std::lock_guard lock(mutex_);
  pending_.erase(barrier->entry.id);
  settle(pendings, barrier->state == Pending::kDone ? Pending::kNotDone : Pending::kUnknown);
}

// To whichever build goes on behind a seal, by a put that counts for none.
void Replica::tell_clock() {
  send_until(make_put({Seen::kNothing, "", "", ""}, {}), Clock::now(), {});
}

// Those that have no outcome yet.
void Replica::settle(const Pendings& pendings, int outcome) {
  for (const auto& pending : pendings) {
    if (pending->state == Pending::kDone) continue;
    pending->state = Pending::kDone;
    pending->outcome = static_cast<decltype(pending->outcome)>(outcome);
  }
  changed_.notify_all();
}

// Following
// ----------------------------------------------------------------------------------------

void Replica::follow_all() {
  for (;;) {
    try {
      follow_once();
    } catch (const LogUnreachable& error) {
      const std::lock_guard lock(mutex_);
      if (!unreachable_) spdlog::warn("the log is out of reach: {}", error.what());
      unreachable_ = error.what();
    } catch (const LogBroken& error) {
      stop_for(error.what());
    } catch (const std::exception& error) {
      spdlog::error("following the log failed, and is tried again: {}", error.what());
    }
    std::unique_lock lock(mutex_);
    is_followed_ = false;
    if (stopped_) changed_.wait(lock, [&] { return stopping_; });
    if (changed_.wait_for(lock, kAgain, [&] { return stopping_; })) return;
  }
}

void Replica::stop_for(const std::string& reason) {
  spdlog::critical("nothing is applied any more: {}", reason);
  const std::lock_guard lock(mutex_);
  if (!stopped_) stopped_ = reason;
  changed_.notify_all();
}

void Replica::follow_once() {
  Log::Position position;
  {
    const std::lock_guard lock(mutex_);
    position = state_.position;
  }
  const auto asked = Clock::now();
  const auto head = log_->follow(position);
  {
    const std::lock_guard lock(mutex_);
    note_head(head, asked);
    is_followed_ = true;
    look_failed_.reset();
    if (unreachable_) spdlog::info("the log is there again");
    if (unreachable_) alone_from_ = Clock::time_point::max();  // what was known of clocks is old
    unreachable_.reset();
    live_from_ = head.number;
    ready_ = ready_ || position.number >= head.number;
  }
  read_on();
}

void Replica::read_on() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || stopped_) return;
    }
    mark_when_due();
    std::vector<Read> reads;
    auto item = log_->next(kLook);
    if (!item) {
      look_whether_told();
      continue;
    }
    bool again = false;
    std::size_t bytes = 0;
    const auto may_be_more = [&] {
      return reads.size() < kPutsPerCommit && bytes < kBytesPerCommit;
    };
    for (; item; item = may_be_more() ? log_->next(milliseconds{0}) : std::nullopt) {
      const std::int64_t expected =
          state_.position.number + 1 + static_cast<std::int64_t>(reads.size());
      if (item->number < expected) continue;  // it came before
      bytes += item->text.size();
      auto read = item->number == expected ? accept(std::move(*item)) : std::nullopt;
      if (!read) {
        again = true;
        break;
      }
      reads.push_back(std::move(*read));
    }
    if (!reads.empty()) apply_all(reads);
    if (!again) continue;
    // By another member.
    const std::lock_guard lock(mutex_);
    ++figures_.rereads;
    if (++bad_reads_ < kBadReadsMax) return;
    damaged_ =
        "put " + std::to_string(state_.position.number + 1) +
        " of the log is missing or damaged on all members of etcd, as far as they were asked";
    return;
  }
}

// nullopt: it is damaged.
std::optional<Replica::Read> Replica::accept(LogItem item) {
  auto put = decode(item.text);
  if (!put) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (put->id == sent_id_ && sent_at_ > looked_at_) {
    looked_at_ = sent_at_;
    looked_head_ = item.number;
  }
  // Whatever came of asking for it: it was taken.
  if (is_of_process(*put)) untaken_.reset();
  const bool is_fresh = item.number > looked_head_ && Clock::now() - looked_at_ < kFresh;
  if (is_fresh && put->node != options_.node) heard_at_ = Clock::now();
  return Read{std::move(item), *std::move(put), steady_milliseconds(), is_fresh};
}

// Asks now and then where the log ends, unless a put of this node's own has told it.
void Replica::look_all() {
  std::unique_lock lock(mutex_);
  auto due = Clock::time_point();
  for (;;) {
    if (changed_.wait_until(lock, std::max(due, looked_at_ + kLook), [&] { return stopping_; }))
      return;
    const auto asked = Clock::now();
    if (asked < looked_at_ + kLook) continue;
    due = asked + kLook;
    if (!is_followed_ || stopped_) continue;
    lock.unlock();
    std::optional<Log::Head> head;
    std::optional<std::string> why_not;
    try {
      head = log_->head();
    } catch (const LogBroken& error) {
      stop_for(error.what());
    } catch (const std::exception& error) {
      why_not = error.what();
    }
    lock.lock();
    // What was learnt meanwhile is newer; so is all, where the log was lost and followed again.
    if (!is_followed_ || asked < looked_at_) continue;
    if (head) note_head(*head, asked);
    look_failed_ = why_not;
  }
}

void Replica::note_head(const Log::Head& head, Clock::time_point asked) {
  head_ = head.number;
  contact_ = Clock::now();
  figures_.head = std::max(figures_.head, head.number);
  looked_at_ = asked;
  looked_head_ = head.number;
}

// Where nothing comes: whether all that is in the log did.
void Replica::look_whether_told() {
  const std::lock_guard lock(mutex_);
  if (look_failed_) throw LogUnreachable(*look_failed_);
  ready_ = ready_ || state_.position.number >= live_from_;
  // Not what was appended a moment ago, which is still on its way: what nothing has come of since.
  const auto before = std::exchange(last_head_, head_);
  if (before > state_.position.number)
    throw LogUnreachable("a member of etcd does not tell what is in the log");
}

// Whether the put may be applied here, and what it says of its node. Throws LogBroken.
void Replica::judge(const Read& read, const LogState& before) {
  hear_clock(read);
  if (!counts(before, read.put)) {
    if (read.put.entries.empty()) return;
    spdlog::warn(
        "put {} of node {} does not count: it was made before the log was sealed, or by "
        "another build",
        read.item.number, read.put.node);
    return;
  }
  if (read.put.build != options_.build) {
    throw LogBroken("put " + std::to_string(read.item.number) + " of node " + read.put.node +
                    " is of another build: " + read.put.build + "; this one is " + options_.build +
                    "; install that one here and start it again, or join from a backup");
  }
  if (read.put.node != options_.node) judge_seen(read);
}

// Of whichever build the other node is.
void Replica::hear_clock(const Read& read) {
  const bool is_own = read.put.node == options_.node;
  const std::lock_guard lock(mutex_);
  knows_others_ = knows_others_ || !is_own;
  if (read.item.number <= live_from_ || read.put.clock == Put::kNoClock) return;
  if (is_own) {
    if (read.put.clock < started_ + kStartTakes || is_of_process(read.put)) return;
    spdlog::error("another node has the name {}, too", options_.node);
    namesake_at_ = Clock::now();
    return;
  }
  for (const Entry& entry : read.put.entries) {
    if (entry.kind == "mark" && entry.data.contains("asks")) mark_at_ = Clock::now();
  }
  if (!read.is_fresh) {
    // What follows it may tell: this node does not go on alone while it reads late.
    alone_from_ = Clock::now() + kAloneAfter;
    return;
  }
  auto& clocks = others_[read.put.node].clocks;
  const auto clock = read.put.clock - read.received;
  if (clocks.empty() || Clock::now() - clocks.back().first >= kClockEvery) {
    clocks.emplace_back(Clock::now(), clock);
  } else {
    clocks.back().second = std::max(clocks.back().second, clock);
  }
  if (clocks.size() > kClocks) clocks.pop_front();
}

void Replica::judge_seen(const Read& read) {
  const std::lock_guard lock(mutex_);
  const auto own = history_.find(read.put.seen.number);
  if (own == history_.end()) return;
  Other& other = others_[read.put.node];
  const bool agrees =
      own->second.chain == read.put.seen.chain && own->second.digest == read.put.seen.digest;
  if (!agrees && other.agrees.value_or(true)) {
    spdlog::critical("node {} had another outcome of the log at {} than this one", read.put.node,
                     read.put.seen.number);
    mark_at_ = Clock::now();  // so that all know whom they agree with
  }
  other.agrees = agrees;
  other.judged = Clock::now();
  const auto differ = count_verdicts(false);
  const auto agree = count_verdicts(true);
  if (differ > agree + 1) {
    throw LogBroken("this node differs from " + std::to_string(differ) +
                    " others in what the log has made of the books, since put " +
                    std::to_string(read.put.seen.number) +
                    " or before; restore it from a backup of one of them (`saldod log join`)");
  }
}

// Until it is done; what is wrong with this machine alone is waited for.
void Replica::apply_all(const std::vector<Read>& reads) {
  std::size_t count = 0;
  std::exception_ptr broken;
  LogState before = state_;
  for (; count < reads.size(); ++count) {
    try {
      judge(reads[count], before);
    } catch (const LogBroken&) {
      broken = std::current_exception();
      break;
    }
    move_past(before, reads[count].item, reads[count].put, false);
    // What follows a seal is judged by it.
    const auto& entries = reads[count].put.entries;
    if (std::any_of(entries.begin(), entries.end(),
                    [](const Entry& entry) { return entry.kind == "seal"; })) {
      ++count;
      break;
    }
  }
  const std::vector<Read> judged(reads.begin(), reads.begin() + static_cast<std::ptrdiff_t>(count));
  {
    const std::lock_guard lock(mutex_);
    if (!judged.empty()) applying_since_ = Clock::now();
  }
  for (bool done = judged.empty(); !done;) {
    LogState state;
    std::vector<Seen> seen;
    std::vector<Result> results;
    try {
      writer_.write(
          [&](Database& database) {
            const auto there = read_log_state(database);
            if (!there || there->position.number != state_.position.number ||
                there->chain != state_.chain) {
              throw LogBroken(
                  "another program has changed where in the log this file is: let one server alone "
                  "have it, and start that again");
            }
            state = state_;
            seen.clear();
            results.clear();
            for (const Read& read : judged) {
              apply_put(database, state, read, results);
              seen.push_back(seen_in(database, state));
            }
            write_log_state(database, state);
          },
          true);
      note_applied(state, judged, seen, results);
      done = true;
    } catch (const LogBroken&) {
      throw;
    } catch (const std::exception& error) {
      const auto* sqlite = dynamic_cast<const SqliteError*>(&error);
      const std::string what =
          sqlite != nullptr ? sqlite3_errstr(sqlite->code()) : std::string(error.what());
      spdlog::error("applying put {} failed, and is tried again: {}", judged.front().item.number,
                    what);
      std::unique_lock lock(mutex_);
      failing_ = what;
      if (changed_.wait_for(lock, kAgainOnDisk, [&] { return stopping_; })) return;
    }
  }
  if (broken) std::rethrow_exception(broken);
  // The rest, which may have to be judged anew.
  if (count < reads.size())
    apply_all({reads.begin() + static_cast<std::ptrdiff_t>(count), reads.end()});
}

void Replica::apply_put(Database& database, LogState& state, const Read& read,
                        std::vector<Result>& results) {
  const Put& put = read.put;
  const bool does_count = counts(state, put);
  bool seals = false;
  for (const Entry& entry : put.entries) {
    if (find_log_entry(database, entry)) continue;
    Applied applied;
    applied.status = kSkippedStatus;
    if (does_count && entry.by >= state.log_time) {
      // A mark or a seal tells of its node, whose clock may be wrong; it dates nothing.
      if (entry.kind != "mark" && entry.kind != "seal")
        state.log_time = std::max(state.log_time, entry.at);
      applied = apply_entry(database, state, put, entry);
      state.chain = next_chain(state.chain, encode(entry), applied.status, applied.body);
      seals = seals || entry.kind == "seal";
    }
    add_log_entry(database, entry, read.item.number, applied.status);
    results.push_back({entry.id, std::move(applied)});
  }
  move_past(state, read.item, put, seals);
  forget_log_entries(database, state);
}

Applied Replica::apply_entry(Database& database, LogState& state, const Put& put,
                             const Entry& entry) {
  Applied done;
  done.status = Applied::kDone;
  if (entry.kind == "fence" || entry.kind == "seal") return done;
  if (entry.kind == "mark") {
    note_node(database, put.node, entry);
    return done;
  }
  return apply_(database, entry, state.log_time);
}

void Replica::note_applied(const LogState& state, const std::vector<Read>& reads,
                           const std::vector<Seen>& seen, const std::vector<Result>& results) {
  const std::lock_guard lock(mutex_);
  if (seen.back().day != seen_.day) {
    mark_at_ = std::min(mark_at_, Clock::now() + draw_delay());
  }
  if (state.seal != state_.seal) {
    sealed_ = true;
    spdlog::warn("the log is sealed at {}: no more writes are taken", state.seal);
  }
  // Others have gone on with this build.
  if (!state.build.empty()) sealed_ = false;
  // What was known of clocks may be old by now, and the others are given time to tell them.
  if (applying_since_ && Clock::now() - *applying_since_ > kAloneAfter)
    alone_from_ = Clock::time_point::max();
  applying_since_.reset();
  state_ = state;
  seen_ = seen.back();
  failing_.reset();
  damaged_.reset();
  bad_reads_ = 0;
  contact_ = Clock::now();
  figures_.head = std::max(figures_.head, state.position.number);
  ready_ = ready_ || state.position.number >= live_from_;
  for (const Seen& each : seen) history_.emplace(each.number, each);
  while (history_.size() > kHistory) history_.erase(history_.begin());
  for (const Read& read : reads) {
    for (const Entry& entry : read.put.entries) {
      if (entry.kind != "claim") continue;
      claims_[entry.data.value("channel", "")] = {read.put.node, Clock::now(),
                                                  options_.spread + draw_delay()};
    }
  }
  for (const Result& result : results) {
    const auto found = pending_.find(result.id);
    if (found == pending_.end() || found->second->state == Pending::kDone) continue;
    Pending& pending = *found->second;
    pending.state = Pending::kDone;
    pending.outcome =
        result.applied.status == kSkippedStatus ? Pending::kNotDone : Pending::kApplied;
    pending.applied = result.applied;
  }
  changed_.notify_all();
}

// Tells the others where this node is, and asks them what time it is when it does not know. Nobody
// waits for it.
void Replica::mark_when_due() {
  const std::lock_guard lock(mutex_);
  if (!ready_ || stopping_) return;
  const auto now = Clock::now();
  if (alone_from_ == Clock::time_point::max()) alone_from_ = now + kAloneAfter;
  if (knows_others_ && now >= alone_from_ && !clock_offset()) {
    spdlog::warn("no other node tells what time it is: this one goes on by its own clock");
    knows_others_ = false;
  }
  // Behind a seal the first mark decides which build goes on: not by a clock that may be wrong.
  if (sealed_ || (state_.build.empty() && clock_problem())) {
    if (now < ask_at_) return;
    ask_at_ = now + kAskEvery;
    tells_clock_ = true;
    changed_.notify_all();
    return;
  }
  // Where nothing is taken, it is what tries that again.
  const bool asks = now >= ask_at_ && (clock_problem() || takes_nothing());
  if (now < mark_at_ && !asks) return;
  mark_at_ = now + options_.mark_every;
  nlohmann::ordered_json mark = {{"number", seen_.number}, {"revision", state_.position.revision},
                                 {"chain", seen_.chain},   {"day", seen_.day},
                                 {"digest", seen_.digest}, {"clock", own_clock()},
                                 {"build", options_.build}};
  if (asks) {
    ask_at_ = now + kAskEvery;
    mark["asks"] = true;
  }
  queue_.push_back(make_pending("mark", own_now(), std::move(mark)));
  changed_.notify_all();
}

}  // namespace saldo::server
