// The digest of a closed day, stored in day_close (3.2); extension/README.md gives its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "context.h"
#include "hash.h"

namespace saldo {

// The columns of `charge` beside the day.
struct ChargeColumns {
  std::int64_t account_id = 0;
  std::string_view service_id;
  std::int64_t quantity = 0;
  std::int64_t monthly_fee = 0;
  std::int64_t unit_fee = 0;
  std::int64_t amount = 0;
};

// SHA-256 over lines, each a JSON array of integers, texts and nulls, without spaces, in UTF-8.
class DayDigest {
 public:
  // Begins with the digest of the day before. Throws not_found when `day` has no row in day_close.
  DayDigest(Context& context, const std::string& day);
  // All charges of the day, in the order of account_id and service_id, either as values or as a row
  // whose columns are all hashed.
  void add(const ChargeColumns& charge);
  void add(std::string_view name, const Statement& row);
  // Goes on with the day's facts and its own row, by the tables. Lower-case hexadecimal.
  std::string finish();

 private:
  void end_line();
  void flush();

  Context& context_;
  std::string day_;
  std::string starts_at_;  // '' on the first day
  std::string ends_at_;
  bool first_ = false;
  Sha256 hash_;
  std::string charge_;  // the beginning of the line of each charge
  std::string buffer_;
};

}  // namespace saldo
