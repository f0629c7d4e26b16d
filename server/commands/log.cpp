#include "commands/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "commands/commands.h"
#include "delivery/smtp.h"
#include "log/etcd_log.h"
#include "log/file_lock.h"
#include "log/replica.h"

namespace saldo::server::commands {
namespace {

constexpr std::chrono::seconds kOpenPatience{10};
constexpr seconds kCountsFor{10};
// Nobody sees whether it came in time, so one of a machine whose clock is behind counts, too.
constexpr std::chrono::hours kLeavingCountsFor{365 * 24};
constexpr std::chrono::milliseconds kLookAgain{100};

void fsync_path(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = descriptor >= 0 && fsync(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!done) throw std::runtime_error("cannot write " + path + " to the disk");
}

std::shared_ptr<Log> required_log(const LogFlags& flags) {
  auto log = open_log(flags);
  if (!log) throw std::runtime_error("--log etcd://h1:2379,h2:2379,h3:2379 names the log");
  return log;
}

// Again, for a while: an election may be under way.
template <typename Ask>
auto patiently(Ask ask) {
  const auto end = std::chrono::steady_clock::now() + kOpenPatience;
  for (;;) {
    try {
      return ask();
    } catch (const LogUnreachable& error) {
      if (std::chrono::steady_clock::now() >= end)
        throw std::runtime_error(std::string("the log is out of reach: ") + error.what());
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

LogState required_state(Database& books, const std::string& database) {
  const auto state = read_log_state(books);
  if (!state)
    throw std::runtime_error(database + " follows no log; `saldod log init` begins one with it");
  return *state;
}

// Another program that has the file open would go on writing to it as before.
void require_alone(Database& books, const std::string& database) {
  auto mode = books.prepare("PRAGMA journal_mode = DELETE");
  const bool alone = mode.step() && mode.text(0) == "delete";
  mode.reset();
  books.prepare("PRAGMA journal_mode = WAL").step();
  if (!alone) {
    throw std::runtime_error("another program has " + database +
                             " open; stop its server and all shells first");
  }
}

// Nobody has compared this machine's clock with the others', so it dates nothing: what is done is
// of the log's own time. How long it counts is another matter.
Entry new_entry(const LogState& state, std::string kind, nlohmann::ordered_json data,
                seconds counts_for = kCountsFor) {
  return {random_id(), std::move(kind), state.log_time,
          std::max(clock_now(), state.log_time) + counts_for, std::move(data)};
}

Put put_of(const LogFlags& flags, const std::string& build, const Seen& seen, Entry entry) {
  return {random_id(), flags.node, build, seen, Put::kNoClock, {std::move(entry)}};
}

void append_patiently(Log& log, const Put& put) {
  const std::string text = encode(put);
  patiently([&] {
    log.append(text);
    return true;
  });
}

// What follows that position.
LogItem item_behind(Log& log, const Log::Position& position) {
  return patiently([&] {
    const auto item = log.next(std::chrono::milliseconds{1000});
    if (item) return *item;
    log.follow(position);
    throw LogUnreachable("nothing comes");
  });
}

// The first put of a log, which is this node's own: made a moment ago, or by an `init` that was
// killed.
LogItem first_put(Log& log, const LogFlags& flags, Put& put) {
  auto head = patiently([&] { return log.follow({}); });
  const std::string exists =
      "there is a log already, which others follow; `saldod log join` takes a backup of one of "
      "them";
  if (head.number == 0) {
    append_patiently(log, put);
    patiently([&] { return log.follow({}); });
  } else if (head.number > 1) {
    throw std::runtime_error(exists);
  }
  auto item = item_behind(log, {});
  const auto first = decode(item.text);
  if (!first || item.number != 1 || first->node != flags.node || first->build != put.build)
    throw std::runtime_error(exists);
  put = *first;
  return item;
}

// Where no server can apply it, since the build of the file is there no more: the seal goes into
// the log behind what the file has, or is there already, and is applied here.
void seal_alone(Database& books, Log& log, const LogFlags& flags, LogState state) {
  if (state.build.empty())
    throw std::runtime_error("nothing was applied since the log was begun or sealed");
  Put put = put_of(flags, state.build, seen_in(books, state),
                   new_entry(state, "seal", {{"build", state.build}}));
  const auto head = patiently([&] { return log.follow(state.position); });
  if (head.number == state.position.number) append_patiently(log, put);
  const auto item = item_behind(log, state.position);
  const auto next = decode(item.text);
  if (!next || item.number != state.position.number + 1 || !counts(state, *next) ||
      next->entries.size() != 1 || next->entries.front().kind != "seal" ||
      next->entries.front().by < state.log_time) {
    throw std::runtime_error("what follows this file at put " + std::to_string(item.number) +
                             " is no seal: start the build that made it, " + state.build +
                             ", or join from a backup of a node that has applied it; what `saldod "
                             "log seal` sent may stand behind it");
  }
  const Entry& seal = next->entries.front();
  Transaction transaction(books, "BEGIN IMMEDIATE");
  state.chain = next_chain(state.chain, encode(seal), Applied::kDone, "");
  move_past(state, item, *next, true);
  add_log_entry(books, seal, item.number, Applied::kDone);
  forget_log_entries(books, state);
  write_log_state(books, state);
  transaction.commit();
}

void print_nodes(Database& books) {
  auto row = books.prepare("SELECT node, number, at, day, build FROM log_node ORDER BY node");
  while (row.step()) {
    std::cout << "node " << row.text(0) << ": was at " << row.integer(1) << " at " << row.text(2)
              << ", closed through " << (row.text(3).empty() ? "none" : row.text(3)) << ", "
              << row.text(4) << "\n";
  }
}

}  // namespace

std::shared_ptr<Log> open_log(const LogFlags& flags) {
  if (flags.url.empty()) return nullptr;
  EtcdOptions options;
  options.members = parse_etcd_url(flags.url);
  options.ca = flags.ca;
  options.cert = flags.certificate;
  options.private_key = flags.key;
  if (options.ca.empty()) {
    for (const auto& member : options.members) {
      if (!is_this_machine(member.substr(0, member.rfind(':')))) {
        throw std::runtime_error(
            member +
            " is on another machine: --log-ca names the certificates by which it is known");
      }
    }
  }
  if (!flags.user_file.empty()) {
    std::ifstream file(flags.user_file);
    std::string line;
    std::getline(file, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0) {
      throw std::runtime_error("--log-user " + flags.user_file +
                               ": its first line is USER:PASSWORD");
    }
    options.user = line.substr(0, colon);
    options.password = line.substr(colon + 1);
  }
  return open_etcd_log(std::move(options));
}

int log_init(const std::string& database, const LogFlags& flags) {
  const auto log = required_log(flags);
  Database books(database, Database::Mode::kWrite);
  if (read_log_state(books)) throw std::runtime_error(database + " follows a log already");
  require_alone(books, database);
  // No entry may be earlier than what was written before; whichever comes first moves the time on.
  auto row = books.prepare("SELECT day_start(open_day) FROM books");
  row.step();
  const auto at = parse_instant(row.text(0)).value_or(Instant());
  row.reset();
  constexpr const char* kInitBuild = "saldod log init";
  // The first put is taken as it is; a copy of it, sent as nothing was known of the first, never
  // counts.
  Put put = put_of(flags, kInitBuild, Seen{Seen::kNothing, "", "", ""},
                   {random_id(), "fence", at, at + kCountsFor, {}});
  const auto head = patiently([&] { return log->follow({}); });
  const auto item = first_put(*log, flags, put);
  LogState state;
  state.position = {head.cluster_id, item.revision, item.number, put.id};
  state.chain = next_chain("", encode(put.entries.front()), Applied::kDone, "");
  state.log_time = put.entries.front().at;
  Transaction transaction(books, "BEGIN IMMEDIATE");
  write_log_state(books, state);
  transaction.commit();
  std::cout << "the log begins with " << database
            << "; back it up, and let the other nodes join from the backup\n";
  return 0;
}

int log_join(const std::string& database, const LogFlags& flags, const std::string& backup) {
  const auto log = required_log(flags);
  if (std::filesystem::exists(database)) {
    throw std::runtime_error(database +
                             " is there already; a node joins with a file of its own, made of the "
                             "backup");
  }
  // SQLite would take what these hold for a part of the new file.
  for (const auto* const suffix : {"-wal", "-shm", "-journal", "-search"}) {
    if (std::filesystem::exists(database + suffix)) {
      throw std::runtime_error(
          database + suffix + " is of the file that was there before; move it away with that file");
    }
  }
  const std::string part = database + ".part";
  std::filesystem::remove(part);
  std::filesystem::copy_file(backup, part);
  try {
    Database books(part, Database::Mode::kRead);
    const auto state = required_state(books, backup);
    const auto head = patiently([&] { return log->follow(state.position); });
    std::cout << "position " << state.position.number << " of " << head.number << "\n";
  } catch (...) {
    std::filesystem::remove(part);
    throw;
  }
  fsync_path(part);
  std::filesystem::rename(part, database);
  fsync_path(std::filesystem::absolute(database).parent_path().string());
  std::cout << database << " joins; `saldod serve --log …` applies the rest\n";
  return 0;
}

int log_leave(const std::string& database, const LogFlags& flags) {
  Database books(database, Database::Mode::kWrite);
  const auto state = required_state(books, database);
  require_alone(books, database);
  // Behind a seal, or before the first entry, no node has a build yet, and none needs to be told.
  if (const auto log = open_log(flags); log && !state.build.empty()) {
    append_patiently(*log,
                     put_of(flags, state.build, seen_in(books, state),
                            new_entry(state, "mark", {{"leaves", flags.node}}, kLeavingCountsFor)));
  }
  Transaction transaction(books, "BEGIN IMMEDIATE");
  drop_log_state(books);
  transaction.commit();
  std::cout << database << " follows the log no more; it stands alone\n";
  return 0;
}

int log_trim(const std::string& database, const LogFlags& flags, const std::string& without) {
  const auto log = required_log(flags);
  Database books(database, Database::Mode::kRead);
  const auto state = required_state(books, database);
  const auto least = least_revision(books, without);
  if (!least) throw std::runtime_error("no node has said yet how far it is; it does every minute");
  const auto revision = std::min(*least, state.position.revision);
  patiently([&] {
    log->trim(revision);
    return true;
  });
  std::cout << "what stands before revision " << revision << " is forgotten\n";
  return 0;
}

int log_status(const std::string& database, const LogFlags& flags) {
  const auto log = required_log(flags);
  // During an upgrade a newer build may be here already.
  Database books(database, Database::Mode::kReadOlder);
  const auto state = required_state(books, database);
  std::cout << "applied: " << state.position.number << ", up to " << format_instant(state.log_time)
            << "\n"
            << "build: " << (state.build.empty() ? "any (sealed, or just begun)" : state.build)
            << "\n";
  print_nodes(books);
  try {
    const auto head = patiently([&] { return log->follow(state.position); });
    std::cout << "log: " << head.number << ", " << head.number - state.position.number
              << " not applied here yet\n";
  } catch (const LogBroken& error) {
    std::cout << "log: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

int append_for(Database& books, Log& log, const LogFlags& flags, const std::string& kind,
               const nlohmann::ordered_json& data) {
  const auto state = read_log_state(books);
  if (!state) throw std::runtime_error("the file follows no log; leave --log out");
  if (state->build.empty()) {
    throw std::runtime_error(
        "nothing was applied since the log was begun or sealed; start `saldod serve --log` first");
  }
  const Entry entry = new_entry(*state, kind, data);
  append_patiently(log, put_of(flags, state->build, seen_in(books, *state), entry));
  const auto end = std::chrono::steady_clock::now() + kOpenPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (const auto status = find_log_entry(books, entry)) {
      if (*status != kSkippedStatus) return *status;
      const auto now = required_state(books, "the file");
      if (now.seal != state->seal)
        throw std::runtime_error("it was not done: the log was sealed meanwhile");
      throw std::runtime_error("it was not done, as it came too late: the log's time is " +
                               format_instant(now.log_time) + ", this machine's clock is at " +
                               format_instant(clock_now()) +
                               "; set that if it is behind, and try again");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  throw std::runtime_error(
      "it is in the log, but was not applied in this file: does `saldod serve --log` run with it? "
      "If not, and it was a seal, do the same again");
}

int log_seal(const std::string& database, const LogFlags& flags) {
  const auto log = required_log(flags);
  const FileLock lock(database);
  // A newer build may be here already: the file is upgraded behind the seal.
  Database books(database, Database::Mode::kWriteOlder);
  const auto state = required_state(books, database);
  if (lock.is_held()) {
    seal_alone(books, *log, flags, state);
    std::cout << "the log is sealed, and this file is behind the seal: any build may go on with "
                 "it; the same on each node whose server cannot start\n";
    return 0;
  }
  append_for(books, *log, flags, "seal", {{"build", state.build}});
  std::cout << "the log is sealed: no node writes any more; when `saldod log status` says on each "
               "that nothing is left to apply, replace saldod there and start it again\n";
  return 0;
}

}  // namespace saldo::server::commands
