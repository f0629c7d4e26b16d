#include "facts/facts_in_force.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "rules/error.h"

namespace saldo {
namespace {

constexpr std::int32_t kNoDay = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kNoNumber = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kCountMax = 255;

class Writer {
 public:
  void count(std::size_t count) {
    fits_ = fits_ && count <= kCountMax;
    bytes_ += static_cast<char>(count);
  }
  void day(const std::optional<Day>& day) {
    integer(day ? static_cast<std::int32_t>(day->time_since_epoch().count()) : kNoDay);
  }
  void number(const std::optional<std::int64_t>& number) { integer(number.value_or(kNoNumber)); }
  void text(std::string_view text) {
    count(text.size());
    bytes_ += text;
  }
  std::optional<std::string> finish() {
    if (!fits_) return std::nullopt;
    return std::move(bytes_);
  }

 private:
  template <typename Integer>
  void integer(Integer value) {
    auto rest = static_cast<std::make_unsigned_t<Integer>>(value);
    for (std::size_t i = 0; i < sizeof(Integer); ++i, rest >>= 8U)
      bytes_ += static_cast<char>(rest & 0xFFU);
  }

  std::string bytes_;
  bool fits_ = true;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t count() { return static_cast<unsigned char>(read_bytes(1).front()); }
  std::optional<Day> optional_day() {
    const auto value = integer<std::int32_t>();
    if (value == kNoDay) return std::nullopt;
    const Day day{days{value}};
    if (day < kFirstDay || day > kLastDay) malformed();
    return day;
  }
  Day day() {
    const auto day = optional_day();
    if (!day) malformed();
    return *day;
  }
  std::optional<std::int64_t> optional_number() {
    const auto value = integer<std::int64_t>();
    if (value == kNoNumber) return std::nullopt;
    return value;
  }
  std::int64_t number() { return integer<std::int64_t>(); }
  std::string_view text() { return read_bytes(count()); }
  void finish() const {
    if (!bytes_.empty()) malformed();
  }

 private:
  [[noreturn]] static void malformed() {
    throw invalid("the database holds a malformed row of facts_in_force; see audit");
  }
  std::string_view read_bytes(std::size_t size) {
    if (size > bytes_.size()) malformed();
    const auto bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return bytes;
  }
  template <typename Integer>
  Integer integer() {
    const auto bytes = read_bytes(sizeof(Integer));
    std::make_unsigned_t<Integer> value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      value |= static_cast<std::make_unsigned_t<Integer>>(byte) << (8 * i);
    }
    return static_cast<Integer>(value);
  }

  std::string_view bytes_;
};

}  // namespace

std::optional<std::string> encode_facts(const Books& books, const Account& account, Day from) {
  Account left = account;
  left.drop_before(from);
  Writer writer;
  writer.day(from);
  writer.day(left.registered_on);
  writer.day(left.trial_ends_on);
  writer.count(left.terms.size());
  for (const auto& terms : left.terms) {
    writer.day(terms.valid_from);
    writer.count(static_cast<std::size_t>(terms.status));
    writer.number(terms.credit_limit);
    writer.count(terms.held ? 1 : 0);
  }
  writer.count(left.headcounts.size());
  for (const auto& headcount : left.headcounts) {
    writer.day(headcount.day);
    writer.number(headcount.employees);
  }
  writer.count(left.subscriptions.size());
  for (const auto& subscription : left.subscriptions) {
    writer.text(books.services[static_cast<std::size_t>(subscription.service)].id);
    writer.day(subscription.started_on);
    writer.day(subscription.ended_on);
    writer.number(subscription.quantity);
    if (subscription.price_list == Books::kNone) return std::nullopt;
    writer.text(books.price_lists[static_cast<std::size_t>(subscription.price_list)]);
  }
  return writer.finish();
}

void decode_facts(std::string_view facts, const Books& books, bool charges, Account& account) {
  Reader reader(facts);
  reader.day();
  account.registered_on = reader.day();
  account.trial_ends_on = reader.optional_day();
  account.terms.resize(reader.count());
  for (auto& terms : account.terms) {
    terms.valid_from = reader.day();
    terms.status = static_cast<Status>(std::min<std::size_t>(reader.count(), 2));
    terms.credit_limit = reader.optional_number();
    terms.held = reader.count() != 0;
  }
  if (!charges) return;
  account.headcounts.resize(reader.count());
  for (auto& headcount : account.headcounts) {
    headcount.day = reader.day();
    headcount.employees = reader.number();
  }
  account.subscriptions.clear();
  for (auto left = reader.count(); left > 0; --left) {
    Subscription subscription;
    subscription.service = books.find_service(reader.text());
    subscription.started_on = reader.day();
    subscription.ended_on = reader.optional_day();
    subscription.quantity = reader.optional_number();
    subscription.price_list = books.find_price_list(reader.text());
    if (subscription.service != Books::kNone) account.subscriptions.push_back(subscription);
  }
  reader.finish();
}

Day facts_hold_from(std::string_view facts) { return Reader(facts).day(); }

}  // namespace saldo
