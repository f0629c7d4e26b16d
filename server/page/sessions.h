// Who is signed in: sessions, in a file of their own beside the books. A session's name is 256
// random bits, which the browser alone has; the file has its SHA-256. It ends 30 minutes after the
// last request, 12 hours after the first, and with its token.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "hash.h"
#include "rules/time.h"
#include "sqlite/connection.h"

namespace saldo::server {

inline constexpr std::chrono::minutes kSessionIdle{30};
inline constexpr std::chrono::hours kSessionLength{12};

struct Session {
  std::string id;          // its SHA-256
  std::string token;       // the name
  std::string token_hash;  // by which the token is found, as long as it is valid
  std::string notice;      // to be shown on the next page, once
};

// 256 random bits, in hexadecimal.
std::string random_name();

class Sessions {
 public:
  // Makes the file, which its owner alone can read, where it is not there. Throws
  // std::runtime_error.
  explicit Sessions(const std::string& path);

  // What the cookie holds.
  std::string begin(std::string_view token, std::string_view token_hash, Instant now);
  // nullopt: there is none, or it has ended.
  std::optional<Session> find(std::string_view cookie, Instant now);
  void end(std::string_view cookie) { end_of(sha256_hex(cookie)); }
  // Likewise by its SHA-256.
  void end_of(std::string_view id);
  void set_notice(const Session& session, std::string_view notice);
  void clear_notice(const Session& session);
  // What was sent to be shown first, until it is confirmed: the last one of a session. The name of
  // it, and back; empty: there is none of that name.
  std::string keep(const Session& session, std::string_view content);
  std::string kept(const Session& session, std::string_view name);
  // Those that have not ended, as JSON: an array of [id, token, started_at, seen_at].
  std::string list(Instant now);

 private:
  // What is kept of them goes, too.
  void delete_ended(std::int64_t now);

  std::mutex mutex_;
  Connection file_;
};

}  // namespace saldo::server
