// What stands in the log: puts, each of one node, and in them the entries, each of which is one
// write. Text in, text out; nothing here knows SQLite, HTTP or etcd.
//
// A put is one line of JSON, whose last member is the SHA-256 of all of it before:
//   {"v":1,"id":…,"node":…,"build":…,"seen":{"number":…,"chain":…,"day":…,"digest":…},
//    "clock":…,"entries":[…],"sum":…}
// An entry:
//   {"id":…,"kind":…,"at":…,"by":…, and what its kind needs}
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/time.h"

namespace saldo::server {

// The kinds of entries, and what they need besides (server/README.md, "Three machines"):
//   request         token, method, target, body, params, gives, key, …: a route that writes
//   webhook.put, webhook.rotate   the same with `random`, of which the secret is made
//   close           day
//   token.create    name, role, hash
//   token.revoke    name
//   notice_clock    nothing: the clock of the notices moves to the entry's instant
//   claim, outcome  an attempt of a delivery, and what came of it
//   mark            number, revision, chain, day, digest, clock, build: where a node is; with
//                   `asks` the others tell theirs at once; or `leaves`, a node that is no more
//   fence           nothing: what was sent before and is not there will never count
//   seal            build: entries of that build end here
struct Entry {
  std::string id;
  std::string kind;
  Instant at{};                                                    // when the node was asked
  Instant by{};                                                    // it counts until then
  nlohmann::ordered_json data = nlohmann::ordered_json::object();  // what its kind needs
};

// What a node had applied when it made a put.
struct Seen {
  static constexpr std::int64_t kNothing = -1;  // what such a put holds never counts

  std::int64_t number = 0;
  std::string chain;
  std::string day;     // the last closed one; empty: there is none
  std::string digest;  // its
};

struct Put {
  static constexpr int kVersion = 1;
  static constexpr std::int64_t kNoClock = 0;

  std::string id;
  std::string node;
  std::string build;
  Seen seen;
  // The node's when it sent this, in milliseconds since 1970; of commands kNoClock.
  std::int64_t clock = kNoClock;
  std::vector<Entry> entries;
};

// So many bytes of entries go into one put, but for a single entry that is longer.
inline constexpr std::size_t kPutBytes = 64 << 10;
// etcd takes 1.5 MiB, with what it adds.
inline constexpr std::size_t kPutBytesMax = (3 << 19) - (16 << 10);

// 128 random bits in hexadecimal. Throws std::runtime_error where the system has none.
std::string random_id();

// As it stands in a put, which is what the chain covers.
std::string encode(const Entry& entry);
std::string encode(const Put& put);
// nullopt: it is not what encode() has made, a bit of it is another, or it is of another version.
std::optional<Put> decode(std::string_view text);

// Bytes in JSON: a text where they are UTF-8 and that is the shorter form, or {"base64": …}.
nlohmann::ordered_json json_of_bytes(std::string_view bytes);
// nullopt: it is neither.
std::optional<std::string> bytes_of_json(const nlohmann::ordered_json& json);

// The chain behind an entry that was applied: SHA-256 over the chain before it, the entry and its
// answer.
std::string next_chain(std::string_view chain, std::string_view entry, int status,
                       std::string_view body);

}  // namespace saldo::server
