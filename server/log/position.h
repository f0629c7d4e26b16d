// Where in the log a file is: its table log_state has one row, and log_entry one for each entry
// that was applied or skipped, for as long as it could come again. Written in the transaction that
// applies.
#pragma once

#include <optional>
#include <string>

#include "log/entry.h"
#include "log/log.h"
#include "store/database.h"

namespace saldo::server {

struct LogState {
  Log::Position position;
  std::string chain;
  Instant log_time{};
  std::string build;      // of the last entry applied; empty behind a seal: any may follow
  std::int64_t seal = 0;  // the number of the last seal; 0: there is none
};

// Whether entries of the put count: it was made behind the last seal, and by the build with which
// all have gone on from there, which is that of the first put behind it.
bool counts(const LogState& state, const Put& put);
// Where the file is behind the put; of entries that count, `seals`: one is a seal.
void move_past(LogState& state, const LogItem& item, const Put& put, bool seals);

// The status with which log_entry tells of one that came too late to count.
inline constexpr int kSkippedStatus = 0;

// nullopt: the file follows no log.
std::optional<LogState> read_log_state(Database& database);
// Makes the tables where they are not there.
void write_log_state(Database& database, const LogState& state);
// The file follows no log any more.
void drop_log_state(Database& database);

// nullopt: there is no such entry.
std::optional<int> find_log_entry(Database& database, const Entry& entry);
void add_log_entry(Database& database, const Entry& entry, std::int64_t number, int status);
// Those that could not count any more, for a minute and some puts already: whoever waits for one
// has seen it.
void forget_log_entries(Database& database, const LogState& state);

// Where each node was when it said so last (table log_node); a mark with `leaves` takes it out.
void note_node(Database& database, const std::string& node, const Entry& mark);
// The least revision that all nodes but one have applied; nullopt: none has said where it is.
std::optional<std::int64_t> least_revision(Database& database, const std::string& without);

// The last closed day and its digest, as a put tells them.
Seen seen_in(Database& database, const LogState& state);

// Throws std::runtime_error for a file that follows a log.
void require_no_log(Database& database, const std::string& path);

}  // namespace saldo::server
